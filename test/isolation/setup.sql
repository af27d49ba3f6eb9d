-- The tester takes a session for blocked when this function says so. PostgreSQL's own sees locks of this server only; this
-- one asks the nodes as well, so that waits on nodes need no marks in the specs. A COMMIT that sleeps at a fault point counts, too:
-- the tester goes on with the next step then.
ALTER FUNCTION pg_catalog.pg_isolation_test_session_is_blocked(int, int[]) RENAME TO pg_isolation_test_original;
CREATE FUNCTION pg_catalog.pg_isolation_test_session_is_blocked(int, int[]) RETURNS boolean
LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM shardext_stat_activity
        WHERE global_id = 'local:' || $1
          AND blocked_by && (SELECT array_agg('local:' || pid) FROM unnest($2) pid))
        OR pg_catalog.pg_isolation_test_original($1, $2) -- knows of waits for safe snapshots
        OR EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND query LIKE 'COMMIT%' AND wait_event = 'PgSleep')
$$;
