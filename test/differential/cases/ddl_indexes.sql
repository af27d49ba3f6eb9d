-- CREATE INDEX, DROP INDEX, ALTER INDEX on tables that are distributed.
-- @setup
-- @include ddl
CREATE SCHEMA other;
CREATE TABLE t (k int, v int, w text, PRIMARY KEY (k, v));
CREATE TABLE other.u (k int PRIMARY KEY, "Odd Name" text, r int4range);
CREATE TABLE r (code int, name text, extra text);
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
INSERT INTO t SELECT i % 10, i, 'w' || i FROM generate_series(1, 60) i;
INSERT INTO other.u SELECT i, 'n' || i, int4range(i, i + 1) FROM generate_series(1, 20) i;
INSERT INTO r SELECT i, 'r' || i, 'x' FROM generate_series(1, 10) i;
-- @distribute
CREATE OR REPLACE FUNCTION differing_shards() RETURNS SETOF text LANGUAGE sql AS 'SELECT shard || difference FROM shardext_verify()';
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('other.u', 'k');
SELECT create_reference_table('r');
-- @run
CREATE INDEX ON t (v);
CREATE INDEX ON t (v);
CREATE INDEX named ON t USING btree (w text_pattern_ops DESC NULLS LAST, v) INCLUDE (k) WITH (fillfactor = 70) WHERE v > 3;
CREATE UNIQUE INDEX ON t (k, w);
CREATE INDEX ON t USING hash (w);
CREATE INDEX ON t (lower(w), (v + k), twice(v));
CREATE INDEX ON t (w COLLATE "C") WHERE w IS NOT NULL;
CREATE INDEX named ON t (v);
-- @notices
CREATE INDEX IF NOT EXISTS named ON t (v);
CREATE INDEX ON ONLY t (v, w);
CREATE INDEX ON t (nope);
CREATE INDEX ON nope (v);
CREATE INDEX ON t (k) WITH (nope = 1);
CREATE INDEX ON t USING gist (k);
CREATE INDEX "In-Dex" ON other.u ("Odd Name");
CREATE INDEX ON other.u USING gist (r);
CREATE INDEX ON r (name);
CREATE UNIQUE INDEX r_code ON r (code);
CREATE UNIQUE INDEX ON r (extra);
SELECT * FROM shape('t');
SELECT * FROM shape('other.u');
SELECT * FROM shape('r');
SELECT * FROM differing_shards();
INSERT INTO t VALUES (1, 1, 'w1');
INSERT INTO t VALUES (1, 1000, 'w11');
INSERT INTO r VALUES (1);
SELECT count(*) FROM t WHERE v = 7;
SELECT w FROM t WHERE lower(w) = 'w33';
UPDATE t SET w = 'W5' WHERE v = 5;
ALTER INDEX named RENAME TO renamed;
ALTER INDEX IF EXISTS nope RENAME TO nope2;
ALTER INDEX renamed SET (fillfactor = 50);
ALTER INDEX t_v_idx SET (fillfactor = 55, deduplicate_items = off);
ALTER INDEX renamed RESET (fillfactor);
ALTER INDEX t_lower_expr_twice_idx ALTER COLUMN 2 SET STATISTICS 77;
ALTER INDEX renamed ALTER COLUMN 1 SET STATISTICS 5;
ALTER INDEX other."In-Dex" RENAME TO plain;
ALTER TABLE t_v_idx1 RENAME TO by_table;
ALTER INDEX t_pkey RENAME TO t_key;
ALTER INDEX r_code RENAME TO r_codes;
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
DROP INDEX t_v_idx, by_table;
DROP INDEX nope;
-- @notices
DROP INDEX IF EXISTS nope, renamed;
DROP INDEX t_key;
DROP INDEX other.plain CASCADE;
DROP INDEX r_codes RESTRICT;
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
BEGIN;
CREATE INDEX a ON t (v);
SAVEPOINT s;
CREATE INDEX b ON t (v);
INSERT INTO t VALUES (2, 2000, 'in between');
ROLLBACK TO s;
CREATE INDEX b ON t (w);
DROP INDEX a;
SELECT count(*) FROM t WHERE v > 50;
COMMIT;
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
BEGIN;
DROP INDEX b;
CREATE UNIQUE INDEX t_k_v ON t (k, v DESC);
ROLLBACK;
SELECT * FROM differing_shards();
INSERT INTO t VALUES (5, 7777, 'twin'), (5, 7778, 'twin2');
DELETE FROM t WHERE v > 100;
DO $$BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE INDEX loop_%s ON t (v)', i); END LOOP; DROP INDEX loop_2; END$$;
CREATE FUNCTION index_it(n text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'CREATE INDEX ' || n || ' ON t (w)'; EXCEPTION WHEN duplicate_table THEN RAISE NOTICE 'there'; END$$;
-- @notices
SELECT index_it('fun'), index_it('fun');
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
-- @nodetail
DROP FUNCTION twice;
DROP FUNCTION twice CASCADE;
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
ALTER TABLE other.u DROP CONSTRAINT u_pkey;
INSERT INTO other.u VALUES (1), (1);
-- @nodetail
CREATE UNIQUE INDEX ON other.u (k);
DELETE FROM other.u WHERE k = 1 AND "Odd Name" IS NULL;
CREATE UNIQUE INDEX ON other.u (k);
SELECT * FROM shape('other.u');
SELECT * FROM differing_shards();
