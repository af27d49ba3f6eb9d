-- Parts of one statement that touch the same rows: in functions, with many rows, NULL keys, policies, views, foreign keys, other tables.
-- @setup
CREATE SCHEMA "S p";
CREATE TABLE "S p"."T t" (gone text, "K k" text, "V v" varchar(8), n numeric(8,2) DEFAULT 1.5, a int[], CONSTRAINT positive CHECK (n > -100));
ALTER TABLE "S p"."T t" DROP COLUMN gone;
CREATE TABLE big (k int, n int, v text);
CREATE TABLE ref (id int PRIMARY KEY, n int);
CREATE TABLE plain (id int, n int);
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (user_id int REFERENCES users, id int, total int DEFAULT 0, PRIMARY KEY (user_id, id));
CREATE TABLE items (user_id int, order_id int, nr int, price int, FOREIGN KEY (user_id, order_id) REFERENCES orders);
CREATE VIEW small AS SELECT * FROM big WHERE n < 1000000 WITH CHECK OPTION;
INSERT INTO "S p"."T t" SELECT 'k' || i, 'v' || i, i, ARRAY[i, i + 1] FROM generate_series(1, 20) i;
INSERT INTO "S p"."T t" VALUES (NULL, 'null', 3, NULL), (NULL, 'none', 4, '{}');
INSERT INTO big SELECT i, i, 'v' || i FROM generate_series(1, 5000) i;
INSERT INTO ref SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO plain SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 20) i;
INSERT INTO orders SELECT i, i * 10 FROM generate_series(1, 20) i;
INSERT INTO items SELECT i, i * 10, 1, i FROM generate_series(1, 20) i;
CREATE FUNCTION both_parts(one text, other text) RETURNS SETOF text LANGUAGE sql AS $$WITH a AS (UPDATE "S p"."T t" SET "V v" = 'a' WHERE "K k" = one RETURNING "K k"), b AS (UPDATE "S p"."T t" SET "V v" = 'b' WHERE "K k" = other RETURNING "K k") SELECT * FROM a UNION ALL SELECT * FROM b$$;
CREATE FUNCTION in_plpgsql(one int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE x int; r record; total int := 0;
BEGIN
  WITH d AS (DELETE FROM big WHERE k = one RETURNING n), u AS (UPDATE big SET n = n + 1 WHERE k = one + 1 RETURNING n) SELECT d.n + u.n INTO x FROM d, u;
  FOR r IN WITH d AS (DELETE FROM big WHERE k BETWEEN one + 2 AND one + 4 RETURNING k), u AS (UPDATE big SET n = 0 WHERE k BETWEEN one + 4 AND one + 6 RETURNING k) SELECT k FROM d UNION SELECT k FROM u LOOP
    total := total + r.k;
  END LOOP;
  WITH u AS (UPDATE big SET v = 'plpgsql' WHERE k = one + 10) UPDATE big SET v = 'plpgsql' WHERE k = one + 11;
  GET DIAGNOSTICS total = ROW_COUNT;
  RETURN x + total;
END$$;
CREATE FUNCTION fails(one int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  WITH u AS (UPDATE big SET n = 5 WHERE k = one RETURNING k), w AS (DELETE FROM orders WHERE user_id = one RETURNING id) SELECT count(*) INTO one FROM u, w;
  RETURN 'done';
EXCEPTION WHEN foreign_key_violation THEN
  RETURN 'caught';
END$$;
-- @distribute
SELECT create_distributed_table('"S p"."T t"', 'K k');
SELECT create_distributed_table('big', 'k');
SELECT create_reference_table('ref');
SELECT create_distributed_table('users', 'id');
SELECT create_distributed_table('orders', 'user_id');
SELECT create_distributed_table('items', 'user_id');
-- @run
WITH a AS (UPDATE "S p"."T t" x SET "V v" = 'A', a[2] = 7 WHERE "K k" = 'k1' RETURNING x.*), b AS (DELETE FROM "S p"."T t" WHERE "K k" = 'k2' RETURNING *) SELECT * FROM a UNION ALL SELECT * FROM b;
WITH a AS (UPDATE "S p"."T t" SET n = n / 3 WHERE "K k" = 'k3' RETURNING n), b AS (UPDATE "S p"."T t" SET "V v" = 'too long for it' WHERE "K k" = 'k4' RETURNING *) SELECT * FROM a, b;
WITH a AS (UPDATE "S p"."T t" SET n = n / 3 WHERE "K k" = 'k3' RETURNING n), b AS (UPDATE "S p"."T t" SET "V v" = 'short'::char(7) WHERE "K k" = 'k4' RETURNING *) SELECT * FROM a, b;
WITH a AS (UPDATE "S p"."T t" SET n = 9 WHERE "K k" IS NULL RETURNING "V v"), b AS (UPDATE "S p"."T t" SET n = 10 WHERE "K k" = 'k5' RETURNING *) SELECT * FROM a, b;
WITH a AS (UPDATE "S p"."T t" SET "K k" = 'moved' WHERE "V v" = 'null' RETURNING *), b AS (UPDATE "S p"."T t" SET "K k" = NULL WHERE "K k" = 'k6' RETURNING *) SELECT * FROM a, b;
WITH a AS (UPDATE "S p"."T t" SET n = -1000 WHERE "K k" = 'k7' RETURNING n), b AS (UPDATE "S p"."T t" SET n = 1 WHERE "K k" = 'k8' RETURNING n) SELECT * FROM a, b;
SELECT both_parts('k9', 'k10');
SELECT both_parts('k9', 'k9');
SELECT in_plpgsql(100);
SELECT in_plpgsql(200);
SELECT fails(3);
SELECT fails(4);
-- many rows
WITH d AS (DELETE FROM big WHERE k > 3000 RETURNING k), u AS (UPDATE big SET n = n + 1 WHERE k BETWEEN 500 AND 3000 RETURNING k) SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM u);
WITH u AS (UPDATE big SET k = k + 10000 WHERE k BETWEEN 1000 AND 2500 RETURNING k), m AS (MERGE INTO big USING (SELECT k FROM big WHERE k < 50) s ON s.k = big.k WHEN MATCHED THEN UPDATE SET v = 'merged') SELECT count(*), min(k) FROM u;
SELECT count(*), sum(k), sum(n) FROM big;
-- views, reference and ordinary tables
WITH u AS (UPDATE small SET n = 7 WHERE k = 20 RETURNING k, n), w AS (UPDATE big SET n = 8 WHERE k = 21 RETURNING k, n) SELECT * FROM u, w;
WITH u AS (UPDATE small SET n = 7000000 WHERE k = 20 RETURNING k, n), w AS (UPDATE big SET n = 8 WHERE k = 21 RETURNING k, n) SELECT * FROM u, w;
WITH u AS (UPDATE big SET n = ref.n FROM ref WHERE ref.id = big.k AND ref.id = 1 RETURNING big.k), w AS (UPDATE ref SET n = big.n FROM big WHERE big.k = ref.id AND ref.id = 2 RETURNING ref.*) SELECT * FROM u, w;
WITH u AS (UPDATE big SET n = -1 WHERE k = 30 RETURNING k), w AS (DELETE FROM big WHERE k = 31 RETURNING k) INSERT INTO plain SELECT u.k, w.k FROM u, w RETURNING *;
WITH u AS (UPDATE big SET n = -1 WHERE k = 32 RETURNING k), w AS (DELETE FROM big WHERE k = 33 RETURNING k) UPDATE plain SET n = u.k FROM u, w WHERE plain.id = 5 RETURNING *;
WITH u AS (UPDATE big SET n = -1 WHERE k = 34 RETURNING k), w AS (UPDATE plain SET n = (SELECT n FROM big WHERE k = 34) WHERE id = 6 RETURNING n) SELECT * FROM u, w;
-- foreign keys
WITH i AS (INSERT INTO items VALUES (5, 501, 1, 1) RETURNING *), o AS (INSERT INTO orders VALUES (5, 501) RETURNING *), u AS (UPDATE users SET name = 'five' WHERE id = 5 RETURNING name) SELECT i.nr, o.id, u.name FROM i, o, u;
WITH i AS (INSERT INTO items VALUES (105, 1, 1, 1) RETURNING user_id, order_id), o AS (INSERT INTO orders SELECT user_id, order_id FROM i RETURNING *) INSERT INTO users SELECT user_id, 'new' FROM o RETURNING *;
WITH u AS (DELETE FROM users WHERE id = 6 RETURNING id), o AS (DELETE FROM orders USING u WHERE user_id = u.id RETURNING orders.id), i AS (DELETE FROM items USING o WHERE order_id = o.id RETURNING price) SELECT * FROM i;
WITH u AS (DELETE FROM users WHERE id = 7), o AS (DELETE FROM orders WHERE user_id = 7), i AS (DELETE FROM items WHERE user_id = 7) SELECT 1;
WITH u AS (DELETE FROM users WHERE id = 8), o AS (DELETE FROM orders WHERE user_id = 8) DELETE FROM items WHERE user_id = 8 RETURNING *;
WITH i AS (DELETE FROM items WHERE user_id = 9), o AS (DELETE FROM orders WHERE user_id = 9) DELETE FROM users WHERE id = 9 RETURNING *;
WITH o AS (DELETE FROM orders WHERE user_id = 10) DELETE FROM users WHERE id = 10 RETURNING *;
WITH i AS (INSERT INTO items VALUES (11, 999, 1, 1) RETURNING *) INSERT INTO orders VALUES (11, 998);
WITH i AS (UPDATE items SET price = price + 1 WHERE user_id = 12 RETURNING *), o AS (UPDATE orders SET total = i.price FROM i WHERE orders.user_id = i.user_id RETURNING orders.*) UPDATE users SET name = o.total::text FROM o WHERE o.user_id = users.id RETURNING users.*;
-- isolation levels
BEGIN ISOLATION LEVEL REPEATABLE READ;
WITH u AS (UPDATE big SET n = 1 WHERE k = 40 RETURNING k), w AS (UPDATE big SET n = 2 WHERE k = 41 RETURNING k) SELECT * FROM u, w;
WITH u AS (UPDATE big SET n = n + 1 WHERE k = 40 RETURNING n), w AS (UPDATE big SET n = n + 1 WHERE k = 41 RETURNING n) SELECT * FROM u, w;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT k, n FROM big WHERE k = 42;
FETCH c;
WITH u AS (UPDATE big SET n = 420 WHERE CURRENT OF c RETURNING k, n), w AS (UPDATE big SET n = 430 WHERE k = 43 RETURNING k, n) SELECT * FROM u, w;
COMMIT;
SELECT * FROM "S p"."T t";
SELECT count(*), sum(k), sum(n), count(DISTINCT v) FROM big;
SELECT * FROM plain;
SELECT * FROM ref;
SELECT * FROM users;
SELECT * FROM orders;
SELECT * FROM items;
