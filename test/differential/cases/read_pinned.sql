-- Keys pinned by sub-queries, NULL and contradictions; lateral conditions; sub-queries in LIMIT; assignments out of order.
-- @setup
CREATE TABLE a (k int, x int, t text, d date);
CREATE TABLE o (k int, x int);
CREATE TABLE r (k int, x int);
CREATE TABLE l (k int, x int, t text, d date);
CREATE TABLE u (k int PRIMARY KEY, p int, q int, t text);
INSERT INTO a SELECT i % 9, i % 6, 't' || i % 3, date '2020-01-01' + i FROM generate_series(1, 45) i;
INSERT INTO a VALUES (NULL, 1, 'n', '2020-01-01');
INSERT INTO o SELECT i % 9, i % 6 FROM generate_series(1, 30) i;
INSERT INTO r VALUES (3, 1), (6, 2);
INSERT INTO l SELECT i, i % 6, 'L' || i, date '2020-01-10' FROM generate_series(0, 8) i;
INSERT INTO u VALUES (1, 0, 0, ''), (2, 0, 0, '');
-- @distribute
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('o', 'x', 'none');
SELECT create_distributed_table('u', 'k');
SELECT create_reference_table('r');
-- @run
SELECT count(*) FROM a WHERE k = (SELECT max(k) FROM r);
SELECT sum(x) FROM a WHERE k = (SELECT max(k) FROM r) AND x > 1;
SELECT l.k, (SELECT count(*) FROM a WHERE a.k = (SELECT max(k) FROM r)) FROM l;
SELECT * FROM (SELECT count(*) FROM a WHERE k IS NULL) s;
SELECT count(*) FROM (SELECT count(*) FROM a WHERE k IS NULL) s;
SELECT x FROM a WHERE k = 5 AND k = 6 UNION ALL SELECT x FROM a WHERE k = 6;
SELECT x FROM a WHERE k = 6 UNION ALL SELECT x FROM a WHERE k = 6 AND k = 5;
SELECT s3.k, s6.x, s6.t FROM l s3 LEFT JOIN LATERAL (SELECT s7.x, s3.t AS t FROM a s7 JOIN o s8 ON s7.k = s8.k WHERE s7.k = s3.x) s6 ON s3.k = s6.x;
SELECT s3.k, s6.x, s6.t FROM l s3 LEFT JOIN LATERAL (SELECT s7.x, COALESCE(s3.t, s7.t) AS t FROM a s7 JOIN o s8 ON s7.k = s8.k WHERE s7.d > s3.d) s6 ON true;
SELECT s6.t FROM l s3 LEFT JOIN LATERAL (SELECT s7.k, s3.t AS t FROM a s7) s6 ON s3.k = s6.k WHERE s6.t = 'L3';
SELECT x, count(*) FROM a GROUP BY x ORDER BY x LIMIT (SELECT 3);
SELECT DISTINCT x FROM a ORDER BY x LIMIT (SELECT 3);
SELECT count(*) FROM a LIMIT (SELECT 1);
SELECT x, sum(count(*)) OVER (ORDER BY x ROWS (SELECT 1) PRECEDING) FROM a GROUP BY x;
WITH q AS (SELECT 2 z) SELECT k FROM a ORDER BY k LIMIT (SELECT z FROM q);
SELECT k, x FROM a ORDER BY k, x, d LIMIT 9223372036854775807 OFFSET 1;
UPDATE u SET (q, p) = (SELECT 10, 20) WHERE k = 1 RETURNING *;
UPDATE u SET (p, t) = (SELECT 11, 'z'), q = 5 WHERE k = 1 RETURNING *;
UPDATE u SET (t, p) = (SELECT 'y', 12), q = 6 RETURNING *;
