-- The general write path inside functions: PL/pgSQL with exception blocks and loops, SQL functions, procedures, rules, views, triggers of local tables, generic plans.
-- @setup
CREATE TABLE items (id int PRIMARY KEY, grp int, qty int CHECK (qty >= 0), label text);
CREATE TABLE moves (n int, item int, qty int);
CREATE TABLE cfg (name text PRIMARY KEY, val int);
CREATE TABLE front (id int PRIMARY KEY, qty int);
CREATE TABLE seen (id int, what text);
INSERT INTO items SELECT i, i % 4, i, 'l' || i FROM generate_series(1, 30) i;
INSERT INTO moves SELECT i, i % 35, i % 7 - 3 FROM generate_series(1, 60) i;
INSERT INTO cfg VALUES ('step', 3), ('max', 100);
INSERT INTO front SELECT i, 0 FROM generate_series(1, 6) i;
CREATE VIEW open_items AS SELECT id, grp, qty FROM items WHERE qty < 50;
CREATE VIEW both_items AS SELECT i.id, i.qty, c.val FROM items i, cfg c WHERE c.name = 'step';
CREATE RULE both_upd AS ON UPDATE TO both_items DO INSTEAD UPDATE items SET id = NEW.id, qty = NEW.qty WHERE id = OLD.id;
CREATE RULE both_del AS ON DELETE TO both_items DO INSTEAD DELETE FROM items WHERE id = OLD.id;
CREATE RULE both_log AS ON DELETE TO both_items DO ALSO INSERT INTO seen VALUES (OLD.id, 'rule');
CREATE RULE both_ins AS ON INSERT TO both_items DO INSTEAD INSERT INTO items VALUES (NEW.id, 0, NEW.qty, 'rule') RETURNING id, qty, grp;
CREATE RULE front_log AS ON UPDATE TO front DO ALSO UPDATE items SET qty = NEW.qty + (SELECT val FROM cfg WHERE name = 'step') WHERE id = OLD.id;
CREATE FUNCTION front_trg() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  UPDATE items SET id = id + 100, label = 'by trigger' FROM moves m WHERE m.n = 1 AND items.id = OLD.id; DELETE FROM moves WHERE item = (SELECT OLD.id); RETURN OLD; END$$;
CREATE TRIGGER front_del AFTER DELETE ON front FOR EACH ROW EXECUTE FUNCTION front_trg();
CREATE FUNCTION shift(a int, b int) RETURNS int LANGUAGE plpgsql AS $$DECLARE c int; BEGIN
  UPDATE items SET id = b WHERE id = a; GET DIAGNOSTICS c = ROW_COUNT; RETURN c;
  EXCEPTION WHEN unique_violation THEN RETURN -1; WHEN not_null_violation THEN RETURN -2; WHEN check_violation THEN RETURN -3; END$$;
CREATE FUNCTION loop_moves() RETURNS SETOF text LANGUAGE plpgsql AS $$DECLARE r record; m record; BEGIN
  FOR r IN UPDATE items SET qty = items.qty + 1 FROM moves WHERE moves.item = items.id AND moves.n < 6 RETURNING items.id, moves.n, items.qty LOOP
    FOR m IN DELETE FROM moves WHERE item = r.id AND n > (SELECT avg(n) FROM moves) RETURNING * LOOP RETURN NEXT r.id || '>' || m.n; END LOOP;
    UPDATE items SET label = label || r.n WHERE id = r.id;
  END LOOP; END$$;
CREATE FUNCTION retry(i int) RETURNS text LANGUAGE plpgsql AS $$DECLARE t text := ''; q int; BEGIN
  FOR s IN 1..3 LOOP
    BEGIN
      UPDATE items SET qty = qty - s * 4, id = id + s FROM cfg WHERE cfg.name = 'step' AND items.id = i + s RETURNING qty INTO STRICT q;
      t := t || s || ':' || q || ' ';
    EXCEPTION WHEN check_violation THEN t := t || s || ':check '; WHEN unique_violation THEN t := t || s || ':unique '; WHEN no_data_found THEN t := t || s || ':none ';
    END;
  END LOOP; RETURN t; END$$;
CREATE FUNCTION bump(g int, d int) RETURNS SETOF items LANGUAGE sql AS $$UPDATE items SET qty = qty + d WHERE grp = g AND id IN (SELECT item FROM moves) RETURNING *$$;
CREATE FUNCTION bump_atomic(g int) RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC WITH d AS (DELETE FROM moves USING items WHERE items.id = moves.item AND items.grp = g AND moves.n > 55 RETURNING moves.n) SELECT n FROM d; END;
CREATE FUNCTION two_writes(int) RETURNS bigint LANGUAGE sql AS $$UPDATE items SET id = id + 1000 WHERE grp = $1 AND id < 1000; UPDATE items SET id = id - 1000 WHERE id > 1000 AND grp = $1; SELECT count(*) FROM items WHERE grp = $1$$;
CREATE FUNCTION mrg(k int) RETURNS void LANGUAGE plpgsql AS $$BEGIN
  MERGE INTO items i USING (SELECT k AS id, val FROM cfg WHERE name = 'max') s ON s.id = i.id WHEN MATCHED AND i.qty > 90 THEN DELETE WHEN MATCHED THEN UPDATE SET qty = s.val - 1 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 9, 91, 'mrg'); END$$;
CREATE FUNCTION dyn(tab text, v int) RETURNS SETOF int LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE format('UPDATE %I SET qty = qty + $1 WHERE qty = (SELECT max(qty) FROM %I) RETURNING qty', tab, tab) USING v; END$$;
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$BEGIN
  FOR i IN 1..3 LOOP UPDATE items SET id = id + 200 WHERE id = i; IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END$$;
-- @distribute
SELECT create_distributed_table('items', 'id');
SELECT create_distributed_table('moves', 'n');
SELECT create_reference_table('cfg');
-- @distribute other-keys
SELECT create_distributed_table('items', 'id');
SELECT create_distributed_table('moves', 'item');
SELECT create_distributed_table('cfg', 'name');
SELECT create_distributed_table('seen', 'id');
-- @run
SELECT shift(1, 2), shift(1, 301), shift(301, NULL), shift(999, 1000);
SELECT shift(301, 1);
SELECT * FROM items WHERE id IN (1, 2, 301);
SELECT * FROM loop_moves();
SELECT retry(5);
SELECT retry(9);
SELECT retry(900);
SELECT * FROM items WHERE id BETWEEN 5 AND 15;
SELECT * FROM bump(2, 5);
SELECT sum(qty) FROM bump(1, 1);
-- @nodetail
SELECT * FROM bump(3, -1000);
SELECT * FROM bump_atomic(1);
SELECT two_writes(1), two_writes(2);
SELECT mrg(50), mrg(51);
SELECT mrg(50);
SELECT mrg(51), mrg(4);
SELECT id, qty FROM items WHERE id > 45 OR qty = 99;
SELECT * FROM dyn('items', 1);
SELECT * FROM dyn('items', 1);
SELECT * FROM dyn('missing', 1);
CALL steps();
SELECT id FROM items WHERE id > 200;
UPDATE items SET id = id - 200 WHERE id > 200;
UPDATE open_items SET qty = m.n FROM moves m WHERE m.item = open_items.id AND m.n < 5 RETURNING open_items.*;
UPDATE open_items o SET id = 400 + id WHERE id = (SELECT max(id) FROM open_items) RETURNING *;
DELETE FROM open_items USING moves m WHERE m.item = open_items.id AND m.n = 17 RETURNING *;
UPDATE both_items SET qty = qty + 1 WHERE id < 4;
UPDATE both_items SET id = id + 500 WHERE id = 4;
UPDATE both_items SET qty = -1 WHERE id = 6;
UPDATE both_items SET qty = (SELECT max(n) FROM moves) WHERE id IN (SELECT item FROM moves WHERE qty = 3);
DELETE FROM both_items WHERE id = 504;
DELETE FROM both_items WHERE qty = (SELECT max(qty) FROM items);
INSERT INTO both_items VALUES (600, 6) RETURNING *;
INSERT INTO both_items SELECT n + 600, n FROM moves WHERE n < 3;
UPDATE front SET qty = 20 WHERE id < 3;
UPDATE front SET qty = -20 WHERE id = 3;
UPDATE front SET qty = i.qty FROM items i WHERE i.id = front.id RETURNING front.*;
DELETE FROM front WHERE id = 5;
DELETE FROM front WHERE id = (SELECT min(id) FROM items);
SELECT * FROM seen;
DO $$DECLARE r record; BEGIN
  FOR r IN SELECT id, qty FROM items WHERE grp = 2 ORDER BY id LOOP
    UPDATE items SET id = r.id + 5000 WHERE id = r.id;
    IF r.qty % 2 = 0 THEN BEGIN UPDATE items SET qty = -1 WHERE id = r.id + 5000 AND qty < (SELECT 1000); EXCEPTION WHEN check_violation THEN UPDATE items SET label = 'caught' WHERE id = r.id + 5000 AND EXISTS (SELECT FROM cfg); END; END IF;
  END LOOP; END$$;
SELECT * FROM items WHERE id > 5000;
DO $$BEGIN UPDATE items SET id = id - 5000 WHERE id > 5000; RAISE EXCEPTION 'undo'; EXCEPTION WHEN raise_exception THEN NULL; END$$;
SELECT count(*) FROM items WHERE id > 5000;
DO $$DECLARE c CURSOR FOR SELECT id FROM items WHERE id > 5000 ORDER BY id; v int; BEGIN OPEN c; LOOP FETCH c INTO v; EXIT WHEN NOT FOUND; UPDATE items SET id = v - 5000 WHERE id = v AND v IN (SELECT id FROM items); END LOOP; END$$;
SELECT count(*) FROM items WHERE id > 5000;
PREPARE mv(int, int) AS UPDATE items SET id = $2 WHERE id = $1 RETURNING *;
EXECUTE mv(7, 70);
EXECUTE mv(70, 71);
EXECUTE mv(71, 72);
EXECUTE mv(72, 73);
EXECUTE mv(73, 74);
EXECUTE mv(74, 75);
EXECUTE mv(75, 76);
EXECUTE mv(76, 8);
EXECUTE mv(76, NULL);
EXECUTE mv(76, 7);
PREPARE jo(int, text) AS UPDATE items SET label = $2 || m.n FROM moves m WHERE m.item = items.id + $1 AND m.n < 20 RETURNING items.id, label;
EXECUTE jo(0, 'p');
EXECUTE jo(1, 'q');
EXECUTE jo(2, NULL);
EXECUTE jo(NULL, 'r');
EXECUTE jo(3, 's');
EXECUTE jo(4, 't');
EXECUTE jo(5, 'u');
EXECUTE jo(6, 'v');
PREPARE del(int[]) AS DELETE FROM moves WHERE n = ANY ($1) AND item < (SELECT max(id) FROM items) RETURNING n;
EXECUTE del('{1,2}');
EXECUTE del('{3}');
EXECUTE del('{}');
EXECUTE del(NULL);
EXECUTE del('{4}');
EXECUTE del('{5,6}');
EXECUTE del('{7}');
EXECUTE jo(0, 'after');
COPY (UPDATE items SET label = m.n FROM moves m WHERE m.n = items.id AND m.n < 15 RETURNING items.id, label) TO STDOUT;
COPY (DELETE FROM moves WHERE item > (SELECT avg(item) FROM moves) RETURNING 1) TO STDOUT;
CREATE TABLE copied AS SELECT * FROM bump(0, 1);
SELECT id, grp, qty, label FROM items;
SELECT * FROM moves;
