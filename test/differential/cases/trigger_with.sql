-- Triggers beside foreign keys, transition tables joined with distributed tables, WITH, functions and cursors.
-- @setup
CREATE TABLE users (id int PRIMARY KEY, name text, orders int NOT NULL DEFAULT 0);
CREATE TABLE orders (user_id int REFERENCES users, id int, total int, PRIMARY KEY (user_id, id));
CREATE TABLE archive (user_id int, id int, total int, at text);
CREATE TABLE plain (user_id int, id int);
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 20) i;
CREATE FUNCTION archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO archive VALUES (OLD.user_id, OLD.id, OLD.total, TG_OP); RETURN OLD; END$$;
CREATE FUNCTION summed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE users u SET orders = orders + n.count FROM (SELECT user_id, count(*) FROM new_t GROUP BY user_id) n WHERE n.user_id = u.id;
  INSERT INTO plain SELECT n.user_id, u.orders FROM new_t n JOIN users u ON u.id = n.user_id;
  INSERT INTO archive SELECT user_id, id, total, 'copied' FROM new_t;
  RETURN NULL;
END$$;
CREATE FUNCTION sql_like() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record; s int := 0;
BEGIN
  FOR r IN SELECT * FROM orders WHERE user_id = NEW.user_id ORDER BY id LOOP s := s + coalesce(r.total, 0); END LOOP;
  NEW.total := s + coalesce(NEW.total, 0);
  RETURN NEW;
END$$;
CREATE TRIGGER archived BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION archived();
CREATE TRIGGER summed AFTER INSERT ON orders REFERENCING NEW TABLE AS new_t FOR EACH STATEMENT EXECUTE FUNCTION summed();
-- @distribute
SELECT create_distributed_table('users', 'id');
SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('archive', 'id');
-- @distribute one_shard
SELECT create_distributed_table('users', 'id', shard_count => 1);
SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('archive', 'user_id', shard_count => 2, colocate_with => 'none');
-- @run
INSERT INTO orders SELECT 1 + i % 5, i, i FROM generate_series(1, 30) i;
SELECT * FROM users;
SELECT * FROM plain;
SELECT * FROM archive;
-- @nodetail
INSERT INTO orders VALUES (1, 100, 5), (99, 1, 1);
WITH gone AS (DELETE FROM orders WHERE user_id = 2 RETURNING *) INSERT INTO orders SELECT user_id + 10, id, total FROM gone RETURNING *;
WITH gone AS (DELETE FROM orders WHERE user_id = 3 RETURNING *), kept AS (INSERT INTO plain SELECT user_id, id FROM gone RETURNING *) SELECT count(*), (SELECT count(*) FROM orders) FROM kept;
WITH a AS (UPDATE orders SET total = total + 1 WHERE user_id = 1 RETURNING *), b AS (DELETE FROM orders WHERE user_id = 4 AND id < 10 RETURNING *) INSERT INTO orders SELECT 20, id, total FROM a UNION ALL SELECT 20, id, total FROM b RETURNING *;
SELECT * FROM users;
SELECT * FROM archive;
CREATE TRIGGER sql_like BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION sql_like();
INSERT INTO orders VALUES (6, 1, 1), (6, 2, 1), (6, 3, 1), (7, 1, 5), (6, 4, NULL) RETURNING *;
INSERT INTO orders SELECT 8, i, 1 FROM generate_series(1, 12) i;
SELECT * FROM orders WHERE user_id = 8;
COPY orders FROM STDIN;
9	1	1
9	2	1
9	3	1
\.
SELECT * FROM orders WHERE user_id = 9;
INSERT INTO orders SELECT o.user_id + 5, o.id + 50, 1 FROM orders o WHERE o.user_id = 9;
SELECT * FROM orders WHERE user_id = 14;
DO $$DECLARE r record; BEGIN FOR r IN DELETE FROM orders WHERE user_id = 6 RETURNING * LOOP INSERT INTO orders VALUES (r.user_id + 11, r.id, 0); END LOOP; END$$;
SELECT * FROM orders WHERE user_id = 17;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM orders WHERE user_id = 8 FOR UPDATE;
MOVE 3 IN c;
DELETE FROM orders WHERE CURRENT OF c;
COMMIT;
SELECT count(*) FROM orders WHERE user_id = 8;
SELECT at, count(*) FROM archive GROUP BY at;
-- a trigger that reads only sometimes
CREATE FUNCTION sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.id % 4 = 0 THEN NEW.total := (SELECT count(*) FROM orders WHERE user_id = NEW.user_id); END IF; RETURN NEW; END$$;
DROP TRIGGER sql_like ON orders;
CREATE TRIGGER sometimes BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION sometimes();
INSERT INTO orders SELECT 18, i, 0 FROM generate_series(1, 12) i RETURNING *;
INSERT INTO orders SELECT 19, i, 0 FROM generate_series(1, 3000) i;
SELECT id, total FROM orders WHERE user_id = 19 AND id % 500 = 0;
DELETE FROM orders WHERE user_id = 19;
SELECT * FROM users;
SELECT count(*) FROM archive;
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT 1;
