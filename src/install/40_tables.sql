-- Distributed and reference tables.

CREATE FUNCTION pg_catalog.create_distributed_table("table" regclass, distribution_column text,
                                                colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
    RETURNS void LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_create_distributed_table';
COMMENT ON FUNCTION pg_catalog.create_distributed_table(regclass, text, text, int) IS
    'distributes a table over shards by a column; colocate_with is ''default'', ''none'' or a table';

CREATE FUNCTION pg_catalog.create_reference_table("table" regclass)
    RETURNS void LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_create_reference_table';
COMMENT ON FUNCTION pg_catalog.create_reference_table(regclass) IS 'copies a table to every node and keeps the copies the same';

CREATE FUNCTION pg_catalog.undistribute_table("table" regclass)
    RETURNS void LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_undistribute_table';
COMMENT ON FUNCTION pg_catalog.undistribute_table(regclass) IS 'makes a distributed or reference table an ordinary one again';

CREATE FUNCTION pg_catalog.shardext_shard_of("table" regclass, key text,
                                         OUT shard_group bigint, OUT node name, OUT shard text)
    LANGUAGE C STABLE AS 'MODULE_PATHNAME', 'shardext_shard_of';
COMMENT ON FUNCTION pg_catalog.shardext_shard_of(regclass, text) IS
    'where the rows of a key live: shard group, node, and the shard''s qualified name there';

CREATE FUNCTION pg_catalog.shardext_verify(OUT table_name regclass, OUT shard text, OUT node name, OUT difference text)
    RETURNS SETOF record LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_verify';
COMMENT ON FUNCTION pg_catalog.shardext_verify() IS
    'compares the definition of every shard and every copy of a reference table with that of its table; no rows: all are the same';

CREATE VIEW shardext.shardext_tables AS
    SELECT t.relid AS table_name,
           CASE t.kind WHEN 'h' THEN 'distributed' ELSE 'reference' END ||
               CASE WHEN t.cluster_id <> (SELECT cluster_id FROM shardext.cluster) THEN ' (restored)' ELSE '' END AS kind,
           t.distribution_column, t.colocation_id,
           CASE t.kind WHEN 'h' THEN c.shard_count END AS shard_count,
           pg_get_userbyid(r.relowner) AS owner
      FROM shardext.tables t JOIN shardext.colocation_groups c USING (colocation_id)
      JOIN pg_class r ON r.oid = t.relid
     ORDER BY t.relid::text;
COMMENT ON VIEW shardext.shardext_tables IS 'distributed and reference tables';
GRANT SELECT ON shardext.shardext_tables TO PUBLIC;

CREATE FUNCTION shardext.shard_name(group_id bigint, relid regclass) RETURNS text
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'shardext_shard_name';
COMMENT ON FUNCTION shardext.shard_name(bigint, regclass) IS 'the qualified name of a shard on its node';

CREATE FUNCTION shardext.node_name(node_id int) RETURNS name
    LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'shardext_node_name';
COMMENT ON FUNCTION shardext.node_name(int) IS 'a node''s name';

CREATE VIEW shardext.shardext_shards AS
    SELECT t.relid AS table_name, g.shard_group_id AS shard_group, g.range_min, g.range_max,
           shardext.node_name(p.node_id) AS node, s.size_bytes,
           CASE WHEN t.kind = 'r' AND p.node_id = 0 THEN t.relid::text
                ELSE shardext.shard_name(g.shard_group_id, t.relid) END AS shard
      FROM shardext.tables t
      JOIN shardext.shard_groups g USING (colocation_id)
      JOIN shardext.placements p USING (shard_group_id)
      LEFT JOIN shardext.shard_sizes() s ON s.relid = t.relid AND s.shard_group = g.shard_group_id AND t.kind = 'h'
     ORDER BY t.relid::text, g.range_min, p.node_id;
COMMENT ON VIEW shardext.shardext_shards IS
    'every shard: table, shard group, key range (routing hash, inclusive), node, size in bytes, and its name on the node';
GRANT SELECT ON shardext.shardext_shards TO PUBLIC;
ALTER VIEW shardext.shardext_tables SET SCHEMA pg_catalog;
ALTER VIEW shardext.shardext_shards SET SCHEMA pg_catalog;
