-- Sessions and locks of all servers.
\set VERBOSITY terse
CREATE TABLE watched (id int PRIMARY KEY, n int);
SELECT create_distributed_table('watched', 'id', shard_count => 4);
INSERT INTO watched SELECT n, 0 FROM generate_series(1, 20) n;

-- this session, and its sessions on the nodes
BEGIN;
UPDATE watched SET n = 1;
SELECT node_name, datname, usename, state IS NOT NULL AS state, left(query, 13) AS query, coordinator_pid = pg_backend_pid() AS ours,
       global_id = node_name || ':' || pid AS named, blocked_by
  FROM shardext_stat_activity WHERE coordinator_pid = pg_backend_pid() ORDER BY node_name;
SELECT DISTINCT node_name, relation, shard_group IS NOT NULL AS shard, mode, granted, blocked_by
  FROM shardext_locks WHERE coordinator_pid = pg_backend_pid() AND relation::text LIKE 'watched%' AND mode LIKE 'Row%'
 ORDER BY node_name, relation;
SELECT bool_and(relation_name ~ '^shardext_\d+\.watched') AS shards FROM shardext_locks
 WHERE coordinator_pid = pg_backend_pid() AND node_name <> 'local' AND locktype = 'relation' AND shard_group IS NOT NULL;
COMMIT;

-- global ids
SELECT shardext_cancel_backend('w1:0');
SELECT shardext_cancel_backend('w1:-5');
SELECT shardext_cancel_backend('w1:12x');
SELECT shardext_cancel_backend('w1');
SELECT shardext_cancel_backend('nowhere:12');
SELECT shardext_cancel_backend('w1:99999999999');
SELECT shardext_terminate_backend('w1:shardext_1_2_3_0');
SELECT shardext_cancel_backend(NULL) IS NULL AS nothing;
SELECT shardext_cancel_backend('w1:' || 2147483647); -- no such process there
SELECT shardext_cancel_backend('local:' || pg_backend_pid());

-- another user sees that sessions are there, not what they do
CREATE ROLE watcher;
SET ROLE watcher;
SELECT DISTINCT node_name, usename, query FROM shardext_stat_activity
 WHERE coordinator_pid = pg_backend_pid() AND node_name <> 'local' ORDER BY node_name;
SELECT count(*) > 0 AS locks FROM shardext_locks;
SELECT shardext_cancel_backend(global_id) FROM shardext_stat_activity
 WHERE coordinator_pid = pg_backend_pid() AND node_name = 'w1';
RESET ROLE;
DROP ROLE watcher;

-- all that is new says what it is
SELECT objoid::regprocedure AS function FROM pg_description
 WHERE classoid = 'pg_proc'::regclass AND objoid::regprocedure::text ~ 'shardext.*(activity|locks|_backend)' ORDER BY 1::text;
DROP TABLE watched;
