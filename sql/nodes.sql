-- Nodes: adding, checking, changing and removing servers.
\set VERBOSITY terse
SELECT node_id, node_name, state, last_error, shard_groups FROM shardext_nodes;

\set coordinator_port :PORT
-- where the nodes are: two servers, and databases that the test makes on the first of them
SELECT (regexp_match(conninfo, 'port=''?(\d+)'))[1] AS node1_port FROM shardext_nodes WHERE node_name = 'w1' \gset
SELECT 'host=127.0.0.1 user=postgres port=' || :'node1_port' || ' dbname=' AS on_node1 \gset
SELECT 'host=127.0.0.1 user=postgres port=' || :'PORT' || ' dbname=' AS on_coordinator \gset
\c postgres postgres 127.0.0.1 :node1_port
CREATE DATABASE third;
CREATE DATABASE of_another_cluster;
CREATE DATABASE not_utf8 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\c of_another_cluster
CREATE SCHEMA shardext_node;
COMMENT ON SCHEMA shardext_node IS 'shardext cluster 4711';
\c app postgres 127.0.0.1 :coordinator_port
\set VERBOSITY terse

-- checking
SELECT * FROM shardext_check_node('w1');
SELECT * FROM shardext_check_node('local');
SELECT * FROM shardext_check_node('nobody');

-- adding: what is refused
SELECT shardext_add_node('w1', :'on_node1' || 'third');
SELECT shardext_add_node('local', :'on_node1' || 'third');
SELECT shardext_add_node('', :'on_node1' || 'third');
SELECT shardext_add_node('w3', 'host=127.0.0.1 port=1 dbname=app');
SELECT shardext_add_node('w3', 'this is no connection string');
SELECT shardext_add_node('w3', :'on_node1' || 'no_such_database');
\set VERBOSITY default
SELECT shardext_add_node('w3', :'on_coordinator' || 'app');
SELECT shardext_add_node('w3', :'on_node1' || 'not_utf8');
SELECT shardext_add_node('w3', :'on_node1' || 'of_another_cluster');
\set VERBOSITY terse
BEGIN; -- the database that is node w1 already
SELECT shardext_add_node('w3', :'on_node1' || 'app');
ROLLBACK;
SELECT shardext_add_node('w3', NULL);
CREATE ROLE nobody_special;
SET ROLE nobody_special;
SELECT shardext_add_node('w3', :'on_node1' || 'third');
SELECT shardext_remove_node('w2');
SELECT conninfo FROM shardext.nodes;
RESET ROLE;
DROP ROLE nobody_special;
SELECT node_name FROM shardext_nodes;

-- a new node gets the reference tables; what was added in a transaction that is rolled back leaves nothing
CREATE TABLE colors (id int PRIMARY KEY, name text);
INSERT INTO colors VALUES (1, 'red'), (2, 'green');
SELECT create_reference_table('colors');
BEGIN;
SELECT shardext_add_node('w3', :'on_node1' || 'third') > 2 AS added;
SELECT node_name, state FROM shardext_nodes ORDER BY 1;
ROLLBACK;
SELECT shardext_add_node('w3', :'on_node1' || 'third') > 2 AS added;
SELECT node, shard IS NOT NULL AS has_shard FROM shardext_shards WHERE table_name = 'colors'::regclass;
INSERT INTO colors VALUES (3, 'blue');
SELECT shard AS colors_there FROM shardext_shards WHERE table_name = 'colors'::regclass AND node = 'w3' \gset
\c third postgres 127.0.0.1 :node1_port
SELECT * FROM :colors_there ORDER BY id;
\c app postgres 127.0.0.1 :coordinator_port
\set VERBOSITY terse

-- changing
SELECT shardext_update_node('w3', :'on_node1' || 'third connect_timeout=7');
SELECT substring(conninfo from 'connect_timeout=\d+') FROM shardext_nodes WHERE node_name = 'w3';
SELECT shardext_update_node('w3', 'host=127.0.0.1 port=1 dbname=third');
SELECT shardext_update_node('w3', :'on_node1' || 'of_another_cluster');
SELECT shardext_update_node('local', :'on_node1' || 'third');
SELECT shardext_update_node('nobody', :'on_node1' || 'third');
SELECT * FROM shardext_check_node('w3');
UPDATE colors SET name = 'yellow' WHERE id = 3;

-- a password is stored but not shown
SELECT shardext_update_node('w3', :'on_node1' || 'third password=secret');
SELECT conninfo LIKE '%secret%' AS shown FROM shardext_nodes WHERE node_name = 'w3';

-- removing
CREATE TABLE spread (k int);
SELECT create_distributed_table('spread', 'k', 'none', shard_count => 6);
SELECT node, count(*) FROM shardext_shards WHERE table_name = 'spread'::regclass GROUP BY node ORDER BY node;
SELECT shardext_remove_node('w3');
SELECT shardext_remove_node('local');
SELECT shardext_remove_node('nobody');
DROP TABLE spread;
SELECT shardext_remove_node('w3');
SELECT node_name, shard_groups FROM shardext_nodes;
UPDATE colors SET name = 'black' WHERE id = 3;
SELECT * FROM colors ORDER BY id;
\c third postgres 127.0.0.1 :node1_port
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'shardext%';
\c app postgres 127.0.0.1 :coordinator_port
DROP TABLE colors;
\c postgres postgres 127.0.0.1 :node1_port
DROP DATABASE third;
DROP DATABASE of_another_cluster;
DROP DATABASE not_utf8;
