-- TRUNCATE triggers; INSTEAD OF triggers; CHECK OPTION and row-level security behind BEFORE triggers; reference tables.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int, g int GENERATED ALWAYS AS (n + 1) STORED);
CREATE TABLE u (k int, v text);
CREATE TABLE ref (id int PRIMARY KEY, v text, n int DEFAULT 0);
CREATE TABLE log (what text, n bigint);
INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 20) i;
INSERT INTO u SELECT i, 'u' || i FROM generate_series(1, 20) i;
INSERT INTO ref SELECT i, 'r' || i FROM generate_series(1, 5) i;
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log SELECT TG_NAME || ' ' || TG_WHEN || ' ' || TG_OP || ' ' || TG_TABLE_NAME, count(*) FROM t; RETURN NULL; END$$;
CREATE TRIGGER a BEFORE TRUNCATE ON t EXECUTE FUNCTION counted();
CREATE TRIGGER b AFTER TRUNCATE ON t EXECUTE FUNCTION counted();
CREATE TRIGGER c AFTER TRUNCATE ON u EXECUTE FUNCTION counted();
CREATE VIEW both_tables AS SELECT t.k, t.v, u.v AS uv, t.n FROM t JOIN u USING (k);
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN INSERT INTO t (k, v, n) VALUES (NEW.k, NEW.v, NEW.n); INSERT INTO u VALUES (NEW.k, NEW.uv); RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' THEN UPDATE t SET v = NEW.v, n = NEW.n WHERE k = OLD.k; IF NEW.n < 0 THEN RETURN NULL; END IF; NEW.uv := 'instead'; RETURN NEW; END IF;
  DELETE FROM t WHERE k = OLD.k; RETURN OLD;
END$$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON both_tables FOR EACH ROW EXECUTE FUNCTION instead();
CREATE VIEW low AS SELECT k, v, n FROM t WHERE n < 100 WITH CHECK OPTION;
CREATE FUNCTION set_n() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.v = 'high' THEN NEW.n := 1000; ELSIF NEW.v = 'low' THEN NEW.n := 1; END IF; RETURN NEW; END$$;
CREATE FUNCTION ref_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_WHEN = 'BEFORE' THEN IF NEW.v = 'skip' THEN RETURN NULL; END IF; NEW.n := NEW.n + 10; RETURN NEW; END IF;
  INSERT INTO log VALUES (TG_OP || coalesce(OLD::text, '') || coalesce(NEW::text, ''), 0); UPDATE t SET v = NEW.v WHERE k = NEW.id; RETURN NULL;
END$$;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('u', 'k');
SELECT create_reference_table('ref');
SELECT create_distributed_table('log', 'what');
-- @run
CREATE TRIGGER set_n BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION set_n();
INSERT INTO low VALUES (101, 'x', 5) RETURNING *;
INSERT INTO low VALUES (102, 'high', 5);
INSERT INTO low VALUES (103, 'low', 500) RETURNING *;
UPDATE low SET v = 'high' WHERE k = 101;
UPDATE low SET v = 'low', n = 500 WHERE k = 101 RETURNING *;
INSERT INTO low VALUES (101, 'high', 5) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO low VALUES (101, 'y', 5) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *;
MERGE INTO t USING (VALUES (101, 'high'), (104, 'low')) s (k, v) ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v, 7);
SELECT * FROM t;
INSERT INTO both_tables VALUES (200, 'a', 'b', 3) RETURNING *;
UPDATE both_tables SET n = n + 1000 WHERE k < 4 RETURNING *;
UPDATE both_tables SET n = -1 WHERE k < 4 RETURNING *;
DELETE FROM both_tables WHERE k IN (1, 200) RETURNING *;
WITH w AS (UPDATE both_tables SET v = 'w' WHERE k = 5 RETURNING *) SELECT * FROM w;
SELECT * FROM t;
-- row-level security
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON t FOR ALL TO diff_alice USING (n < 100) WITH CHECK (n < 50);
GRANT ALL ON t, log, ref TO diff_alice;
SET ROLE diff_alice;
INSERT INTO t VALUES (301, 'x', 5) RETURNING *;
INSERT INTO t VALUES (302, 'high', 5);
INSERT INTO t VALUES (302, 'low', 500) RETURNING *;
UPDATE t SET v = 'high' WHERE k = 301;
UPDATE t SET v = 'low', n = 400 WHERE k = 301 RETURNING *;
INSERT INTO t VALUES (301, 'high', 5) ON CONFLICT (k) DO UPDATE SET v = 'z';
INSERT INTO t VALUES (301, 'a', 5) ON CONFLICT (k) DO UPDATE SET v = 'high';
INSERT INTO t VALUES (301, 'a', 5) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *;
RESET ROLE;
-- reference tables
CREATE TRIGGER r1 BEFORE INSERT OR UPDATE ON ref FOR EACH ROW EXECUTE FUNCTION ref_note();
CREATE TRIGGER r2 AFTER INSERT OR UPDATE ON ref FOR EACH ROW EXECUTE FUNCTION ref_note();
INSERT INTO ref VALUES (6, 'six'), (7, 'skip'), (8, 'high') RETURNING *;
UPDATE ref SET v = 'low' WHERE id = 1;
INSERT INTO ref VALUES (1, 'up', 1), (9, 'nine', 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = excluded.n RETURNING *;
UPDATE ref SET n = t.n FROM t WHERE t.k = ref.id AND t.k < 4;
SELECT ref.*, t.* FROM ref JOIN t ON t.k = ref.id;
ALTER TABLE ref DISABLE TRIGGER r1;
INSERT INTO ref VALUES (17, 'skip') RETURNING *;
SET session_replication_role = replica;
INSERT INTO ref VALUES (18, 'replica') RETURNING *;
UPDATE ref SET v = 'replica' WHERE id = 6;
RESET session_replication_role;
SELECT count(*), sum(r.n) FROM t JOIN ref r ON r.id = t.k % 20;
ALTER TABLE ref DISABLE TRIGGER USER;
INSERT INTO ref VALUES (19, 'skip') RETURNING *;
ALTER TABLE ref ENABLE TRIGGER USER;
ALTER TRIGGER r2 ON ref RENAME TO r3;
DROP TRIGGER r3 ON ref;
SELECT count(*), sum(r.n) FROM t JOIN ref r ON r.id = t.k % 20;
-- TRUNCATE
SELECT * FROM log;
TRUNCATE t;
SELECT count(*) FROM t;
INSERT INTO t VALUES (1, 'a', 1);
BEGIN;
TRUNCATE u, t;
ROLLBACK;
TRUNCATE u, t;
BEGIN;
INSERT INTO t VALUES (2, 'b', 1), (3, 'c', 1);
TRUNCATE t;
INSERT INTO t VALUES (4, 'd', 1);
TRUNCATE t;
COMMIT;
SELECT * FROM log;
SELECT * FROM t;
