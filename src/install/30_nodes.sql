-- Nodes.

CREATE FUNCTION pg_catalog.shardext_add_node(name text, conninfo text) RETURNS int
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_add_node';
COMMENT ON FUNCTION pg_catalog.shardext_add_node(text, text) IS
    'adds a PostgreSQL server as a node: name, libpq connection string (user and database default to the session''s); returns its id';
REVOKE ALL ON FUNCTION pg_catalog.shardext_add_node(text, text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.shardext_remove_node(name text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_remove_node';
COMMENT ON FUNCTION pg_catalog.shardext_remove_node(text) IS 'removes a node that holds no shard groups';
REVOKE ALL ON FUNCTION pg_catalog.shardext_remove_node(text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.shardext_update_node(name text, conninfo text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_update_node';
COMMENT ON FUNCTION pg_catalog.shardext_update_node(text, text) IS 'changes how a node is reached';
REVOKE ALL ON FUNCTION pg_catalog.shardext_update_node(text, text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.shardext_check_node(name text, OUT ok boolean, OUT problem text) RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_check_node';
COMMENT ON FUNCTION pg_catalog.shardext_check_node(text) IS
    'says in plain words what is wrong with a node; one row (true, NULL) when nothing is';
REVOKE ALL ON FUNCTION pg_catalog.shardext_check_node(text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.shardext_adopt_nodes() RETURNS int
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_adopt_nodes';
COMMENT ON FUNCTION pg_catalog.shardext_adopt_nodes() IS
    'makes this coordinator, which was restored from a copy, the only one that uses its nodes; their rows replace those of the dump; returns the number of nodes';
REVOKE ALL ON FUNCTION pg_catalog.shardext_adopt_nodes() FROM PUBLIC;

CREATE FUNCTION pg_catalog.shardext_forget_restored() RETURNS SETOF text
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_forget_restored';
COMMENT ON FUNCTION pg_catalog.shardext_forget_restored() IS
    'makes all tables of a restored dump ordinary tables and forgets the nodes; returns the statements that distribute them again';
REVOKE ALL ON FUNCTION pg_catalog.shardext_forget_restored() FROM PUBLIC;

CREATE VIEW shardext.shardext_nodes AS
    SELECT n.node_id, n.node_name, shardext.show_conninfo(n.conninfo) AS conninfo, s.state, s.last_error,
           (SELECT count(*) FROM shardext.placements p JOIN shardext.shard_groups g USING (shard_group_id)
              JOIN shardext.colocation_groups c USING (colocation_id)
             WHERE p.node_id = n.node_id AND c.kind = 'h') AS shard_groups
      FROM shardext.nodes n, LATERAL shardext.node_state(n.node_id) s
     ORDER BY n.node_id;
COMMENT ON VIEW shardext.shardext_nodes IS 'nodes with their state, as they answer now, and the last error';
ALTER VIEW shardext.shardext_nodes SET SCHEMA pg_catalog;
