-- Definitions that change under prepared statements, cursors, functions, views, and in transactions.
-- @setup
-- @include ddl
CREATE TABLE t (k int PRIMARY KEY, v int, w text);
CREATE TABLE r (code int PRIMARY KEY, name text);
INSERT INTO t SELECT i, i * 10, 'w' || i FROM generate_series(1, 40) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(1, 10) i;
CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(v) FROM t); END';
CREATE FUNCTION row_of(i int) RETURNS t LANGUAGE sql AS 'SELECT * FROM t WHERE k = $1';
-- @distribute
CREATE OR REPLACE FUNCTION differing_shards() RETURNS SETOF text LANGUAGE sql AS 'SELECT shard || difference FROM shardext_verify()';
SELECT create_distributed_table('t', 'k');
SELECT create_reference_table('r');
-- @run
PREPARE one(int) AS SELECT k, v, w FROM t WHERE k = $1;
PREPARE all_rows AS SELECT sum(v), max(w) FROM t;
PREPARE ins(int, int) AS INSERT INTO t (k, v) VALUES ($1, $2) RETURNING *;
PREPARE upd(int) AS UPDATE t SET v = v + 1 WHERE k = $1 RETURNING v;
PREPARE star(int) AS SELECT * FROM t WHERE k = $1;
PREPARE ref(int) AS SELECT t.k, r.name FROM t JOIN r ON r.code = t.k WHERE t.k = $1;
EXECUTE one(3);
EXECUTE one(3);
EXECUTE one(4);
EXECUTE one(5);
EXECUTE one(6);
EXECUTE one(7);
EXECUTE one(8);
EXECUTE all_rows;
EXECUTE all_rows;
EXECUTE all_rows;
EXECUTE ins(100, 1);
EXECUTE ins(101, 1);
EXECUTE ins(102, 1);
EXECUTE upd(3);
EXECUTE upd(3);
EXECUTE upd(3);
EXECUTE star(3);
EXECUTE star(3);
EXECUTE star(3);
EXECUTE ref(3);
EXECUTE ref(3);
EXECUTE ref(3);
SELECT total(), total(), total();
ALTER TABLE t ADD x int DEFAULT 7;
EXECUTE one(3);
EXECUTE all_rows;
EXECUTE ins(103, 1);
EXECUTE upd(3);
EXECUTE star(3);
EXECUTE ref(3);
ALTER TABLE t ALTER v TYPE bigint;
EXECUTE one(3);
EXECUTE all_rows;
EXECUTE ins(104, 1);
EXECUTE upd(3);
EXECUTE ref(3);
SELECT total();
SELECT * FROM row_of(4);
ALTER TABLE t ALTER v TYPE numeric(20,2), ALTER w TYPE varchar(50);
SELECT v, w FROM t WHERE k = 3;
SELECT v, w FROM t WHERE k = 3;
SELECT v, w FROM t WHERE k = 3;
ALTER TABLE t ALTER v TYPE int, ALTER w TYPE text;
SELECT v, w FROM t WHERE k = 3;
EXECUTE upd(3);
SELECT total();
ALTER TABLE t DROP x;
EXECUTE star(3);
EXECUTE one(3);
ALTER TABLE r ALTER name TYPE varchar(20);
EXECUTE ref(3);
ALTER TABLE t RENAME w TO ww;
EXECUTE one(3);
EXECUTE upd(3);
ALTER TABLE t RENAME ww TO w;
EXECUTE one(3);
ALTER TABLE t RENAME k TO kk;
EXECUTE one(3);
SELECT * FROM t WHERE kk = 4;
ALTER TABLE t RENAME kk TO k;
EXECUTE one(3);
ALTER TABLE t RENAME TO tt;
EXECUTE one(3);
ALTER TABLE tt RENAME TO t;
EXECUTE one(3);
-- transactions
BEGIN;
INSERT INTO t VALUES (200, 1, 'before');
ALTER TABLE t ADD y int DEFAULT 5;
INSERT INTO t VALUES (201, 1, 'after', 6);
SAVEPOINT a;
ALTER TABLE t DROP v;
SELECT * FROM t WHERE k >= 200;
ALTER TABLE t RENAME y TO z;
ROLLBACK TO a;
SELECT * FROM t WHERE k >= 200;
ALTER TABLE t ADD CHECK (v < 100);
ROLLBACK;
SELECT * FROM t WHERE k >= 200;
SELECT * FROM differing_shards();
BEGIN;
DECLARE cur CURSOR FOR SELECT k FROM t ORDER BY k;
FETCH 2 FROM cur;
ALTER TABLE r ADD extra int DEFAULT 1;
FETCH 2 FROM cur;
COMMIT;
BEGIN;
DELETE FROM t WHERE k > 99;
CREATE UNIQUE INDEX late ON t (k, v);
TRUNCATE t;
ALTER TABLE t ADD COLUMN id int GENERATED ALWAYS AS IDENTITY;
INSERT INTO t (k, v) SELECT i, i FROM generate_series(1, 5) i;
SELECT k, id FROM t;
ROLLBACK;
SELECT count(*) FROM t;
DO $$
BEGIN
  ALTER TABLE t ADD COLUMN in_do int DEFAULT 3;
  UPDATE t SET in_do = 4 WHERE k = 1;
  BEGIN
    ALTER TABLE t ADD COLUMN gone int;
    PERFORM 1 / 0;
  EXCEPTION WHEN division_by_zero THEN NULL;
  END;
  ALTER TABLE t ALTER in_do SET NOT NULL;
END$$;
SELECT k, in_do FROM t WHERE k < 3;
SELECT * FROM shape('t');
CREATE FUNCTION grow(n text) RETURNS int LANGUAGE plpgsql AS $$BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN ' || quote_ident(n) || ' serial'; RETURN (SELECT count(*) FROM t); END$$;
SELECT grow('by function');
SELECT count(DISTINCT "by function") FROM t;
CREATE VIEW vw AS SELECT k, v FROM t;
ALTER TABLE t ALTER v TYPE text;
ALTER TABLE t DROP v;
-- @notices
ALTER TABLE t DROP v CASCADE;
SELECT * FROM differing_shards();
CREATE TABLE like_t (LIKE t INCLUDING ALL);
ALTER TABLE like_t ADD FOREIGN KEY (k) REFERENCES t;
INSERT INTO like_t (k, in_do) VALUES (1, 1);
INSERT INTO like_t (k, in_do) VALUES (9999, 1);
DROP TABLE like_t;
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'trig' AND NOT attisdropped)
    AND NOT EXISTS (SELECT FROM pg_class WHERE relname = 'by_trigger')
  THEN CREATE INDEX by_trigger ON t (trig); END IF;
END$$;
-- @batch
CREATE EVENT TRIGGER et ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION on_ddl();
ALTER TABLE t ADD trig int DEFAULT 3;
DROP EVENT TRIGGER et;
-- @end
SELECT * FROM shape('t');
SELECT * FROM differing_shards();
ALTER TABLE t DROP "by function";
