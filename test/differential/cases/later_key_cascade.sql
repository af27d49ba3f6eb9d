-- UPDATE and DELETE of keys whose foreign keys change the distribution column of other rows.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE TABLE c (k int REFERENCES t ON UPDATE CASCADE ON DELETE SET NULL, id int);
INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 30) i;
INSERT INTO c SELECT i % 30 + 1, i FROM generate_series(1, 60) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('c', 'k');
-- @run
UPDATE t SET k = 100 WHERE k = 10 RETURNING *;
SELECT * FROM c WHERE k = 100;
UPDATE t SET k = k + 1000 WHERE k BETWEEN 20 AND 30;
DELETE FROM t WHERE k = 5;
SELECT count(*) FROM c WHERE k IS NULL;
UPDATE c SET k = 9999 WHERE id = 3;
UPDATE c SET k = NULL WHERE id = 7 RETURNING *;
BEGIN;
UPDATE t SET k = -k;
SELECT count(*) FROM c WHERE k < 0;
ROLLBACK;
DELETE FROM t WHERE k > 1000;
