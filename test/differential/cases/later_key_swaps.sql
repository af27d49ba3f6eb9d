-- UPDATE of a distribution column under a unique key that is checked row by row: PostgreSQL refuses swaps.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 20) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
-- @run
UPDATE t SET k = 3 - k WHERE k IN (1, 2);
UPDATE t SET k = 41 - k WHERE k > 0;
UPDATE t SET k = o.k FROM t o WHERE o.k = 21 - t.k AND t.k IN (5, 16);
MERGE INTO t USING (VALUES (7, 8), (8, 7)) s(a, b) ON s.a = t.k WHEN MATCHED THEN UPDATE SET k = s.b;
UPDATE t SET k = 0 - k + 0;
SELECT * FROM t;
