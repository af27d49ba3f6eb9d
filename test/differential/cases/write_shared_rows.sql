-- Parts of one statement that change, or read, rows of the same table.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int, twice int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE s (k int, n int);
CREATE TABLE "Log Book" ("What" text, id int);
INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 60) i;
INSERT INTO s SELECT i % 20, i FROM generate_series(1, 60) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('s', 'k');
SELECT create_distributed_table('"Log Book"', 'id');
-- @run
-- different rows
WITH u AS (UPDATE t SET v = 'u' WHERE k = 1 RETURNING k, v), w AS (UPDATE t SET v = 'w' WHERE k = 2 RETURNING k, v) SELECT * FROM u, w;
WITH u AS (UPDATE t SET v = 'u2' WHERE k = 1), w AS (UPDATE t SET v = 'w2' WHERE k = 2) SELECT count(*) FROM t WHERE v LIKE '%2';
WITH u AS (UPDATE t SET v = 'a' WHERE k BETWEEN 3 AND 9 RETURNING k) UPDATE t SET v = 'b' WHERE k BETWEEN 10 AND 14 RETURNING k, v;
WITH d AS (DELETE FROM t WHERE k = 15 RETURNING *), u AS (UPDATE t SET n = n + 100 WHERE k = 16 RETURNING *) SELECT d.k, d.twice, u.k, u.n, u.twice FROM d, u;
WITH d AS (DELETE FROM t WHERE k = 17 RETURNING k, v) UPDATE t SET v = d.v FROM d WHERE t.k = d.k + 1 RETURNING t.k, t.v;
WITH m AS (MERGE INTO t USING (VALUES (19, 'm'), (1019, 'new')) x(k, v) ON x.k = t.k WHEN MATCHED THEN UPDATE SET v = x.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (x.k, x.v)), u AS (UPDATE t SET v = 'u' WHERE k = 20 RETURNING k, v) SELECT * FROM u;
WITH u AS (UPDATE t SET k = k + 2000 WHERE k IN (21, 22, 23) RETURNING k, v, n), d AS (DELETE FROM t WHERE k IN (24, 25) RETURNING k) SELECT u.*, d.k FROM u, d;
WITH u AS (UPDATE t SET (v, n) = (SELECT 'multi', max(s.n) FROM s WHERE s.k = t.k) WHERE k = 4 RETURNING v, n), w AS (UPDATE t SET v = upper(v) WHERE k = 5 RETURNING k, v, n) SELECT * FROM u, w;
-- the same row twice: one change happens
WITH u AS (UPDATE t SET n = -1 WHERE k = 30 RETURNING k), w AS (UPDATE t SET n = -1 WHERE k = 30 RETURNING k) SELECT (SELECT count(*) FROM u) + (SELECT count(*) FROM w);
WITH d AS (DELETE FROM t WHERE k BETWEEN 31 AND 33 RETURNING k), e AS (DELETE FROM t WHERE k BETWEEN 32 AND 34 RETURNING k) SELECT k FROM d UNION ALL SELECT k FROM e;
WITH d AS (DELETE FROM t WHERE k = 35 RETURNING k) DELETE FROM t WHERE k = 35;
WITH u AS (UPDATE t SET v = 'one' WHERE k BETWEEN 36 AND 38 RETURNING k), w AS (UPDATE t SET v = 'one' WHERE k BETWEEN 37 AND 39 RETURNING k) SELECT count(*) FROM (TABLE u UNION ALL TABLE w) both_parts;
WITH u AS (UPDATE t SET n = 0 WHERE k = 40 RETURNING *), m AS (MERGE INTO t USING u ON u.k = t.k WHEN MATCHED THEN UPDATE SET n = 1) SELECT k FROM u;
-- one part reads what another one changes
WITH u AS (UPDATE t SET n = 1000 WHERE k BETWEEN 41 AND 43 RETURNING k), i AS (INSERT INTO "Log Book" SELECT 'seen', n FROM t WHERE k BETWEEN 41 AND 43 RETURNING id) SELECT id FROM i;
WITH u AS (UPDATE t SET n = 2000 WHERE k BETWEEN 41 AND 43) UPDATE s SET n = t.n FROM t WHERE t.k = s.k + 40 AND s.k IN (1, 2) RETURNING s.k, s.n;
WITH d AS (DELETE FROM t WHERE k = 44 RETURNING k) DELETE FROM s USING t WHERE t.k = 44 AND s.k = t.k % 10 RETURNING s.*;
WITH a AS (UPDATE t SET n = (SELECT sum(n) FROM s WHERE s.k = 5) WHERE k = 45 RETURNING n), b AS (UPDATE s SET n = (SELECT n FROM t WHERE k = 45) WHERE k = 5 RETURNING n) SELECT a.n, b.n FROM a, b;
-- correlated
WITH u AS (UPDATE t SET n = -n WHERE k < 10 RETURNING k) SELECT s.k, (SELECT sum(t.n) FROM t WHERE t.k + 0 = s.k) FROM s WHERE s.k < 10;
WITH d AS (DELETE FROM t WHERE k < 3 RETURNING k), x AS (SELECT s.k, (SELECT count(*) FROM t WHERE t.n = s.n) AS c FROM s) SELECT sum(c), (SELECT count(*) FROM d) FROM x;
WITH d AS (DELETE FROM t WHERE k < 5 RETURNING *) SELECT o.k, l.n FROM s o, LATERAL (SELECT n FROM t WHERE t.k = o.n ORDER BY n LIMIT 1) l WHERE o.k = 4;
WITH i AS (INSERT INTO t (k, v, n) VALUES (5001, 'x', 1), (5002, 'y', 2) RETURNING k, v) SELECT i.*, (SELECT count(*) FROM t WHERE t.v = i.v) FROM i;
-- what RETURNING says
WITH u AS (UPDATE t SET v = v || '!' WHERE k = 46 RETURNING t), w AS (UPDATE t SET n = 0 WHERE k = 47 RETURNING t.*, k * 2 AS double) SELECT u.t, w.* FROM u, w;
WITH u AS (UPDATE t SET n = 7 WHERE k = 48 RETURNING k, ctid IS NOT NULL AS has, twice), w AS (UPDATE t SET n = 8 WHERE k = 49 RETURNING k, twice, tableoid::regclass) SELECT * FROM u, w;
WITH u AS (DELETE FROM t WHERE k = 50 RETURNING ctid IS NOT NULL AS has), w AS (DELETE FROM t WHERE k = 51 RETURNING k, (SELECT count(*) FROM t WHERE k IN (50, 51))) SELECT * FROM u, w;
-- errors change nothing
WITH u AS (UPDATE t SET n = 1 WHERE k = 52 RETURNING k), w AS (UPDATE t SET k = 54 WHERE k = 53 RETURNING k) SELECT * FROM u, w;
WITH u AS (UPDATE t SET n = 1 / (n - 55) WHERE k = 55 RETURNING k), w AS (UPDATE t SET n = 0 WHERE k = 56 RETURNING k) SELECT * FROM u, w;
BEGIN;
SAVEPOINT a;
WITH u AS (UPDATE t SET n = 1 WHERE k = 52 RETURNING k), w AS (UPDATE t SET k = 54 WHERE k = 53 RETURNING k) SELECT * FROM u, w;
ROLLBACK TO a;
WITH u AS (UPDATE t SET n = 1 WHERE k = 52 RETURNING k), w AS (UPDATE t SET n = 2 WHERE k = 53 RETURNING k) SELECT * FROM u, w;
SELECT k, n FROM t WHERE k IN (52, 53);
COMMIT;
PREPARE p(int, int) AS WITH u AS (UPDATE t SET v = 'p' WHERE k = $1 RETURNING k), w AS (DELETE FROM t WHERE k = $2 RETURNING k) SELECT u.k AS uk, w.k AS wk FROM u, w;
SET plan_cache_mode = force_generic_plan;
EXECUTE p(56, 57);
EXECUTE p(58, 59);
RESET plan_cache_mode;
SELECT * FROM t;
SELECT * FROM s;
SELECT * FROM "Log Book";
