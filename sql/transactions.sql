-- Transactions over nodes: snapshots that are kept and given back, PREPARE TRANSACTION by the user.
SET shardext.shard_count = 4;
CREATE TABLE purse (id int PRIMARY KEY, n int);
SELECT create_distributed_table('purse', 'id');
INSERT INTO purse SELECT i, 10 FROM generate_series(1, 20) i;
CREATE TABLE chest (n int);
INSERT INTO chest VALUES (0);

-- A cursor over several scans keeps what it saw; other statements of the transaction see what comes later.
BEGIN;
DECLARE c CURSOR FOR SELECT a.id, a.n, b.n FROM purse a JOIN purse b ON b.id = a.id + 1 ORDER BY a.id;
FETCH 2 FROM c;
UPDATE purse SET n = 11 WHERE id > 3;
SELECT sum(n) FROM purse;
SELECT (SELECT sum(n) FROM purse), (SELECT sum(n) FROM chest);
FETCH 3 FROM c;
ROLLBACK;

-- Statements that read the coordinator's tables as well, by plans that have looked at their snapshot already.
CREATE INDEX ON chest (n);
SET enable_seqscan = off;
SET enable_indexscan = off;
SELECT (SELECT sum(n) FROM purse), (SELECT count(*) FROM chest WHERE n = 0);
RESET enable_seqscan;
RESET enable_indexscan;
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql STABLE AS
$$ BEGIN RETURN (SELECT sum(n) FROM purse) + (SELECT sum(n) FROM chest); END $$;
BEGIN;
INSERT INTO chest SELECT total() FROM chest;
SELECT total();
SELECT total(), n FROM chest ORDER BY n;
ROLLBACK;

-- REPEATABLE READ, written and read, with savepoints.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sum(n) FROM purse WHERE id = 1;
SAVEPOINT s;
UPDATE purse SET n = n + 1;
SELECT sum(n) FROM purse;
ROLLBACK TO s;
SELECT sum(p.n) FROM purse p, chest;
COMMIT;

-- Without comparison.
SET shardext.consistent_reads = off;
SELECT (SELECT sum(n) FROM purse), (SELECT sum(n) FROM chest);
RESET shardext.consistent_reads;

-- The user's PREPARE TRANSACTION.
BEGIN;
UPDATE purse SET n = 20;
INSERT INTO chest VALUES (1);
PREPARE TRANSACTION 'both';
SELECT sum(n), (SELECT count(*) FROM chest) FROM purse;
BEGIN;
COMMIT PREPARED 'both';
ROLLBACK;
COMMIT PREPARED 'both';
COMMIT PREPARED 'both';
SELECT sum(n), (SELECT count(*) FROM chest) FROM purse;
BEGIN;
DELETE FROM purse WHERE id = 1;
PREPARE TRANSACTION 'one node';
ROLLBACK PREPARED 'one node';
BEGIN;
DELETE FROM purse;
SAVEPOINT s;
INSERT INTO purse VALUES (100, 1), (101, 1);
ROLLBACK TO s;
PREPARE TRANSACTION 'all nodes';
\c -
ROLLBACK PREPARED 'all nodes';
BEGIN;
SELECT count(*) FROM purse;
PREPARE TRANSACTION 'read only';
COMMIT PREPARED 'read only';
UPDATE purse SET n = n + 1 WHERE id < 3 RETURNING n;
BEGIN;
UPDATE purse SET n = n / (id - 7);
PREPARE TRANSACTION 'failed';
COMMIT PREPARED 'failed';
SELECT count(*) FROM pg_prepared_xacts;
-- (Rows of the log stay until the worker has asked the nodes.)
DROP TABLE purse, chest;
DROP FUNCTION total;
