-- Unique ids.

CREATE SEQUENCE shardext.id_mark MINVALUE 0 START 0;
COMMENT ON SEQUENCE shardext.id_mark IS
    'the highest id that shardext_next_id() may have given out; moved ahead of what is needed';
SELECT pg_catalog.pg_extension_config_dump('shardext.id_mark', '');

CREATE FUNCTION pg_catalog.shardext_next_id() RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'shardext_next_id';
COMMENT ON FUNCTION pg_catalog.shardext_next_id() IS
    'a new id, larger than all before: milliseconds since 2025, logical shard (13 bits), sequence (10 bits)';

CREATE FUNCTION pg_catalog.shardext_id_time(id bigint) RETURNS timestamptz
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'shardext_id_time';
COMMENT ON FUNCTION pg_catalog.shardext_id_time(bigint) IS 'when an id of shardext_next_id() was made, to the millisecond';

CREATE FUNCTION pg_catalog.shardext_id_shard(id bigint) RETURNS int
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'shardext_id_shard';
COMMENT ON FUNCTION pg_catalog.shardext_id_shard(bigint) IS 'the logical shard in an id of shardext_next_id(), 0 to 8191';
