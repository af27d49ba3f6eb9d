-- Views that can be written: CHECK OPTION, INSTEAD OF triggers, rules; reference tables that are written from distributed ones; COPY FROM … WHERE.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text, n int DEFAULT 7, g int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE log (id bigserial, what text, k int, v text);
CREATE TABLE plain_log (what text, k int, v text);
CREATE TABLE ref (id int PRIMARY KEY, v text, n int);
CREATE TABLE other (k int, n int);
INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 40) i;
INSERT INTO ref SELECT i, 'r' || i, 0 FROM generate_series(1, 10) i;
INSERT INTO other SELECT i, i * 10 FROM generate_series(1, 20) i;
CREATE VIEW low AS SELECT * FROM t WHERE n < 100 WITH LOCAL CHECK OPTION;
CREATE VIEW low_even AS SELECT k, v, n FROM low WHERE k % 2 = 0 WITH CASCADED CHECK OPTION;
CREATE VIEW loose AS SELECT k, v AS "Text", n FROM t WHERE n > 0;
CREATE VIEW loose_checked AS SELECT k, "Text" FROM loose WHERE k < 1000 WITH LOCAL CHECK OPTION;
CREATE VIEW expr AS SELECT k, n + 1 AS more, upper(v) AS v, n FROM t;
CREATE VIEW joined AS SELECT t.k, t.v, o.n FROM t JOIN other o USING (k);
CREATE FUNCTION joined_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO t (k, v) VALUES (NEW.k, NEW.v); INSERT INTO other VALUES (NEW.k, NEW.n); RETURN NEW;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE t SET v = NEW.v WHERE k = OLD.k; UPDATE other SET n = NEW.n WHERE k = OLD.k; NEW.v := NEW.v || '*'; RETURN NEW;
  ELSE
    IF OLD.k = 13 THEN RETURN NULL; END IF;
    DELETE FROM other WHERE k = OLD.k; RETURN OLD;
  END IF;
END$$;
CREATE TRIGGER joined_write INSTEAD OF INSERT OR UPDATE OR DELETE ON joined FOR EACH ROW EXECUTE FUNCTION joined_write();
CREATE VIEW ruled AS SELECT k, v, n FROM t;
CREATE RULE ruled_insert AS ON INSERT TO ruled DO INSTEAD INSERT INTO t (k, v, n) VALUES (NEW.k, NEW.v || ' by rule', NEW.n) RETURNING k, v, n;
CREATE RULE ruled_update AS ON UPDATE TO ruled DO INSTEAD UPDATE t SET v = NEW.v, n = NEW.n WHERE k = OLD.k RETURNING k, v, n;
CREATE RULE ruled_delete AS ON DELETE TO ruled DO INSTEAD DELETE FROM t WHERE k = OLD.k;
CREATE RULE ruled_delete_log AS ON DELETE TO ruled DO ALSO INSERT INTO plain_log VALUES ('delete', OLD.k, OLD.v);
CREATE TABLE ruled_table (k int, v text);
CREATE RULE also AS ON INSERT TO ruled_table DO ALSO INSERT INTO log (what, k, v) VALUES ('also', NEW.k, NEW.v);
CREATE RULE upd AS ON UPDATE TO ruled_table WHERE NEW.k > 5 DO ALSO UPDATE t SET v = NEW.v WHERE t.k = NEW.k;
CREATE RULE gone AS ON DELETE TO ruled_table DO INSTEAD DELETE FROM t WHERE k = OLD.k;
CREATE VIEW conditional AS SELECT k, v FROM t;
CREATE RULE none AS ON UPDATE TO conditional WHERE OLD.k = 3 DO INSTEAD NOTHING;
CREATE RULE others AS ON UPDATE TO conditional WHERE OLD.k <> 3 DO INSTEAD UPDATE t SET v = NEW.v WHERE k = OLD.k;
CREATE RULE rest AS ON UPDATE TO conditional DO INSTEAD NOTHING;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('log', 'what');
SELECT create_distributed_table('other', 'k');
SELECT create_reference_table('ref');
-- @run
-- CHECK OPTION
INSERT INTO low (k, v, n) VALUES (101, 'a', 5) RETURNING *;
INSERT INTO low (k, v, n) VALUES (102, 'a', 500);
UPDATE low SET n = 500 WHERE k = 1;
UPDATE low SET n = 50 WHERE k = 1 RETURNING *;
UPDATE low SET k = k + 200, n = n + 1 WHERE k = 2 RETURNING *;
INSERT INTO low_even VALUES (103, 'odd', 1);
INSERT INTO low_even VALUES (104, 'even', 1000);
INSERT INTO low_even VALUES (104, 'even', 10) RETURNING *;
UPDATE low_even SET k = k + 801 WHERE k = 4;
UPDATE low_even SET k = k + 302 WHERE k = 4 RETURNING *;
UPDATE low_even SET n = o.n * 10 FROM other o WHERE o.k = low_even.k AND low_even.k = 12;
UPDATE low_even SET n = o.n FROM other o WHERE o.k = low_even.k AND low_even.k = 6 RETURNING low_even.*, o.n;
DELETE FROM low_even WHERE k IN (7, 8) RETURNING *;
INSERT INTO loose_checked VALUES (105, 'x') RETURNING *;
INSERT INTO loose_checked VALUES (1005, 'x');
UPDATE loose SET n = -5 WHERE k = 9 RETURNING *;
UPDATE loose SET n = -5 WHERE k = 9 RETURNING *;
UPDATE expr SET n = 11, k = 1010 WHERE more = 11 RETURNING *;
UPDATE expr SET more = 1;
INSERT INTO expr (k, n) VALUES (106, 3) RETURNING *;
INSERT INTO low (k, v, n) SELECT k + 400, v, n FROM low_even WHERE k < 20 RETURNING k;
INSERT INTO low (k, v, n) VALUES (101, 'again', 6) ON CONFLICT (k) DO UPDATE SET n = excluded.n RETURNING *;
INSERT INTO low (k, v, n) VALUES (101, 'again', 6) ON CONFLICT (k) DO UPDATE SET n = 600;
WITH d AS (DELETE FROM low WHERE k = 11 RETURNING *) INSERT INTO low (k, v, n) SELECT k + 500, v, n FROM d RETURNING *;
-- INSTEAD OF
INSERT INTO joined VALUES (50, 'fifty', 5), (51, 'more', 6) RETURNING *;
UPDATE joined SET n = n + 1, v = 'u' WHERE k IN (12, 50) RETURNING *;
UPDATE joined SET v = r.v FROM ref r WHERE r.id = joined.k AND r.id = 3 RETURNING joined.k, joined.v, r.v;
DELETE FROM joined WHERE k IN (12, 13, 14) RETURNING *;
WITH u AS (UPDATE joined SET v = 'w' WHERE k = 15 RETURNING k, v) SELECT * FROM u;
-- rules
INSERT INTO ruled VALUES (60, 'new', 1) RETURNING *;
UPDATE ruled SET v = 'ruled', n = n + 1 WHERE k IN (16, 17) RETURNING *;
UPDATE ruled SET v = r.v FROM ref r WHERE r.id = 5 AND ruled.k = 18;
DELETE FROM ruled WHERE k IN (16, 60);
INSERT INTO ruled_table VALUES (6, 'six'), (4, 'four');
UPDATE ruled_table SET v = v || '!';
DELETE FROM ruled_table WHERE k = 6;
UPDATE conditional SET v = 'c' WHERE k IN (3, 20);
-- reference tables
UPDATE ref SET n = s.c FROM (SELECT count(*) AS c FROM t) s WHERE id = 1 RETURNING *;
UPDATE ref SET n = (SELECT sum(n) FROM other WHERE other.k = ref.id), v = t.v FROM t WHERE t.k = ref.id + 20 RETURNING ref.*;
DELETE FROM ref USING other WHERE other.k = ref.id AND other.n > 80 RETURNING ref.id, other.n;
INSERT INTO ref SELECT k, v, n FROM t WHERE k BETWEEN 8 AND 30 ON CONFLICT (id) DO UPDATE SET n = excluded.n + 1000 RETURNING *;
MERGE INTO ref USING other ON other.k = ref.id WHEN MATCHED AND ref.id < 5 THEN UPDATE SET n = other.n WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (other.k, 'merged', other.n);
WITH u AS (UPDATE t SET n = n + 1 WHERE k = 21 RETURNING *) UPDATE ref SET n = u.n FROM u WHERE ref.id = 1 RETURNING *;
WITH r AS (UPDATE ref SET n = -1 WHERE id = 2 RETURNING *) UPDATE t SET n = r.n FROM r WHERE t.k = 22 RETURNING t.*;
WITH r AS (DELETE FROM ref WHERE id = 3 RETURNING *), d AS (DELETE FROM t WHERE k = 23 RETURNING *) SELECT r.id, d.k FROM r, d;
WITH l AS (INSERT INTO plain_log SELECT 'from t', k, v FROM t WHERE k = 24 RETURNING k), u AS (UPDATE t SET v = 'logged' FROM l WHERE t.k = l.k RETURNING t.k) SELECT * FROM u;
SELECT what, k, v FROM log;
SELECT * FROM plain_log;
SELECT * FROM ref;
SELECT * FROM t;
SELECT * FROM other;
SELECT * FROM ruled_table;
