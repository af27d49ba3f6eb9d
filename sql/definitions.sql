-- Changes of the definition of distributed tables: what is refused and why, who may do it, and what shards look like.
SET shardext.shard_count = 4;
SET client_min_messages = warning;
CREATE ROLE definitions_owner;
CREATE ROLE definitions_other;
CREATE SCHEMA changes;
GRANT ALL ON SCHEMA changes TO definitions_owner, definitions_other;
SET search_path = changes, public;
SET ROLE definitions_owner;
CREATE TABLE parent (k int PRIMARY KEY);
CREATE TABLE t (k int PRIMARY KEY, v int, w varchar(10), a int GENERATED ALWAYS AS (v + 1) STORED, FOREIGN KEY (k) REFERENCES parent);
CREATE TABLE ref (id int PRIMARY KEY, name text);
CREATE TABLE plain (k int, v int);
SELECT create_distributed_table('parent', 'k');
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('ref');
INSERT INTO parent SELECT generate_series(1, 20);
INSERT INTO t SELECT n, n, 'w' || n FROM generate_series(1, 20) n;
INSERT INTO ref SELECT n, 'r' || n FROM generate_series(1, 5) n;
RESET client_min_messages;

-- the distribution column
ALTER TABLE t DROP COLUMN k;
ALTER TABLE t ALTER k TYPE bigint;
ALTER TABLE t ALTER k TYPE int USING k + 1;
CREATE TABLE texts (k varchar(5));
SELECT create_distributed_table('texts', 'k');
INSERT INTO texts VALUES ('a'), ('bb');
ALTER TABLE texts ALTER k TYPE varchar(20);
ALTER TABLE texts ALTER k TYPE varchar(1);
ALTER TABLE texts ALTER k TYPE text;
SELECT * FROM texts WHERE k = 'bb';
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE TABLE graded (k grade);
SELECT create_distributed_table('graded', 'k');
DROP TYPE grade CASCADE;
ALTER TABLE graded RENAME k TO key;
SELECT table_name, distribution_column FROM shardext_tables ORDER BY table_name::text;
DROP TABLE graded, texts;
-- what shards could not enforce or do
CREATE UNIQUE INDEX ON t (v);
ALTER TABLE t ADD UNIQUE (v);
CREATE UNIQUE INDEX CONCURRENTLY ON t (v);
CREATE FUNCTION mine(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION moody(i int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE INDEX ON t (mine(v));
ALTER TABLE t ADD CHECK (moody(v) > 0);
ALTER TABLE t ADD CHECK (current_user <> 'x');
ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (mine(v)) STORED;
ALTER TABLE t ALTER v TYPE bigint USING moody(v);
ALTER TABLE t ALTER w TYPE text USING current_user;
ALTER TABLE t ALTER w TYPE text USING nothing;
ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES parent;
ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES plain;
ALTER TABLE t ADD COLUMN p plain;
ALTER TABLE ref ADD FOREIGN KEY (id) REFERENCES parent;
-- what is not there yet
ALTER TABLE t SET TABLESPACE pg_default;
ALTER TABLE t INHERIT plain;
ALTER TABLE plain INHERIT t;
ALTER TABLE t SET TABLESPACE pg_default;
ALTER INDEX t_pkey SET TABLESPACE pg_default;
-- errors of shards are those of the table
\set SHOW_CONTEXT never
ALTER TABLE t ADD CONSTRAINT small CHECK (v < 10);
ALTER TABLE t ADD COLUMN n int NOT NULL;
-- a stable expression has one value for all rows
ALTER TABLE t ALTER w TYPE timestamptz USING now();
SELECT count(DISTINCT w) FROM t;
RESET ROLE;
SELECT * FROM shardext_verify();
-- others cannot
SET ROLE definitions_other;
ALTER TABLE t ADD COLUMN x int;
ALTER TABLE t RENAME TO x;
ALTER TABLE t RENAME v TO x;
ALTER TABLE t SET SCHEMA public;
CREATE INDEX ON t (v);
CREATE INDEX CONCURRENTLY ON t (v);
DROP INDEX CONCURRENTLY t_pkey;
ALTER INDEX t_pkey RENAME TO x;
COMMENT ON TABLE t IS 'x';
CREATE STATISTICS st ON k, v FROM t;
REINDEX TABLE t;
CLUSTER t USING t_pkey;
VACUUM t;
RESET ROLE;
-- the owner's defaults run with his rights, also where policies hide the rows from him
SET ROLE definitions_owner;
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE t ADD COLUMN s serial, ADD COLUMN who text DEFAULT current_user;
ALTER TABLE t NO FORCE ROW LEVEL SECURITY;
SELECT count(DISTINCT s), min(who) FROM t;
-- an index that could not be made stays invalid
ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE;
INSERT INTO parent VALUES (3);
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY once ON parent (k);
\set VERBOSITY default
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'parent'::regclass;
REINDEX INDEX once;
REINDEX TABLE parent;
DROP INDEX once;
SELECT * FROM shardext_verify();
-- a shard that somebody has changed
RESET ROLE;
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
SELECT min(shard) AS shard FROM shardext_shards WHERE table_name = 'parent'::regclass AND node = 'w1' \gset
SELECT current_database() AS coordinator, current_setting('port') AS port, :'shard' AS shard \gset
\c :node1
ALTER TABLE :shard ADD COLUMN more int;
\c - - - :port
SET search_path = changes, public;
SELECT table_name, node, difference FROM shardext_verify();
ALTER TABLE parent ADD COLUMN more int;
ALTER TABLE parent ADD COLUMN other int;
\c :node1
ALTER TABLE :shard DROP COLUMN more;
\c - - - :port
SET search_path = changes, public;
SET client_min_messages = warning;
SELECT * FROM shardext_verify();
DROP SCHEMA changes CASCADE;
DROP ROLE definitions_owner, definitions_other;
