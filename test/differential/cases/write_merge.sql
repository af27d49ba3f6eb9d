-- MERGE.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, n int, v text);
CREATE TABLE s (k int, n int);
CREATE TABLE r (k int, n int);
INSERT INTO t SELECT i, i, 'old' FROM generate_series(1, 20) i;
INSERT INTO s SELECT i, i * 10 FROM generate_series(11, 30) i;
INSERT INTO r VALUES (1, 100), (50, 500);
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('s', 'k');
SELECT create_reference_table('r');
-- @run
MERGE INTO t USING s ON s.k = t.k WHEN MATCHED THEN UPDATE SET n = s.n, v = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.n, 'new');
MERGE INTO t USING r ON r.k = t.k WHEN MATCHED AND t.n < 50 THEN DELETE WHEN NOT MATCHED THEN INSERT (k, n) VALUES (r.k, r.n);
MERGE INTO t USING (VALUES (2, 5), (60, 6)) x(k, n) ON x.k = t.k WHEN MATCHED THEN UPDATE SET n = t.n + x.n WHEN NOT MATCHED THEN INSERT (k, n, v) VALUES (x.k, x.n, DEFAULT);
MERGE INTO t USING s ON s.n = t.n WHEN MATCHED AND s.k > 25 THEN DELETE WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO t USING s ON s.k = t.k AND t.k = 15 WHEN MATCHED THEN UPDATE SET v = 'one' WHEN NOT MATCHED AND s.k = 99 THEN INSERT VALUES (99, 9, 'nine');
MERGE INTO t USING (SELECT 3 AS k FROM generate_series(1, 2)) x ON x.k = t.k WHEN MATCHED THEN UPDATE SET n = 0;
MERGE INTO t USING (SELECT 4 AS k) x ON false WHEN NOT MATCHED THEN INSERT VALUES (4, 4, 'dup');
MERGE INTO r USING t ON t.k = r.k WHEN MATCHED THEN UPDATE SET n = t.n WHEN NOT MATCHED AND t.k < 5 THEN INSERT VALUES (t.k, t.n);
WITH w AS (SELECT k + 100 AS k FROM s) MERGE INTO t USING w ON w.k = t.k WHEN NOT MATCHED THEN INSERT VALUES (w.k, 0, 'with');
SELECT * FROM t;
