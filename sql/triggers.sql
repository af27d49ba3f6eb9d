-- Triggers on distributed tables: what is refused, what DDL does, what plans show.
SET shardext.shard_count = 4;
CREATE SCHEMA trg;
SET search_path = trg;
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
CREATE FUNCTION plan(statement text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, statement) LOOP
        IF line ~ 'Custom Scan|Strategy|Reason|Trigger' THEN RETURN NEXT line; END IF;
    END LOOP;
END$$;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % % %', TG_NAME, TG_WHEN, TG_OP, TG_LEVEL; RETURN NEW; END$$;
CREATE TRIGGER one BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO t VALUES (1, 'a', 1);
-- rows that move fire nothing, and triggers stay
SELECT create_distributed_table('t', 'k');
INSERT INTO t VALUES (2, 'b', 1);
SELECT undistribute_table('t');
INSERT INTO t VALUES (3, 'c', 1);
SELECT create_distributed_table('t', 'k');
SELECT tgname, tgenabled, tgisinternal FROM pg_trigger WHERE tgrelid = 't'::regclass ORDER BY 1;
-- definitions
CREATE TRIGGER two AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION shout();
CREATE OR REPLACE TRIGGER two AFTER UPDATE OR DELETE ON t FOR EACH STATEMENT EXECUTE FUNCTION shout();
ALTER TRIGGER two ON t RENAME TO three;
ALTER TABLE t DISABLE TRIGGER one;
DELETE FROM t WHERE k = 3;
SELECT plan('UPDATE t SET n = n + 1 WHERE k = 1');
ALTER TABLE t ENABLE TRIGGER one, DISABLE TRIGGER three;
SELECT plan('UPDATE t SET n = n + 1 WHERE k = 1');
SELECT plan('DELETE FROM t WHERE k = 1');
SELECT plan($$INSERT INTO t VALUES (4, 'd', 1)$$, 'COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF');
CREATE TRIGGER two INSTEAD OF INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout();
DROP TRIGGER three ON t;
DROP TRIGGER one ON t;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass;
-- an error of a trigger says where
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no %', TG_OP; END$$;
CREATE TRIGGER fail BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fail();
\set VERBOSITY default
INSERT INTO t VALUES (9, 'x', 1);
COPY t FROM STDIN;
9	x	1
\.
DROP TRIGGER fail ON t;
-- checks with sub-queries
CREATE VIEW known AS SELECT * FROM t WHERE k IN (SELECT k FROM t) WITH CHECK OPTION;
CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO known VALUES (9, 'x', 1);
-- reading the own table in an exception block
CREATE FUNCTION peek() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.k >= TG_ARGV[0]::int THEN
        BEGIN NEW.n := (SELECT count(*) FROM t); EXCEPTION WHEN division_by_zero THEN NULL; END;
    END IF;
    RETURN NEW;
END$$;
DROP TRIGGER one ON t;
CREATE TRIGGER peek BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION peek('0');
INSERT INTO t VALUES (11, 'x'), (12, 'x'), (13, 'x') RETURNING *;
DROP TRIGGER peek ON t;
CREATE TRIGGER peek BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION peek('22');
INSERT INTO t VALUES (21, 'x'), (22, 'x') RETURNING *;
DROP TRIGGER peek ON t;
-- actions of foreign keys
CREATE TABLE p (k int PRIMARY KEY, v text);
CREATE TABLE c (k int REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, n int, PRIMARY KEY (k, n));
CREATE TABLE d (k int, n int, m int, PRIMARY KEY (k, n, m), FOREIGN KEY (k, n) REFERENCES c ON DELETE CASCADE);
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('d', 'k');
INSERT INTO p VALUES (1), (2), (3);
INSERT INTO c VALUES (1, 1), (2, 1);
INSERT INTO d VALUES (1, 1, 1);
PREPARE del AS DELETE FROM p WHERE k = 3;
EXECUTE del;
CREATE TRIGGER d BEFORE DELETE ON d FOR EACH ROW EXECUTE FUNCTION shout();
EXECUTE del;
DELETE FROM p WHERE k = 1;
MERGE INTO p USING (VALUES (1)) s (k) ON s.k = p.k WHEN MATCHED THEN DELETE;
UPDATE p SET v = 'x' WHERE k = 1;
UPDATE p SET k = 5 WHERE k = 2;
CREATE TRIGGER c AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION shout();
UPDATE p SET v = 'y' WHERE k = 1;
UPDATE p SET k = 6 WHERE k = 5;
INSERT INTO p VALUES (5) ON CONFLICT (k) DO UPDATE SET k = 6;
ALTER TABLE c DISABLE TRIGGER c;
UPDATE p SET k = 6 WHERE k = 5;
ALTER TABLE d DISABLE TRIGGER ALL;
EXECUTE del;
DELETE FROM p WHERE k = 1;
SELECT count(*) FROM d;
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE e (k int PRIMARY KEY, id int REFERENCES r ON DELETE SET NULL);
SELECT create_reference_table('r');
SELECT create_distributed_table('e', 'k');
INSERT INTO r VALUES (1), (2);
INSERT INTO e VALUES (1, 1), (2, 2);
CREATE TRIGGER e AFTER UPDATE ON e FOR EACH ROW EXECUTE FUNCTION shout();
DELETE FROM r WHERE id = 1;
DROP TRIGGER e ON e;
DELETE FROM r WHERE id = 1;
SELECT * FROM e ORDER BY k;
-- the triggers of a reference table
CREATE TRIGGER r BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE r DISABLE TRIGGER ALL;
INSERT INTO r VALUES (7);
SELECT regexp_replace(tgname, '_[0-9]+$', '_N') AS tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'r'::regclass AND tgname !~ '^RI_' ORDER BY 1;
ALTER TABLE r ENABLE TRIGGER ALL;
SELECT regexp_replace(tgname, '_[0-9]+$', '_N') AS tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'r'::regclass AND tgname !~ '^RI_' ORDER BY 1;
INSERT INTO r VALUES (8);
INSERT INTO e VALUES (7, 7), (8, 8);
-- nobody calls it
SELECT * FROM shardext.proposed_rows(1, 2);
SET client_min_messages = warning;
DROP SCHEMA trg CASCADE;
