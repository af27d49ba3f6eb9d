-- What triggers see and write: counters, numbering, recursion, rows of the same statement, errors, savepoints.
-- @setup
CREATE TABLE parent (id int PRIMARY KEY, children int NOT NULL DEFAULT 0, at text);
CREATE TABLE child (id int, parent int, pos int, v text, PRIMARY KEY (parent, id));
CREATE TABLE tree (id int PRIMARY KEY, up int, depth int);
CREATE TABLE seen (what text, n bigint);
INSERT INTO parent SELECT i FROM generate_series(1, 8) i;
INSERT INTO tree SELECT i, NULLIF(i / 2, 0), 0 FROM generate_series(1, 31) i;
CREATE FUNCTION count_children() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN UPDATE parent SET children = children - 1 WHERE id = OLD.parent; END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE parent SET children = children + 1 WHERE id = NEW.parent;
    IF NOT FOUND THEN RAISE EXCEPTION 'no parent %', NEW.parent USING ERRCODE = 'foreign_key_violation', DETAIL = NEW::text, HINT = 'Make one.'; END IF;
  END IF;
  RETURN NULL;
END$$;
CREATE FUNCTION number_children() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT coalesce(max(pos), 0) + 1 INTO NEW.pos FROM child WHERE parent = NEW.parent;
  RETURN NEW;
END$$;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO seen SELECT format('%s %s %s', TG_NAME, TG_OP, CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END), count(*) FROM child;
  RETURN NULL;
END$$;
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM tree WHERE up = OLD.id; RETURN OLD; END$$;
CREATE FUNCTION deepen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE tree SET depth = NEW.depth + 1 WHERE up = NEW.id; RETURN NULL; END$$;
CREATE TRIGGER counted AFTER INSERT OR DELETE OR UPDATE OF parent ON child FOR EACH ROW EXECUTE FUNCTION count_children();
CREATE TRIGGER numbered BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION number_children();
CREATE TRIGGER seen AFTER INSERT OR UPDATE OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER cut AFTER DELETE ON tree FOR EACH ROW EXECUTE FUNCTION cut();
CREATE TRIGGER deepen AFTER UPDATE ON tree FOR EACH ROW WHEN (OLD.depth <> NEW.depth) EXECUTE FUNCTION deepen();
-- @distribute
SELECT create_distributed_table('parent', 'id');
SELECT create_distributed_table('child', 'parent');
SELECT create_distributed_table('tree', 'id');
SELECT create_distributed_table('seen', 'what');
-- @distribute more_mixed
SELECT create_distributed_table('parent', 'id');
SELECT create_distributed_table('child', 'parent');
SELECT create_distributed_table('tree', 'id');
-- @run
INSERT INTO child (id, parent, v) VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 1, 'd') RETURNING *;
INSERT INTO child (id, parent, v) SELECT i, 3, 's' || i FROM generate_series(1, 20) i;
INSERT INTO child (id, parent, v) VALUES (5, 1, 'e') RETURNING pos;
SELECT * FROM parent;
SELECT * FROM child;
SELECT * FROM seen;
TRUNCATE seen;
UPDATE child SET parent = 4 WHERE parent = 3 AND id < 5;
DELETE FROM child WHERE id IN (2, 3);
SELECT * FROM seen;
SELECT * FROM parent;
INSERT INTO child (id, parent) VALUES (1, 99);
BEGIN;
INSERT INTO child (id, parent) VALUES (1, 7);
SAVEPOINT a;
INSERT INTO child (id, parent) VALUES (2, 7), (3, 99);
ROLLBACK TO a;
INSERT INTO child (id, parent) VALUES (4, 7);
COMMIT;
DO $$BEGIN
  INSERT INTO child (id, parent) VALUES (10, 8);
  BEGIN INSERT INTO child (id, parent) VALUES (11, 8), (12, 77); EXCEPTION WHEN foreign_key_violation THEN INSERT INTO child (id, parent) VALUES (13, 8); END;
END$$;
SELECT * FROM parent;
SELECT * FROM child WHERE parent IN (7, 8);
INSERT INTO child (id, parent, v) VALUES (1, 7, 'again'), (20, 6, 'new') ON CONFLICT (parent, id) DO UPDATE SET v = excluded.v, pos = excluded.pos RETURNING *;
COPY child (id, parent, v) FROM STDIN;
30	5	x
31	5	y
32	6	z
\.
SELECT * FROM child WHERE parent IN (5, 6, 7);
DELETE FROM tree WHERE id = 3;
SELECT * FROM tree;
UPDATE tree SET depth = 1 WHERE id = 1;
SELECT * FROM tree;
-- changing rows of the same statement
CREATE FUNCTION touch_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE parent SET at = 'touched' WHERE id = NEW.id + TG_ARGV[0]::int; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE OF children ON parent FOR EACH ROW EXECUTE FUNCTION touch_next('0');
UPDATE parent SET children = 100 WHERE id = 1;
DROP TRIGGER touch ON parent;
CREATE TRIGGER touch BEFORE UPDATE OF children ON parent FOR EACH ROW EXECUTE FUNCTION touch_next('1');
UPDATE parent SET children = 100 WHERE id = 1;
UPDATE parent SET children = 100 WHERE id = 8 RETURNING *;
SELECT * FROM parent;
DROP TRIGGER touch ON parent;
-- recursion without end, and errors of triggers
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF pg_trigger_depth() < 5 THEN UPDATE parent SET at = coalesce(at, '') || pg_trigger_depth() WHERE id = NEW.id; END IF; RETURN NULL; END$$;
CREATE TRIGGER again AFTER UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION again();
UPDATE parent SET at = '' WHERE id = 2;
SELECT * FROM parent WHERE id = 2;
DROP TRIGGER again ON parent;
CREATE FUNCTION wrong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF TG_ARGV[0] = 'divide' THEN NEW.children := NEW.children / 0; ELSIF TG_ARGV[0] = 'row' THEN RETURN ROW(1, 'x'); ELSIF TG_ARGV[0] = 'null' THEN NEW.children := NULL; END IF; RETURN NEW; END$$;
CREATE TRIGGER wrong BEFORE INSERT OR UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION wrong('divide');
INSERT INTO parent VALUES (50);
UPDATE parent SET at = 'x' WHERE id = 3;
DROP TRIGGER wrong ON parent;
CREATE TRIGGER wrong BEFORE INSERT OR UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION wrong('null');
-- @nodetail
INSERT INTO parent VALUES (50);
-- @nodetail
UPDATE parent SET at = 'x' WHERE id = 3;
DROP TRIGGER wrong ON parent;
CREATE TRIGGER wrong BEFORE INSERT OR UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION wrong('row');
INSERT INTO parent VALUES (50);
SELECT * FROM parent;
