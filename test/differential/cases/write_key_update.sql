-- UPDATE of the distribution column, also with unique keys, a referencing table and RETURNING.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
CREATE TABLE d (k int REFERENCES t, id int);
CREATE TABLE txt (k text, v int);
INSERT INTO t SELECT i, 'v' || i, i % 3 FROM generate_series(1, 30) i;
INSERT INTO d VALUES (1, 1), (2, 2);
INSERT INTO txt SELECT 'k' || i % 4, i FROM generate_series(1, 20) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('d', 'k');
SELECT create_distributed_table('txt', 'k');
-- @run
UPDATE t SET k = 100 WHERE k = 10 RETURNING *;
UPDATE t SET k = k + 1000 WHERE k > 20 RETURNING k, v;
UPDATE t SET k = 5 WHERE k = 6;
UPDATE t SET k = NULL WHERE k = 7;
UPDATE t SET k = 500 WHERE k = 1;
UPDATE t SET k = -k, v = v || k WHERE n = 0 AND k > 2 RETURNING *;
UPDATE t SET k = k WHERE k = 5;
UPDATE t SET k = 12 WHERE k = 13;
UPDATE txt SET k = 'all';
UPDATE txt SET k = 'k' || v % 3 WHERE v < 12 RETURNING k, v;
UPDATE txt SET k = (SELECT max(v) FROM t) WHERE v = 3 RETURNING *;
BEGIN;
UPDATE t SET k = 700 WHERE k = 2;
UPDATE t SET k = 700 WHERE k = 4;
SAVEPOINT s;
UPDATE t SET k = 701 WHERE k = 4;
ROLLBACK;
SELECT * FROM t;
