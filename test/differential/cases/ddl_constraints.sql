-- ALTER TABLE on constraints and settings of tables that are distributed.
-- @setup
-- @include ddl
CREATE TABLE kinds (code int, name text);
CREATE TABLE p (k int, id int, n text, PRIMARY KEY (k, id));
CREATE TABLE c (k int, id int, pid int, kind int, amount int, during int4range);
CREATE TABLE kid (k int PRIMARY KEY, up int);
INSERT INTO kinds SELECT i, 'kind' || i FROM generate_series(1, 5) i;
INSERT INTO p SELECT i % 7, i, 'p' || i FROM generate_series(1, 40) i;
INSERT INTO c SELECT i % 7, i, i, i % 5 + 1, i * 10, int4range(i, i + 1) FROM generate_series(1, 40) i;
INSERT INTO kid SELECT i, i FROM generate_series(1, 20) i;
-- @distribute
CREATE OR REPLACE FUNCTION differing_shards() RETURNS SETOF text LANGUAGE sql AS 'SELECT shard || difference FROM shardext_verify()';
SELECT create_reference_table('kinds');
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('kid', 'k');
-- @run
ALTER TABLE c ADD CHECK (amount > 0);
ALTER TABLE c ADD CONSTRAINT small CHECK (amount < 300);
ALTER TABLE c ADD CONSTRAINT small CHECK (amount < 300) NOT VALID;
INSERT INTO c VALUES (1, 100, 1, 1, 301);
ALTER TABLE c VALIDATE CONSTRAINT small;
UPDATE c SET amount = 299 WHERE amount >= 300;
ALTER TABLE c VALIDATE CONSTRAINT small;
ALTER TABLE c ADD CONSTRAINT small CHECK (amount < 300);
ALTER TABLE c ADD PRIMARY KEY (k, id);
ALTER TABLE c ADD PRIMARY KEY (k, id);
-- @nodetail
ALTER TABLE c ADD CONSTRAINT c_amount UNIQUE (k, amount) INCLUDE (kind) WITH (fillfactor = 80);
ALTER TABLE c DROP CONSTRAINT c_amount;
-- @nodetail
ALTER TABLE c ADD UNIQUE (k, kind);
ALTER TABLE c ADD CONSTRAINT d_amount UNIQUE (k, id, amount) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE c ADD CONSTRAINT ex EXCLUDE USING btree (k WITH =, id WITH =, pid WITH =) WHERE (pid > 3);
CREATE UNIQUE INDEX will_be ON c (k, pid);
-- @notices
ALTER TABLE c ADD CONSTRAINT became UNIQUE USING INDEX will_be;
CREATE UNIQUE INDEX keeps ON c (pid, k);
ALTER TABLE c ADD CONSTRAINT keeps UNIQUE USING INDEX keeps DEFERRABLE;
ALTER TABLE c ADD FOREIGN KEY (k, pid) REFERENCES p;
ALTER TABLE c ADD CONSTRAINT fk2 FOREIGN KEY (k, pid) REFERENCES p (k, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE kinds ADD PRIMARY KEY (code);
ALTER TABLE c ADD CONSTRAINT kind_fk FOREIGN KEY (kind) REFERENCES kinds NOT VALID;
ALTER TABLE c VALIDATE CONSTRAINT kind_fk;
-- @nodetail
ALTER TABLE kid ADD FOREIGN KEY (up) REFERENCES kinds;
ALTER TABLE kid ADD FOREIGN KEY (up) REFERENCES kinds NOT VALID;
-- @nodetail
ALTER TABLE kid VALIDATE CONSTRAINT kid_up_fkey;
ALTER TABLE kid ADD COLUMN other int DEFAULT 2 REFERENCES kinds, ADD COLUMN more int DEFAULT 9 REFERENCES kinds;
ALTER TABLE kid ADD COLUMN other int DEFAULT 2 REFERENCES kinds ON DELETE SET DEFAULT;
ALTER TABLE kid ADD COLUMN k2 int GENERATED ALWAYS AS (k) STORED;
ALTER TABLE kid ALTER other SET DEFAULT 1;
DELETE FROM c WHERE kind = 2;
DELETE FROM kinds WHERE code = 2;
SELECT other, count(*) FROM kid GROUP BY other;
ALTER TABLE kid ALTER other DROP DEFAULT;
SELECT * FROM shape('c');
SELECT * FROM shape('kid');
SELECT * FROM shape('kinds');
SELECT * FROM differing_shards();
INSERT INTO c VALUES (1, 500, 501, 1, 5);
INSERT INTO c (k, id, kind) VALUES (1, 501, 77);
DELETE FROM p WHERE id = 8;
DELETE FROM kinds WHERE code = 3;
ALTER TABLE c ALTER CONSTRAINT fk2 NOT DEFERRABLE;
ALTER TABLE c ALTER CONSTRAINT c_k_pid_fkey DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO c VALUES (2, 600, 7777, 1, 5);
COMMIT;
ALTER TABLE c RENAME CONSTRAINT small TO smaller;
ALTER TABLE c RENAME CONSTRAINT became TO become;
ALTER TABLE c RENAME CONSTRAINT fk2 TO fk3;
ALTER TABLE c RENAME CONSTRAINT nope TO nope2;
ALTER TABLE p DROP CONSTRAINT p_pkey;
-- @notices
ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE;
ALTER TABLE c DROP CONSTRAINT nope;
-- @notices
ALTER TABLE c DROP CONSTRAINT IF EXISTS nope;
ALTER TABLE c DROP CONSTRAINT smaller, ADD CONSTRAINT smaller CHECK (amount < 1000), ALTER amount TYPE bigint;
ALTER TABLE c ALTER id TYPE bigint, ALTER pid TYPE bigint;
ALTER TABLE p ADD PRIMARY KEY (k, id);
ALTER TABLE c ADD FOREIGN KEY (k, pid) REFERENCES p ON DELETE CASCADE;
ALTER TABLE p ALTER id TYPE bigint;
ALTER TABLE kinds ALTER code TYPE bigint;
SELECT * FROM shape('p');
SELECT * FROM shape('c');
SELECT * FROM shape('kid');
SELECT * FROM differing_shards();
INSERT INTO c VALUES (1, 700, 701, 1, 5);
DELETE FROM p WHERE id = 9;
SELECT count(*) FROM c;
-- settings of the table
ALTER TABLE c SET (fillfactor = 60, autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE c RESET (fillfactor), SET (toast_tuple_target = 512);
ALTER TABLE c CLUSTER ON c_pkey;
ALTER TABLE c REPLICA IDENTITY USING INDEX c_pkey;
ALTER TABLE p REPLICA IDENTITY FULL, CLUSTER ON p_pkey;
SELECT * FROM shape('c');
SELECT * FROM differing_shards();
ALTER TABLE c SET WITHOUT CLUSTER, REPLICA IDENTITY NOTHING;
ALTER TABLE p REPLICA IDENTITY DEFAULT;
ALTER TABLE c SET UNLOGGED;
ALTER TABLE p SET UNLOGGED;
ALTER TABLE p SET LOGGED;
ALTER TABLE c SET LOGGED;
ALTER TABLE c SET ACCESS METHOD heap;
ALTER TABLE c SET ACCESS METHOD nope;
ALTER TABLE c SET (nope = 1);
COMMENT ON TABLE c IS 'about c';
COMMENT ON COLUMN c.k IS 'about k';
COMMENT ON CONSTRAINT smaller ON c IS 'about smaller';
COMMENT ON INDEX c_pkey IS 'about the key';
CREATE STATISTICS st (ndistinct, dependencies) ON kind, amount FROM c;
CREATE STATISTICS other_st ON kind, (amount + 1) FROM c;
COMMENT ON STATISTICS st IS 'about st';
ALTER STATISTICS st SET STATISTICS 50;
SELECT * FROM shape('c');
SELECT * FROM differing_shards();
COMMENT ON TABLE c IS NULL;
COMMENT ON COLUMN c.nope IS 'x';
ALTER STATISTICS st RENAME TO st2;
ALTER TABLE c ALTER amount TYPE numeric;
SELECT * FROM shape('c');
SELECT * FROM differing_shards();
DROP STATISTICS st2;
ALTER TABLE c DROP COLUMN amount;
SELECT * FROM shape('c');
SELECT * FROM differing_shards();
