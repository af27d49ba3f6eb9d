-- Functions that only shardext itself calls.

CREATE FUNCTION shardext.fragment_rows(bigint) RETURNS SETOF record
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_fragment_rows';
COMMENT ON FUNCTION shardext.fragment_rows(bigint) IS 'stands for a fragment in query trees; never called';

CREATE FUNCTION shardext.reference_row_change() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'shardext_reference_row_change';
REVOKE ALL ON FUNCTION shardext.fragment_rows(bigint) FROM PUBLIC;
COMMENT ON FUNCTION shardext.reference_row_change() IS 'carries changes of a reference table to its copies';
REVOKE ALL ON FUNCTION shardext.reference_row_change() FROM PUBLIC;

-- The rows that an upsert proposes, behind BEFORE INSERT triggers: for statements of anybody.
CREATE FUNCTION shardext.proposed_rows(anyelement, token bigint) RETURNS SETOF anyelement
    LANGUAGE C STABLE ROWS 10 AS 'MODULE_PATHNAME', 'shardext_proposed_rows';
COMMENT ON FUNCTION shardext.proposed_rows(anyelement, bigint) IS 'rows that an upsert proposes; called by upserts only';

-- WHERE CURRENT OF, for anybody who may use the cursor and the table.
CREATE FUNCTION shardext.current_row(cursor text, relid oid) RETURNS tid
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_current_row';
COMMENT ON FUNCTION shardext.current_row(text, oid) IS 'ctid of the row that a cursor of this session stands on';
CREATE FUNCTION shardext.shard_ctid(tid) RETURNS tid
    LANGUAGE C IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'shardext_shard_ctid';
COMMENT ON FUNCTION shardext.shard_ctid(tid) IS 'ctid in its shard of a row of a distributed table';

CREATE FUNCTION shardext.node_state(node_id int, OUT state text, OUT last_error text)
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_node_state';
COMMENT ON FUNCTION shardext.node_state(int) IS 'asks a node whether it answers';
REVOKE ALL ON FUNCTION shardext.node_state(int) FROM PUBLIC;

CREATE FUNCTION shardext.show_conninfo(conninfo text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'shardext_show_conninfo';
COMMENT ON FUNCTION shardext.show_conninfo(text) IS 'a connection string without its password';

CREATE FUNCTION shardext.shard_sizes()
    RETURNS TABLE (relid oid, shard_group bigint, size_bytes bigint)
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_shard_sizes';
COMMENT ON FUNCTION shardext.shard_sizes() IS 'asks every node for the sizes of its shards, in bytes; NULL where it does not answer';

-- What is sent along to shards is read into a store of the session; its number stands for it in the plan.
CREATE FUNCTION shardext.keep_row(internal, VARIADIC "any") RETURNS internal
    LANGUAGE C AS 'MODULE_PATHNAME', 'shardext_keep_row';
CREATE FUNCTION shardext.kept_rows_number(internal) RETURNS bigint
    LANGUAGE C AS 'MODULE_PATHNAME', 'shardext_kept_rows_number';
CREATE AGGREGATE shardext.kept_rows(VARIADIC "any") (
    SFUNC = shardext.keep_row, STYPE = internal, FINALFUNC = shardext.kept_rows_number);
COMMENT ON AGGREGATE shardext.kept_rows(VARIADIC "any") IS 'keeps rows that are sent along to shards';

-- Metadata that is changed by others than shardext, such as pg_restore.
CREATE FUNCTION shardext.after_restore() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'shardext_after_restore';
COMMENT ON FUNCTION shardext.after_restore() IS 'makes every session forget metadata that pg_restore has loaded';
REVOKE ALL ON FUNCTION shardext.after_restore() FROM PUBLIC;
CREATE TRIGGER after_restore AFTER INSERT OR UPDATE OR DELETE ON shardext.tables
    FOR EACH STATEMENT EXECUTE FUNCTION shardext.after_restore();
CREATE TRIGGER after_restore AFTER INSERT OR UPDATE OR DELETE ON shardext.nodes
    FOR EACH STATEMENT EXECUTE FUNCTION shardext.after_restore();

-- Partial states of variances and regressions over floating-point numbers, merged as PostgreSQL merges those of
-- parallel workers.
CREATE AGGREGATE shardext.merge_moments(double precision[]) (
    SFUNC = pg_catalog.float8_combine, STYPE = double precision[], INITCOND = '{0,0,0}');
COMMENT ON AGGREGATE shardext.merge_moments(double precision[]) IS 'merges partial states (N, sum, squares) of variances';
CREATE AGGREGATE shardext.merge_regression(double precision[]) (
    SFUNC = pg_catalog.float8_regr_combine, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0}');
COMMENT ON AGGREGATE shardext.merge_regression(double precision[]) IS 'merges partial states of regressions and covariances';
