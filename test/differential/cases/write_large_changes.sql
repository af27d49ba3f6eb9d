-- Changes of thousands of rows in several batches, INSERT ... SELECT of a table into itself, large values, wide tables.
-- @setup
CREATE TABLE big (k int PRIMARY KEY, grp int, v text, n bigint CHECK (n < 1000000));
CREATE TABLE other (x int, k int, w text);
CREATE TABLE long (k int, id int, t text, b bytea);
CREATE TABLE fresh (k int PRIMARY KEY, v text);
CREATE TABLE heap (k int, v int);
DO $$BEGIN
  EXECUTE 'CREATE TABLE wide (k int, ' || (SELECT string_agg('c' || i || ' int DEFAULT ' || i, ', ') FROM generate_series(1, 300) i) || ')';
  EXECUTE 'CREATE TABLE widest (k int, ' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 1599) i) || ')';
END$$;
INSERT INTO big SELECT i, i % 10, 'v' || i, i FROM generate_series(1, 3500) i;
INSERT INTO other SELECT i, i, 'w' || i FROM generate_series(1, 3600, 2) i;
INSERT INTO long SELECT i, i, repeat(chr(65 + i % 26), 20000), decode(repeat('ab', 3000), 'hex') FROM generate_series(1, 150) i;
INSERT INTO fresh SELECT i, 'f' FROM generate_series(1, 4200) i;
INSERT INTO heap SELECT i % 50, i FROM generate_series(1, 1500) i;
INSERT INTO wide (k) SELECT i FROM generate_series(1, 450) i;
INSERT INTO widest (k, c1, c1599) SELECT i, i, -i FROM generate_series(1, 90) i;
-- @distribute
SELECT create_distributed_table('big', 'k');
SELECT create_distributed_table('other', 'x');
SELECT create_distributed_table('long', 'k');
SELECT create_distributed_table('heap', 'k');
SELECT create_distributed_table('fresh', 'k');
SELECT create_distributed_table('wide', 'k');
SELECT create_distributed_table('widest', 'k');
-- @distribute references
SELECT create_distributed_table('big', 'k', shard_count => 1);
SELECT create_reference_table('other');
SELECT create_distributed_table('long', 'id', shard_count => 2);
SELECT create_distributed_table('heap', 'v');
SELECT create_distributed_table('fresh', 'k', shard_count => 2);
SELECT create_distributed_table('wide', 'c1');
SELECT create_distributed_table('widest', 'c1599');
-- @run
UPDATE big SET v = w FROM other WHERE other.k = big.k;
UPDATE big SET k = k + 100000;
UPDATE big SET k = k - 100000 RETURNING k, n;
UPDATE big SET n = n + (SELECT count(*) FROM other) WHERE grp = 3;
UPDATE big SET n = n + 1 WHERE k % 2 = (SELECT 1);
-- @nodetail
UPDATE big SET n = n * 1000 WHERE n > (SELECT avg(n) FROM big);
UPDATE big SET k = 1 WHERE k > 3400;
-- @nodetail
UPDATE big SET k = k / 2 + 200000;
UPDATE fresh SET k = k - 1;
UPDATE fresh SET k = k - 20000 WHERE v = 'f' OR v = (SELECT 'g') RETURNING k;
UPDATE fresh SET k = k + 20000 WHERE k < 0;
UPDATE fresh SET k = k + 1000000 WHERE k < 1500;
UPDATE fresh SET k = k - 1000000 WHERE k > 1000000 RETURNING k;
INSERT INTO big SELECT -k - 10000000, 1, 'minus', 1 FROM big WHERE k > 2000;
SELECT count(*), sum(k), sum(n), min(v), max(v) FROM big;
BEGIN;
INSERT INTO big SELECT k + 10000, grp, v, n FROM big;
SELECT count(*) FROM big;
INSERT INTO big SELECT k + 20000, grp, v, n FROM big;
SELECT count(*), sum(k) FROM big;
SAVEPOINT s;
-- @nodetail
INSERT INTO big SELECT k + 20000, grp, v, n FROM big WHERE k < 10 OR k > 29000;
SELECT count(*) FROM big;
ROLLBACK TO s;
UPDATE big SET k = k + 1000000, grp = -1 WHERE n IN (SELECT k FROM other);
SELECT grp, count(*), sum(k) FROM big GROUP BY grp;
DELETE FROM big USING other WHERE other.k = big.n;
SELECT count(*) FROM big;
ROLLBACK;
INSERT INTO heap SELECT * FROM heap;
INSERT INTO heap SELECT k + 1, v FROM heap WHERE v > 700 RETURNING k;
INSERT INTO heap SELECT max(k) + 1, count(*) FROM heap GROUP BY v;
SELECT count(*), sum(k), sum(v) FROM heap;
INSERT INTO big SELECT k, 0, 'conflict', 1 FROM other ON CONFLICT (k) DO UPDATE SET v = excluded.v || big.grp, n = big.n + 1;
INSERT INTO big SELECT k, 0, 'nothing', 1 FROM generate_series(3000, 4500) k ON CONFLICT DO NOTHING RETURNING k;
MERGE INTO big USING (SELECT x, w FROM other WHERE x < 2500) o ON o.x = big.k WHEN MATCHED AND big.grp = 1 THEN DELETE WHEN MATCHED AND big.grp < 6 THEN UPDATE SET k = big.k + 50000, v = o.w WHEN MATCHED THEN UPDATE SET v = o.w WHEN NOT MATCHED THEN INSERT VALUES (o.x, 99, o.w, 99);
MERGE INTO big USING generate_series(60000, 62500) g ON g = big.k WHEN NOT MATCHED THEN INSERT (k, n) VALUES (g, g);
WITH d AS (DELETE FROM big WHERE k >= 60000 RETURNING k, n) INSERT INTO heap SELECT k % 7, n FROM d;
WITH u AS (UPDATE big SET k = -k WHERE grp = 7 RETURNING k) SELECT count(*), min(k), max(k) FROM u;
DELETE FROM big WHERE k = ANY (SELECT -k FROM big b WHERE b.grp = 7) OR grp = (SELECT max(grp) FROM big);
UPDATE long SET k = k + 1000, t = t || k RETURNING k, length(t);
UPDATE long SET t = o.t || long.t, b = o.b FROM long o WHERE o.id = long.id + 1 RETURNING long.id, length(long.t), md5(long.t), length(long.b);
UPDATE long SET id = id + 1, k = id RETURNING k, id;
SELECT k, id, length(t), md5(t), md5(b) FROM long;
UPDATE long SET t = NULL;
UPDATE wide SET k = k + 1, c1 = c1 + k, c300 = k WHERE k < 440 RETURNING k, c1, c2, c300;
UPDATE wide SET c1 = w.c300, c150 = o.w::text::int FROM wide w, (SELECT 5 AS w) o WHERE w.k = wide.k + 1 AND w.k < 300 RETURNING wide;
MERGE INTO wide USING (SELECT k, c1 FROM wide WHERE k < 400) s ON s.k = wide.k + 100 WHEN MATCHED AND s.k < 150 THEN UPDATE SET c1 = s.c1, c299 = 0 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (k, c5) VALUES (-s.k, s.c1);
INSERT INTO wide SELECT * FROM wide WHERE k < 200;
SELECT count(*), sum(k), sum(c1), sum(c5), sum(c299), sum(c300) FROM wide;
UPDATE widest SET k = k + 1 RETURNING k, c1, c1599;
UPDATE widest SET k = k + 1, c1599 = c1, c700 = 7 WHERE k > (SELECT avg(k) FROM widest);
UPDATE widest SET c1599 = -c1 FROM other WHERE other.k = widest.k RETURNING other.w, c1599, c700;
UPDATE widest w SET c2 = o.c1 FROM widest o WHERE o.k = w.k + 1 RETURNING w.k, w.c2, o.k;
DELETE FROM widest WHERE c1 IN (SELECT k FROM other WHERE k < 20) RETURNING c1599;
INSERT INTO widest SELECT * FROM widest WHERE k < 30;
MERGE INTO widest USING other ON other.k = widest.k WHEN MATCHED AND widest.k > 80 THEN DELETE WHEN MATCHED THEN UPDATE SET c3 = other.x;
SELECT count(*), sum(k), sum(c1), sum(c2), sum(c3), sum(c1599) FROM widest;
