-- A session survives errors that are raised in each kind of place where PostgreSQL calls the extension.
SET shardext.shard_count = 4;
CREATE TABLE t (k int PRIMARY KEY, v int CHECK (v < 1000));
CREATE TABLE ref (id int PRIMARY KEY, v int CHECK (v < 1000));
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('ref');
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
\set VERBOSITY sqlstate

-- the planner: a constant that cannot be computed, while constants are folded
SELECT count(*) FROM t WHERE k = 1 / 0;
SELECT count(*) FROM t WHERE v = 1 / (k - k);
SELECT count(*) FROM t a JOIN t b ON a.v = b.v WHERE a.k = 'x'::text::int;
-- the executor: errors of the nodes, of the rows' way, and of what is left to this server
SELECT 1 / (k - 7) FROM t;
SELECT 1 / (k - 7) FROM t WHERE k = 7;
SELECT sum(1 / (k - 7)) FROM t GROUP BY v % 2;
SELECT k FROM t ORDER BY 1 / (k - 7) LIMIT 1;
SELECT 1 / (count(*) - 20) FROM t;
SELECT (SELECT v FROM t b WHERE b.v > a.v) FROM t a;
SELECT count(*) FROM t;
-- writes
INSERT INTO t VALUES (1, 1);
INSERT INTO t VALUES (101, 101), (102, 2000);
INSERT INTO t SELECT n, 1 / (n - 205) FROM generate_series(201, 210) n;
UPDATE t SET v = v * 100;
UPDATE t SET v = 2000 WHERE k = 3;
DELETE FROM t WHERE 1 / (k - 7) = 0;
INSERT INTO ref VALUES (1, 2000);
INSERT INTO ref VALUES (1, 1), (1, 1);
SELECT count(*), sum(v) FROM t;
SELECT count(*) FROM ref;
-- COPY
COPY t FROM STDIN;
301	1
302	x
\.
COPY t FROM STDIN;
301	1
1	1
\.
COPY t (k, nothing) FROM STDIN;
\.
COPY (SELECT 1 / (k - 7) FROM t WHERE k = 7) TO STDOUT;
SELECT count(*) FROM t;
-- utility statements
ALTER TABLE t SET TABLESPACE pg_default;
ALTER TABLE t ADD CHECK (v < 3);
ALTER TABLE t ALTER k TYPE bigint;
ALTER TABLE t ALTER v TYPE date USING 1 / (v - 5);
CREATE UNIQUE INDEX ON t (v);
ALTER TABLE t ADD COLUMN k int;
ALTER TABLE t RENAME TO ref;
TRUNCATE t, no_such_table;
DROP TABLE t, no_such_table;
-- functions
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('pg_class', 'oid');
SELECT shardext_add_node('w1', '');
SELECT shardext_add_node('w9', 'host');
SELECT shardext_remove_node('w1');
SELECT * FROM shardext_check_node('w9');
SELECT * FROM shardext_shard_of('t', 'x');
SELECT * FROM shardext.fragment_rows(1) AS f(x int);
-- savepoints: what came before the error stays
BEGIN;
UPDATE t SET v = v + 100 WHERE k = 1;
SAVEPOINT s;
UPDATE t SET v = 5000;
ROLLBACK TO s;
SELECT 1 / (k - 7) FROM t;
ROLLBACK TO s;
UPDATE t SET v = v + 100 WHERE k = 2;
SELECT 1;
SELECT no_such_column FROM t;
SELECT 1;
ROLLBACK TO s;
COMMIT;
SELECT k, v FROM t WHERE k IN (1, 2) ORDER BY k;
DO $$
BEGIN
    FOR i IN 1..30 LOOP
        BEGIN
            UPDATE t SET v = v + CASE WHEN i % 2 = 0 THEN 1000 ELSE 1 END;
        EXCEPTION WHEN check_violation THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT count(*), sum(v) FROM t;
-- cursors
BEGIN;
DECLARE c CURSOR FOR SELECT 10 / (k - 7) FROM t ORDER BY k;
FETCH 6 FROM c;
FETCH 1 FROM c;
ROLLBACK;
-- transaction callbacks
SET shardext.fault_points = 'before-begin=error';
UPDATE t SET v = 0;
SELECT count(*) FROM t;
SET shardext.fault_points = 'before-prepare=error';
UPDATE t SET v = 0;
SET shardext.fault_points = 'after-prepare=error';
UPDATE t SET v = 0;
BEGIN;
UPDATE t SET v = 0;
COMMIT;
SET shardext.fault_points = 'after-commit-log=error';
UPDATE t SET v = 0;
SET shardext.fault_points = 'before-commit-one-phase=error';
UPDATE t SET v = 0 WHERE k = 1;
RESET shardext.fault_points;
SELECT count(*), sum(v) FROM t;
SET statement_timeout = 200;
SELECT count(*) FROM t, pg_sleep(10);
RESET statement_timeout;
SELECT count(*), sum(v) FROM t;
UPDATE t SET v = 0;
SELECT count(*), sum(v) FROM t;
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
DROP TABLE t, ref;
\c :node1
SELECT count(*) FROM pg_prepared_xacts;
