-- Sessions and locks of all servers.

CREATE FUNCTION shardext.activity(
    OUT datname name, OUT pid int, OUT leader_pid int, OUT usename name, OUT application_name text, OUT client_addr inet,
    OUT client_port int, OUT backend_start timestamptz, OUT xact_start timestamptz, OUT query_start timestamptz,
    OUT state_change timestamptz, OUT wait_event_type text, OUT wait_event text, OUT state text, OUT backend_xid xid,
    OUT backend_xmin xid, OUT query_id bigint, OUT query text, OUT backend_type text, OUT node_name name, OUT global_id text,
    OUT coordinator_pid int, OUT blocked_by text[])
    RETURNS SETOF record LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_activity';
COMMENT ON FUNCTION shardext.activity() IS 'asks every server for its sessions; see the view shardext_stat_activity';

CREATE VIEW shardext.shardext_stat_activity AS SELECT * FROM shardext.activity();
COMMENT ON VIEW shardext.shardext_stat_activity IS
    'sessions in the database on the coordinator and on all nodes, as in pg_stat_activity; usename is the coordinator''s user, coordinator_pid the backend that a node''s session works for, blocked_by the global ids of those it waits for';
GRANT SELECT ON shardext.shardext_stat_activity TO PUBLIC;

CREATE FUNCTION shardext.locks(
    OUT locktype text, OUT relation regclass, OUT page int, OUT tuple smallint, OUT virtualxid text, OUT transactionid xid,
    OUT classid oid, OUT objid oid, OUT objsubid smallint, OUT virtualtransaction text, OUT pid int, OUT mode text,
    OUT granted boolean, OUT fastpath boolean, OUT waitstart timestamptz, OUT node_name name, OUT global_id text,
    OUT coordinator_pid int, OUT shard_group bigint, OUT relation_name text, OUT gid text, OUT blocked_by text[])
    RETURNS SETOF record LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'shardext_all_locks';
COMMENT ON FUNCTION shardext.locks() IS 'asks every server for its locks; see the view shardext_locks';

CREATE VIEW shardext.shardext_locks AS SELECT * FROM shardext.locks();
COMMENT ON VIEW shardext.shardext_locks IS
    'locks in the database on the coordinator and on all nodes, as in pg_locks; relation is the table that users know, shard_group and relation_name say where it is locked, gid names a prepared holder, blocked_by the global ids of those it waits for';
GRANT SELECT ON shardext.shardext_locks TO PUBLIC;

CREATE FUNCTION pg_catalog.shardext_cancel_backend(global_id text) RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_cancel_backend';
COMMENT ON FUNCTION pg_catalog.shardext_cancel_backend(text) IS
    'cancels what a session runs, on whichever server it is; global ids are in shardext_stat_activity and shardext_locks';

CREATE FUNCTION pg_catalog.shardext_terminate_backend(global_id text, timeout bigint DEFAULT 0) RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'shardext_terminate_backend';
COMMENT ON FUNCTION pg_catalog.shardext_terminate_backend(text, bigint) IS
    'ends a session, on whichever server it is, and waits for that up to so many milliseconds';

ALTER VIEW shardext.shardext_stat_activity SET SCHEMA pg_catalog;
ALTER VIEW shardext.shardext_locks SET SCHEMA pg_catalog;
