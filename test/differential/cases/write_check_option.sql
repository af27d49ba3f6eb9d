-- Writes through views WITH CHECK OPTION, INSTEAD OF triggers and rules.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, n int, city text);
INSERT INTO t SELECT i, i * 10, (ARRAY['a','b'])[i % 2 + 1] FROM generate_series(1, 20) i;
CREATE VIEW small AS SELECT * FROM t WHERE n < 100 WITH CHECK OPTION;
CREATE VIEW small_a AS SELECT * FROM small WHERE city = 'a' WITH LOCAL CHECK OPTION;
CREATE VIEW casc AS SELECT * FROM small WHERE city = 'b' WITH CASCADED CHECK OPTION;
CREATE VIEW sums AS SELECT city, sum(n) AS total FROM t GROUP BY city;
CREATE FUNCTION sums_fn() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE t SET n = NEW.total WHERE city = NEW.city; RETURN NEW; END$$;
CREATE TRIGGER sums_trg INSTEAD OF UPDATE ON sums FOR EACH ROW EXECUTE FUNCTION sums_fn();
CREATE VIEW ruled AS SELECT k, n FROM t;
CREATE RULE ruled_del AS ON DELETE TO ruled DO INSTEAD UPDATE t SET n = -1 WHERE k = OLD.k;
-- @distribute
SELECT create_distributed_table('t', 'k');
-- @run
INSERT INTO small VALUES (100, 50, 'a') RETURNING *;
INSERT INTO small VALUES (101, 500, 'a');
INSERT INTO small VALUES (102, 5, 'a'), (103, 500, 'a');
UPDATE small SET n = n + 1 WHERE k = 3 RETURNING *;
UPDATE small SET n = 1000 WHERE k = 3;
-- @nodetail
UPDATE small SET n = n + 50;
INSERT INTO small_a VALUES (104, 5, 'b');
INSERT INTO small_a VALUES (105, 500, 'a');
UPDATE small_a SET city = 'c' WHERE k = 4;
INSERT INTO casc VALUES (106, 500, 'b');
UPDATE casc SET n = 5 WHERE k = 5 RETURNING *;
DELETE FROM small WHERE k = 100 RETURNING *;
UPDATE sums SET total = 7 WHERE city = 'a' RETURNING *;
DELETE FROM ruled WHERE k = 7;
DELETE FROM ruled WHERE n > 150;
SELECT * FROM t;
