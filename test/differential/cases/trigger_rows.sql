-- Row triggers: BEFORE changes and skips rows, AFTER sees the final ones; every way to write a table.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int DEFAULT 7, at text, g int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY, op text, k int, old_row text, new_row text, depth int);
CREATE TABLE source (k int, v text, n int);
INSERT INTO source SELECT i, 's' || i, i FROM generate_series(1, 30) i;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.v = 'kept' THEN RETURN NULL; END IF;
    RETURN OLD;
  END IF;
  IF NEW.v = 'skipped' THEN RETURN NULL; END IF;
  IF NEW.v = 'elsewhere' THEN NEW.k := NEW.k + 1000; END IF;
  NEW.at := TG_NAME || ' ' || TG_WHEN || ' ' || TG_LEVEL || ' ' || TG_OP || ' ' || TG_RELNAME || ' ' || TG_TABLE_NAME || ' ' || TG_TABLE_SCHEMA || ' ' || TG_NARGS || coalesce(TG_ARGV[0], '-');
  RETURN NEW;
END$$;
CREATE FUNCTION add_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.n := NEW.n + 1; NEW.at := NEW.at || ', one more'; RETURN NEW; END$$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO audit (op, k, new_row, depth) VALUES (TG_ARGV[0] || TG_OP, NEW.k, NEW::text, pg_trigger_depth());
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO audit (op, k, old_row, new_row, depth) VALUES (TG_ARGV[0] || TG_OP, NEW.k, OLD::text, NEW::text, pg_trigger_depth());
  ELSE
    INSERT INTO audit (op, k, old_row, depth) VALUES (TG_ARGV[0] || TG_OP, OLD.k, OLD::text, pg_trigger_depth());
  END IF;
  RETURN NULL;
END$$;
CREATE TRIGGER a_stamp BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION stamp('argument', 'two');
CREATE TRIGGER b_more BEFORE INSERT OR UPDATE OF n ON t FOR EACH ROW WHEN (NEW.n < 100) EXECUTE FUNCTION add_one();
CREATE TRIGGER z_note AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note('');
CREATE TRIGGER z_when AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.n IS DISTINCT FROM NEW.n AND NEW.g > 10) EXECUTE FUNCTION note('when ');
CREATE TRIGGER z_of AFTER UPDATE OF v, g ON t FOR EACH ROW EXECUTE FUNCTION note('of ');
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('audit', 'k');
SELECT create_distributed_table('source', 'k');
-- @distribute one_shard
SELECT create_distributed_table('t', 'k', shard_count => 1);
SELECT create_distributed_table('audit', 'op');
-- @run
INSERT INTO t (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'skipped'), (4, 'elsewhere') RETURNING *;
INSERT INTO t (k, v, n) VALUES (5, NULL, 500), (6, 'kept', 99) RETURNING k, n, g, at, t;
INSERT INTO t SELECT k + 10, v, n FROM source WHERE k < 20;
INSERT INTO t VALUES (1, 'double');
SELECT op, k, old_row, new_row, depth FROM audit;
SELECT * FROM t;
-- UPDATE
UPDATE t SET v = 'c' WHERE k = 1 RETURNING *;
UPDATE t SET n = n + 1 WHERE k < 5;
UPDATE t SET v = 'skipped' WHERE k IN (11, 12);
UPDATE t SET v = 'elsewhere' WHERE k IN (11, 12, 13) RETURNING k, v, n, g;
UPDATE t SET k = k + 5000, v = 'moved' WHERE k IN (14, 15) RETURNING *;
UPDATE t SET v = s.v || '!' FROM source s WHERE s.k + 10 = t.k AND s.n BETWEEN 6 AND 9 RETURNING t.k, t.v, s.v;
UPDATE t SET v = 'none' WHERE k = -1;
UPDATE t SET (v, n) = (SELECT 'sub' || count(*), max(n) FROM source) WHERE k = 2 RETURNING *;
UPDATE t SET v = v, n = n WHERE k = 5;
SELECT op, k, old_row, new_row, depth FROM audit;
SELECT * FROM t;
TRUNCATE audit;
-- DELETE
DELETE FROM t WHERE k IN (5, 6) RETURNING *;
DELETE FROM t USING source s WHERE s.k + 10 = t.k AND s.k > 15 RETURNING t.k, s.v;
DELETE FROM t WHERE k > 5000;
SELECT op, k, old_row, new_row, depth FROM audit;
-- MERGE
MERGE INTO t USING source s ON s.k + 10 = t.k WHEN MATCHED AND s.k < 7 THEN UPDATE SET v = 'merged', n = s.n WHEN MATCHED AND s.k < 9 THEN DELETE WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND s.k > 25 THEN INSERT (k, v) VALUES (s.k + 10, CASE WHEN s.k = 27 THEN 'skipped' ELSE s.v END);
MERGE INTO t USING (VALUES (1, 'elsewhere'), (36, 'elsewhere')) s (k, v) ON s.k = t.k WHEN MATCHED THEN UPDATE SET v = s.v;
SELECT op, k, old_row, new_row, depth FROM audit;
SELECT * FROM t;
-- ON CONFLICT
INSERT INTO t (k, v) VALUES (2, 'again'), (50, 'new'), (51, 'skipped') ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t (k, v) VALUES (2, 'again'), (52, 'new') ON CONFLICT (k) DO NOTHING;
TRUNCATE audit;
INSERT INTO t (k, v) VALUES (2, 'again'), (50, 'again'), (53, 'new'), (54, 'skipped') ON CONFLICT (k) DO UPDATE SET v = excluded.v || ' ' || excluded.at, n = t.n + excluded.n RETURNING *;
INSERT INTO t (k, v) VALUES (2, 'x'), (50, 'x'), (55, 'x') ON CONFLICT (k) DO UPDATE SET v = 'skipped';
INSERT INTO t (k, v, n) SELECT k + 40, v, n FROM source WHERE k BETWEEN 10 AND 20 ON CONFLICT (k) DO UPDATE SET v = excluded.v WHERE t.k > 51;
INSERT INTO t (k, v) VALUES (56, 'x'), (56, 'y') ON CONFLICT (k) DO UPDATE SET v = excluded.v;
INSERT INTO t (k, v) VALUES (-948, 'elsewhere'), (-950, 'elsewhere') ON CONFLICT (k) DO UPDATE SET v = excluded.v || '?' RETURNING *;
SELECT op, k, old_row, new_row, depth FROM audit;
SELECT * FROM t;
TRUNCATE audit;
-- COPY
COPY t (k, v, n) FROM STDIN;
101	copied	1
102	skipped	2
103	elsewhere	300
\.
COPY t (k, v) FROM STDIN WHERE v <> 'left out';
104	x
105	left out
\.
COPY t (k, v) FROM STDIN;
106	x
101	y
\.
SELECT op, k, old_row, new_row, depth FROM audit;
SELECT * FROM t WHERE k > 100;
-- WITH
WITH gone AS (DELETE FROM t WHERE k = 104 RETURNING *), more AS (INSERT INTO t (k, v) SELECT k + 100, v FROM gone RETURNING *) SELECT * FROM more;
WITH a AS (UPDATE t SET v = 'with' WHERE k IN (1, 2) RETURNING k, v, at), b AS (INSERT INTO t (k, v) VALUES (300, 'with') RETURNING k, v, at) SELECT * FROM a UNION ALL SELECT * FROM b;
WITH s AS (SELECT * FROM source WHERE k = 3) UPDATE t SET v = s.v FROM s WHERE t.k = 300 RETURNING t.*;
-- prepared
PREPARE p (int, text) AS INSERT INTO t (k, v) VALUES ($1, $2) RETURNING *;
EXECUTE p (401, 'p');
EXECUTE p (402, 'skipped');
PREPARE u (int) AS UPDATE t SET n = n + 1 WHERE k = $1 RETURNING *;
EXECUTE u (401);
EXECUTE u (401);
EXECUTE u (401);
EXECUTE u (401);
EXECUTE u (401);
EXECUTE u (401);
ALTER TABLE t DISABLE TRIGGER b_more;
EXECUTE u (401);
ALTER TABLE t ENABLE REPLICA TRIGGER a_stamp;
EXECUTE u (401);
SET session_replication_role = replica;
EXECUTE u (401);
RESET session_replication_role;
ALTER TABLE t ENABLE ALWAYS TRIGGER b_more;
SET session_replication_role = replica;
EXECUTE u (401);
RESET session_replication_role;
ALTER TABLE t DISABLE TRIGGER USER;
EXECUTE u (401);
UPDATE t SET v = 'no triggers' WHERE k = 401;
ALTER TABLE t ENABLE TRIGGER USER;
ALTER TRIGGER z_note ON t RENAME TO y_note;
DROP TRIGGER z_of ON t;
EXECUTE u (401);
SELECT op, k, old_row, new_row, depth FROM audit;
