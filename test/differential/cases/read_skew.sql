-- Empty tables, one key that has nearly everything, one row, NULL keys, no columns, many columns.
-- @setup
CREATE TABLE empty_a (k int, v int);
CREATE TABLE empty_b (k int, v int);
CREATE TABLE empty_ref (k int, v int);
CREATE TABLE skewed (k int, v int, t text);
CREATE TABLE single (k int, v int);
CREATE TABLE all_null (k int, v int);
CREATE TABLE only_key (k int);
CREATE TABLE big_rows (k int, t text);
INSERT INTO skewed SELECT 7, i, 'hot ' || i % 3 FROM generate_series(1, 500) i;
INSERT INTO skewed SELECT i, i, 'cold' FROM generate_series(1, 30) i;
INSERT INTO single VALUES (1, 1);
INSERT INTO all_null SELECT NULL, i FROM generate_series(1, 10) i;
INSERT INTO only_key SELECT i % 9 FROM generate_series(1, 100) i;
INSERT INTO big_rows SELECT i, repeat(md5(i::text), i * 100) FROM generate_series(1, 30) i;
-- @distribute
SELECT create_distributed_table('empty_a', 'k');
SELECT create_distributed_table('empty_b', 'k');
SELECT create_reference_table('empty_ref');
SELECT create_distributed_table('skewed', 'k');
SELECT create_distributed_table('single', 'k');
SELECT create_distributed_table('all_null', 'k');
SELECT create_distributed_table('only_key', 'k');
SELECT create_distributed_table('big_rows', 'k');
-- @run
SELECT * FROM empty_a;
SELECT count(*), count(v), sum(v), avg(v), min(v), max(v), array_agg(v), string_agg(v::text, ','), bool_and(v > 0), stddev(v), jsonb_agg(v), count(DISTINCT v) FROM empty_a;
SELECT k, sum(v) FROM empty_a GROUP BY k;
SELECT sum(v) FROM empty_a HAVING sum(v) IS NULL;
SELECT sum(v), count(*) FROM empty_a GROUP BY ();
SELECT max(v) FROM empty_a WHERE k = 1;
SELECT count(*) FROM empty_a WHERE k = 1;
SELECT * FROM empty_a a JOIN empty_b b USING (k) LEFT JOIN empty_ref r USING (k);
SELECT s.k, e.v FROM single s LEFT JOIN empty_a e USING (k);
SELECT count(*) FROM skewed FULL JOIN empty_b USING (k);
SELECT * FROM single WHERE NOT EXISTS (SELECT FROM empty_a);
SELECT * FROM single WHERE v > ALL (SELECT v FROM empty_a);
SELECT * FROM single WHERE v > ANY (SELECT v FROM empty_a);
SELECT (SELECT v FROM empty_a), (SELECT max(v) FROM empty_a), (SELECT v FROM single);
SELECT row_number() OVER () FROM empty_a;
-- @ordered
SELECT * FROM empty_a ORDER BY v LIMIT 5;
SELECT DISTINCT v FROM empty_a;
SELECT v FROM empty_a UNION SELECT v FROM single;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v), mode() WITHIN GROUP (ORDER BY v) FROM empty_a;
SELECT k, count(*), sum(v) FROM skewed GROUP BY k;
SELECT t, count(*), avg(v)::numeric(20,8) FROM skewed GROUP BY t;
SELECT count(*) FROM skewed WHERE k = 7;
SELECT count(*) FROM skewed a JOIN skewed b ON a.k = b.k AND a.v = b.v + 1;
-- @ordered
SELECT v FROM skewed WHERE k = 7 ORDER BY v DESC LIMIT 3;
-- @ordered
SELECT k, v FROM skewed ORDER BY k DESC, v DESC LIMIT 12 OFFSET 20;
SELECT stddev(v), variance(v), stddev(k), corr(k, v) IS NULL FROM single;
SELECT stddev_pop(v), var_pop(k), covar_samp(k, v) FROM single;
SELECT avg(v), stddev(v) FROM skewed WHERE k <> 7;
SELECT * FROM all_null;
SELECT count(*), count(k) FROM all_null;
SELECT k, count(*) FROM all_null GROUP BY k;
SELECT count(*) FROM all_null a JOIN all_null b USING (k);
SELECT count(*) FROM all_null a FULL JOIN single s USING (k);
SELECT * FROM all_null WHERE k IS NULL AND v < 4;
SELECT DISTINCT k FROM all_null;
SELECT * FROM all_null WHERE k = 1 OR k IS NULL;
SELECT count(*), sum(k), count(DISTINCT k) FROM only_key;
SELECT k, count(*) FROM only_key GROUP BY k HAVING count(*) <> 11;
SELECT o FROM only_key o WHERE k = 3;
SELECT FROM only_key WHERE k = 3;
SELECT count(*) FROM (SELECT FROM only_key) s;
SELECT k, length(t), md5(t) FROM big_rows;
SELECT t FROM big_rows WHERE k = 30;
SELECT sum(length(t)), max(length(t)) FROM big_rows;
SELECT md5(string_agg(t, '' ORDER BY k)) FROM big_rows;
SELECT array_length(array_agg(t ORDER BY k), 1) FROM big_rows;
SELECT count(*) FROM big_rows a, big_rows b WHERE a.t < b.t;
