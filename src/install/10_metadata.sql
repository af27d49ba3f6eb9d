-- Metadata (without foreign keys, so that a dump can be restored in any order): nodes, colocation groups, distributed tables, shard groups, placements, and the commit log.

CREATE SCHEMA shardext;
COMMENT ON SCHEMA shardext IS 'metadata and functions of shardext';
GRANT USAGE ON SCHEMA shardext TO PUBLIC;

CREATE TABLE shardext.cluster (
    cluster_id bigint PRIMARY KEY
);
COMMENT ON TABLE shardext.cluster IS 'the id that marks what belongs to this cluster; one row';
INSERT INTO shardext.cluster
    SELECT ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 15))::bit(60)::bigint;

CREATE SEQUENCE shardext.node_id_seq;
CREATE TABLE shardext.nodes (
    node_id int PRIMARY KEY DEFAULT nextval('shardext.node_id_seq'),
    node_name name NOT NULL UNIQUE,
    conninfo text NOT NULL,
    cluster_id bigint NOT NULL
);
COMMENT ON TABLE shardext.nodes IS
    'servers that store shards; node 0 is the coordinator itself. Rows of another cluster come from a dump';
REVOKE ALL ON shardext.nodes FROM PUBLIC;
INSERT INTO shardext.nodes SELECT 0, 'local', '', cluster_id FROM shardext.cluster;

CREATE SEQUENCE shardext.colocation_id_seq;
CREATE TABLE shardext.colocation_groups (
    colocation_id int PRIMARY KEY DEFAULT nextval('shardext.colocation_id_seq'),
    kind "char" NOT NULL,
    shard_count int NOT NULL,
    key_type regtype,
    key_collation regcollation NOT NULL DEFAULT 0,
    is_default boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE shardext.colocation_groups IS
    'tables with the same kind, shard count and key type share one; kind h: hash, r: reference';

CREATE TABLE shardext.tables (
    relid regclass PRIMARY KEY,
    kind "char" NOT NULL,
    colocation_id int NOT NULL,
    distribution_column name,
    cluster_id bigint NOT NULL
);
CREATE INDEX tables_colocation_id_idx ON shardext.tables (colocation_id);
COMMENT ON TABLE shardext.tables IS 'distributed and reference tables. Rows of another cluster come from a dump';

CREATE SEQUENCE shardext.shard_group_id_seq;
CREATE TABLE shardext.shard_groups (
    shard_group_id bigint PRIMARY KEY DEFAULT nextval('shardext.shard_group_id_seq'),
    colocation_id int NOT NULL,
    range_min bigint,
    range_max bigint
);
CREATE INDEX shard_groups_colocation_id_idx ON shardext.shard_groups (colocation_id);
COMMENT ON TABLE shardext.shard_groups IS
    'slices of the key space of a colocation group; the bounds are inclusive values of the routing hash';

CREATE TABLE shardext.placements (
    shard_group_id bigint NOT NULL,
    node_id int NOT NULL,
    PRIMARY KEY (shard_group_id, node_id)
);
CREATE INDEX placements_node_id_idx ON shardext.placements (node_id);
COMMENT ON TABLE shardext.placements IS 'which node holds which shard group';

CREATE TABLE shardext.incarnations (
    incarnation bigint PRIMARY KEY,
    timeline int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE shardext.incarnations IS
    'starts of this server; recorded before the first PREPARE TRANSACTION of each';

CREATE TABLE shardext.commit_log (
    incarnation bigint NOT NULL,
    sequence bigint NOT NULL,
    nodes int[] NOT NULL,
    transactions bigint[] NOT NULL,
    coordinator_wrote boolean NOT NULL,
    PRIMARY KEY (incarnation, sequence)
);
COMMENT ON TABLE shardext.commit_log IS
    'two-phase commits whose decision is COMMIT; a row leaves when every node has acknowledged';

SELECT pg_catalog.pg_extension_config_dump('shardext.nodes', 'WHERE node_id <> 0');
SELECT pg_catalog.pg_extension_config_dump('shardext.node_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.colocation_groups', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.colocation_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.tables', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.shard_groups', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.shard_group_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('shardext.placements', '');

GRANT SELECT ON shardext.cluster, shardext.colocation_groups, shardext.tables, shardext.shard_groups,
    shardext.placements TO PUBLIC;
