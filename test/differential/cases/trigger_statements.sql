-- Statement triggers and transition tables.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int);
CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE TABLE plain_log (id serial, what text);
CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE m text := TG_NAME || ' ' || TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL || ' ' || (SELECT count(*) FROM t);
BEGIN RAISE NOTICE '%', m; INSERT INTO log (what) VALUES (m); INSERT INTO plain_log (what) VALUES (m); RETURN NULL; END$$;
CREATE FUNCTION new_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE '% % new: %', TG_NAME, TG_OP, (SELECT string_agg(x::text, ' ' ORDER BY x.k) FROM new_t x);
  INSERT INTO log (what) SELECT TG_OP || ' new ' || x FROM new_t x ORDER BY k;
  RETURN NULL;
END$$;
CREATE FUNCTION old_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % old: %', TG_NAME, TG_OP, (SELECT string_agg(o::text, ' ' ORDER BY o.k) FROM old_t o); RETURN NULL; END$$;
CREATE FUNCTION both_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % both: %', TG_NAME, TG_OP, (SELECT string_agg(o || '->' || n, ' ' ORDER BY o.k) FROM old_t o JOIN new_t n USING (k)); RETURN NULL; END$$;
CREATE TRIGGER b_ins BEFORE INSERT ON t EXECUTE FUNCTION say();
CREATE TRIGGER b_upd BEFORE UPDATE ON t EXECUTE FUNCTION say();
CREATE TRIGGER b_upd_of BEFORE UPDATE OF v ON t EXECUTE FUNCTION say();
CREATE TRIGGER b_del BEFORE DELETE ON t EXECUTE FUNCTION say();
CREATE TRIGGER a_ins AFTER INSERT ON t EXECUTE FUNCTION say();
CREATE TRIGGER a_upd AFTER UPDATE ON t EXECUTE FUNCTION say();
CREATE TRIGGER a_upd_of AFTER UPDATE OF n ON t EXECUTE FUNCTION say();
CREATE TRIGGER a_del AFTER DELETE ON t EXECUTE FUNCTION say();
INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 20) i;
TRUNCATE log, plain_log;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('log', 'id');
-- @distribute other_key
SELECT create_distributed_table('t', 'k', shard_count => 2);
SELECT create_reference_table('log');
-- @run
SELECT count(*) FROM log;
-- @notices
INSERT INTO t VALUES (21, 'a', 1), (22, 'b', 2);
-- @notices
UPDATE t SET v = v || '!' WHERE k < 3;
-- @notices
UPDATE t SET n = n + 1 WHERE k = 3 RETURNING *;
-- @notices
UPDATE t SET n = n + 1 WHERE false;
-- @notices
DELETE FROM t WHERE k = 4;
-- @notices
DELETE FROM t WHERE k = 4;
-- @notices
INSERT INTO t SELECT 1, 'x', 1 WHERE false;
-- @notices
INSERT INTO t VALUES (1, 'c', 1), (23, 'c', 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
-- @notices
INSERT INTO t VALUES (1, 'c', 1) ON CONFLICT DO NOTHING;
-- @notices
MERGE INTO t USING (VALUES (1), (30)) s (k) ON s.k = t.k WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT VALUES (s.k, 'm', 0);
-- @notices
MERGE INTO t USING (VALUES (1), (30)) s (k) ON s.k = t.k WHEN MATCHED AND t.k = 30 THEN DELETE WHEN MATCHED THEN DO NOTHING;
-- @notices
WITH a AS (INSERT INTO t VALUES (31, 'w', 0) RETURNING k) SELECT * FROM a;
COPY t FROM STDIN;
40	c	1
41	c	2
\.
COPY t FROM STDIN;
\.
SELECT what FROM log;
SELECT what FROM plain_log ORDER BY id;
-- transition tables
CREATE TRIGGER n_ins AFTER INSERT ON t REFERENCING NEW TABLE AS new_t EXECUTE FUNCTION new_rows();
CREATE TRIGGER n_upd AFTER UPDATE ON t REFERENCING NEW TABLE AS new_t EXECUTE FUNCTION new_rows();
CREATE TRIGGER o_upd AFTER UPDATE ON t REFERENCING OLD TABLE AS old_t EXECUTE FUNCTION old_rows();
CREATE TRIGGER o_upd2 AFTER UPDATE ON t REFERENCING OLD TABLE AS old_t NEW TABLE AS new_t EXECUTE FUNCTION both_rows();
CREATE TRIGGER o_del AFTER DELETE ON t REFERENCING OLD TABLE AS old_t EXECUTE FUNCTION old_rows();
-- @notices
INSERT INTO t VALUES (51, 'a', 1), (52, 'b', 2);
-- @notices
UPDATE t SET v = v || '?', n = n + 100 WHERE k IN (1, 2, 51);
-- @notices
UPDATE t SET k = k + 1000 WHERE k IN (1, 2);
-- @notices
UPDATE t SET n = 0 WHERE k = -1;
-- @notices
DELETE FROM t WHERE k > 1000;
-- @notices
INSERT INTO t VALUES (51, 'u', 1), (53, 'u', 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v;
-- @notices
INSERT INTO t VALUES (51, 'u', 1), (54, 'u', 1) ON CONFLICT DO NOTHING;
-- @notices
MERGE INTO t USING (VALUES (51), (52), (55)) s (k) ON s.k = t.k WHEN MATCHED AND t.k = 52 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT VALUES (s.k, 'm', 0);
-- @notices
WITH a AS (INSERT INTO t VALUES (61, 'w', 0) RETURNING k), b AS (INSERT INTO t VALUES (62, 'w', 0)) SELECT * FROM a;
COPY t FROM STDIN;
70	c	1
71	c	2
\.
SELECT count(*) FROM t;
-- @notices
INSERT INTO t SELECT i, 'many', 0 FROM generate_series(10001, 10005) i;
CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % % rows', TG_NAME, TG_OP, (SELECT count(*) FROM new_t); RETURN NULL; END$$;
DROP TRIGGER n_ins ON t;
DROP TRIGGER n_upd ON t;
DROP TRIGGER o_upd ON t;
DROP TRIGGER o_upd2 ON t;
CREATE TRIGGER n_ins AFTER INSERT ON t REFERENCING NEW TABLE AS new_t FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
CREATE TRIGGER n_upd AFTER UPDATE ON t REFERENCING NEW TABLE AS new_t FOR EACH ROW WHEN (NEW.k % 1000 = 0) EXECUTE FUNCTION count_rows();
-- @notices
INSERT INTO t SELECT i, 'many', 0 FROM generate_series(20001, 25000) i;
-- @notices
UPDATE t SET n = n + 1 WHERE k > 20000;
SELECT * FROM t;
SELECT what FROM log;
