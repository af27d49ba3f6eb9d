-- VACUUM, CLUSTER, REINDEX, and indexes made and dropped CONCURRENTLY.
-- @setup
-- @include ddl
CREATE TABLE t (k int PRIMARY KEY, v int, w text);
CREATE TABLE r (code int PRIMARY KEY, name text);
CREATE TABLE dup (k int, v int);
INSERT INTO dup SELECT i % 10, i FROM generate_series(1, 30) i;
INSERT INTO dup VALUES (3, 3);
CREATE TABLE loc (id int PRIMARY KEY);
INSERT INTO t SELECT i, i % 7, 'w' || i FROM generate_series(1, 60) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(1, 10) i;
-- @distribute
CREATE OR REPLACE FUNCTION differing_shards() RETURNS SETOF text LANGUAGE sql AS 'SELECT shard || difference FROM shardext_verify()';
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
SELECT create_distributed_table('dup', 'k');
-- @run
CREATE INDEX CONCURRENTLY by_v ON t (v) WHERE w IS NOT NULL;
CREATE INDEX CONCURRENTLY ON t (lower(w));
CREATE INDEX CONCURRENTLY by_v ON t (v);
-- @notices
CREATE INDEX CONCURRENTLY IF NOT EXISTS by_v ON t (v);
CREATE UNIQUE INDEX CONCURRENTLY u ON t (v, k);
CREATE INDEX CONCURRENTLY ON r (name);
CREATE INDEX CONCURRENTLY ON t (nope);
BEGIN;
CREATE INDEX CONCURRENTLY ON t (v);
ROLLBACK;
BEGIN;
DROP INDEX CONCURRENTLY by_v;
ROLLBACK;
DO $$BEGIN CREATE INDEX CONCURRENTLY ON t (v); END$$;
SELECT * FROM shape('t');
SELECT * FROM shape('r');
SELECT * FROM differing_shards();
INSERT INTO t VALUES (61, 1, 'w61');
SELECT k FROM t WHERE v = 3 AND w IS NOT NULL ORDER BY k;
DROP INDEX CONCURRENTLY by_v;
DROP INDEX CONCURRENTLY t_pkey;
DROP INDEX CONCURRENTLY nope;
-- @notices
DROP INDEX CONCURRENTLY IF EXISTS nope;
DROP INDEX CONCURRENTLY u, r_name_idx;
DROP INDEX CONCURRENTLY r_name_idx;
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
REINDEX TABLE t;
REINDEX INDEX u;
REINDEX TABLE CONCURRENTLY t;
REINDEX INDEX CONCURRENTLY t_lower_idx;
REINDEX TABLE r;
REINDEX INDEX nope;
REINDEX TABLE loc;
BEGIN;
REINDEX TABLE t;
SELECT count(*) FROM t;
COMMIT;
CLUSTER t USING u;
CLUSTER t;
CLUSTER t USING nope;
CLUSTER r USING r_pkey;
DELETE FROM t WHERE k % 2 = 0;
VACUUM t;
VACUUM FULL t;
VACUUM (FREEZE, ANALYZE) t, r, loc;
VACUUM (INDEX_CLEANUP auto, TRUNCATE off, PARALLEL 2) t;
VACUUM (nope) t;
VACUUM nope;
BEGIN;
VACUUM t;
ROLLBACK;
SELECT count(*), sum(k) FROM t;
SELECT * FROM shape('t');
SELECT * FROM shape('r');
SELECT * FROM differing_shards();
-- one that cannot be made stays invalid
CREATE UNIQUE INDEX CONCURRENTLY d ON dup (k, v);
SELECT * FROM shape('dup');
SELECT count(*) FROM dup WHERE k = 3 AND v = 3;
CREATE UNIQUE INDEX CONCURRENTLY d ON dup (k, v);
ALTER INDEX d RENAME TO dd;
DELETE FROM dup WHERE k = 3;
DROP INDEX dd;
SELECT * FROM differing_shards();
CREATE UNIQUE INDEX CONCURRENTLY d ON dup (k, v);
SELECT * FROM shape('dup');
SELECT * FROM differing_shards();
