-- Functions in SQL and PL/pgSQL that read distributed tables, and functions called in queries on them.
-- @include shop
-- @run
CREATE FUNCTION order_count(bigint) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders WHERE user_id = $1';
CREATE FUNCTION twice(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE FUNCTION orders_of(u bigint) RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders WHERE user_id = u';
CREATE FUNCTION top_users(n int) RETURNS TABLE (id bigint, total numeric) LANGUAGE sql STABLE BEGIN ATOMIC SELECT user_id, sum(amount) AS s FROM orders GROUP BY user_id ORDER BY s DESC NULLS LAST, user_id LIMIT n; END;
CREATE FUNCTION country_name(users) RETURNS text LANGUAGE sql STABLE AS 'SELECT name FROM countries WHERE code = $1.country';
CREATE FUNCTION total(u bigint) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE s numeric := 0; r record;
BEGIN
  FOR r IN SELECT amount FROM orders WHERE user_id = u LOOP
    s := s + coalesce(r.amount, 0);
  END LOOP;
  RETURN s;
END$$;
CREATE FUNCTION label(u bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE who users%ROWTYPE; n int;
BEGIN
  SELECT * INTO who FROM users WHERE user_id = u;
  IF NOT FOUND THEN RETURN 'nobody'; END IF;
  SELECT count(*) INTO STRICT n FROM orders WHERE user_id = who.user_id;
  RETURN coalesce(who.name, '?') || ':' || n;
END$$;
CREATE FUNCTION search(tbl text, cond text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM %I WHERE %s', tbl, cond) INTO n;
  RETURN n;
END$$;
CREATE FUNCTION strict_one(q int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE x int;
BEGIN
  SELECT order_id INTO STRICT x FROM orders WHERE quantity = q;
  RETURN x;
END$$;
CREATE FUNCTION each_status() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE s text;
BEGIN
  FOR s IN SELECT DISTINCT status FROM orders ORDER BY status LOOP
    RETURN NEXT s || '=' || (SELECT count(*) FROM orders o WHERE o.status = s);
  END LOOP;
  RETURN QUERY SELECT 'users=' || count(*) FROM users;
END$$;
CREATE FUNCTION dyn(k bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE 'SELECT user_id, order_id FROM orders WHERE user_id = $1' USING k;
END$$;
CREATE FUNCTION cursor_sum() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c CURSOR (q int) FOR SELECT order_id FROM orders WHERE quantity = q ORDER BY order_id; s bigint := 0; x int;
BEGIN
  OPEN c(2);
  LOOP
    FETCH c INTO x;
    EXIT WHEN NOT FOUND;
    s := s + x;
    MOVE c;
  END LOOP;
  CLOSE c;
  RETURN s;
END$$;
SELECT order_count(5);
SELECT user_id, order_count(user_id) FROM users WHERE user_id < 15;
SELECT count(*) FROM users WHERE order_count(user_id) > 5;
SELECT user_id, twice(amount) FROM orders WHERE user_id < 6;
SELECT sum(twice(amount)) FROM orders;
SELECT order_id FROM orders WHERE twice(amount) > 198;
SELECT * FROM orders_of(5);
SELECT u.user_id, o.order_id FROM users u, orders_of(u.user_id) o WHERE u.user_id < 8;
-- @ordered
SELECT * FROM top_users(4);
SELECT u.name, t.total FROM top_users(5) t JOIN users u ON u.user_id = t.id;
SELECT user_id, country_name(u), u.country_name FROM users u WHERE user_id < 10;
SELECT total(5), total(6), total(1000);
SELECT total(5), total(6), total(7), total(8), total(9), total(10), total(11);
SELECT user_id, total(user_id) FROM users WHERE user_id % 10 = 0;
SELECT label(1), label(11), label(100), label(NULL);
SELECT user_id, label(user_id) FROM users WHERE label(user_id) LIKE '%:6';
SELECT search('orders', 'amount > 50'), search('users', 'user_id = 4'), search('visits', 'site IS NULL');
SELECT search('orders', 'no_such_column > 50');
SELECT search('no_such_table', 'true');
SELECT strict_one(1);
SELECT strict_one(77);
-- @ordered
SELECT * FROM each_status();
SELECT * FROM dyn(5) AS (u bigint, o int);
SELECT * FROM dyn(5) AS (u text, o int);
SELECT cursor_sum();
-- @notices
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT status, count(*) AS n FROM orders GROUP BY status ORDER BY status LOOP
    RAISE NOTICE '% %', r.status, r.n;
  END LOOP;
  PERFORM 1 FROM users WHERE user_id = 1000;
  RAISE NOTICE 'found %', FOUND;
  PERFORM * FROM users;
  RAISE NOTICE 'found %', FOUND;
END$$;
-- @notices
DO $$
DECLARE n bigint; i int;
BEGIN
  FOR i IN 1..8 LOOP
    SELECT count(*) INTO n FROM orders WHERE user_id = i;
    RAISE NOTICE '%: %', i, n;
  END LOOP;
  GET DIAGNOSTICS i = ROW_COUNT;
  RAISE NOTICE 'rows %', i;
END$$;
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
SELECT user_id, product(quantity) FROM orders WHERE quantity > 0 GROUP BY user_id;
SELECT product(quantity) FROM orders WHERE quantity > 0 AND user_id < 20;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
SELECT count(*) FROM users WHERE country OPERATOR(public.===) 'de';
CREATE FUNCTION fails(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF x = 4 THEN RAISE EXCEPTION 'four is bad' USING ERRCODE = 'ZX001', DETAIL = 'some detail', HINT = 'some hint'; END IF; RETURN x; END$$;
SELECT sum(fails(quantity)) FROM orders WHERE quantity < 4;
SELECT sum(fails(quantity)) FROM orders;
SELECT fails(quantity) FROM orders WHERE user_id = 5 AND quantity <> 4;
CREATE FUNCTION defaults(a int DEFAULT 2, b text DEFAULT 'x') RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT a || b $$;
CREATE FUNCTION many(VARIADIC c int[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$SELECT sum(x)::int FROM unnest(c) x $$;
SELECT defaults(b => 'y', a => quantity), defaults(quantity), many(1, quantity, 2), many(VARIADIC ARRAY[quantity]) FROM orders WHERE user_id = 5;
CREATE PROCEDURE count_into(INOUT n bigint) LANGUAGE plpgsql AS $$BEGIN SELECT count(*) + n INTO n FROM orders; END$$;
CALL count_into(1000);
CREATE FUNCTION from_pl(users) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN $1.user_id || coalesce($1.country, '-'); END$$;
SELECT from_pl(u) FROM users u WHERE u.user_id IN (4, 5);
SELECT from_pl(u.*), u.from_pl FROM users u WHERE active;
-- What PostgreSQL inlines: look-ups, joins and sub-queries inside.
CREATE FUNCTION joined(n int) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT u.nick || o.order_id FROM users u JOIN orders o ON o.order_id = u.user_id WHERE u.user_id < n';
CREATE FUNCTION greatest_of(n int) RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT (SELECT max(o.order_id) FROM orders o WHERE o.quantity = u.user_id) FROM users u WHERE u.user_id < n';
CREATE FUNCTION grouped(n int) RETURNS SETOF bigint LANGUAGE sql STABLE AS 'WITH w AS (SELECT status, count(*) AS c FROM orders GROUP BY status) SELECT w.c FROM w, events e WHERE e.event_id = w.c UNION ALL SELECT count(*) FROM users WHERE user_id < n';
SELECT * FROM joined(10);
SELECT * FROM greatest_of(10);
SELECT * FROM grouped(10);
SELECT u.user_id, g FROM users u, greatest_of(u.user_id::int) g WHERE u.user_id < 6;
SELECT c.code, g FROM countries c LEFT JOIN LATERAL greatest_of(length(c.name)) g ON true;
PREPARE inlined(int) AS SELECT count(*) FROM joined($1);
SET plan_cache_mode = force_generic_plan;
EXECUTE inlined(5);
EXECUTE inlined(9);
RESET plan_cache_mode;
DEALLOCATE inlined;
CREATE FUNCTION reached(n int) RETURNS SETOF bigint LANGUAGE sql STABLE AS 'WITH RECURSIVE w(n, i) AS (SELECT 1, n::bigint UNION SELECT w.n + 1, o.order_id FROM w JOIN orders o ON o.quantity = w.i WHERE w.n < 3) SELECT i FROM w';
SELECT * FROM reached(3);
SELECT u.user_id, r FROM users u, reached(u.user_id::int) r WHERE u.user_id < 4;
-- Functions in FROM that return an anonymous record, with values that are worked out here.
CREATE FUNCTION outs(n int, OUT x int, OUT y text) LANGUAGE plpgsql STABLE AS 'BEGIN x := n; y := ''q'' || n; END';
CREATE FUNCTION record_of(n int) RETURNS record LANGUAGE sql STABLE AS 'SELECT n, n + 1';
SELECT u.user_id, s.* FROM users u, json_to_record('{"a": 1}') AS s(a int) WHERE s.a = u.user_id;
SELECT u.user_id, s.* FROM users u JOIN jsonb_to_record(jsonb_build_object('a', length(current_user) - length(current_user) + 2)) AS s(a int) ON s.a = u.user_id;
SELECT u.user_id, s.* FROM users u, ROWS FROM (json_to_record('{"a": 1}') AS (a int), json_to_record('{"a": 2}') AS (a int)) AS s(p, q) WHERE s.p = u.user_id;
SELECT u.user_id, s.* FROM users u, outs(1) AS s WHERE s.x = u.user_id;
SELECT u.user_id, s.* FROM users u, record_of(1) AS s(a int, b int) WHERE s.a = u.user_id;
SELECT u.user_id, outs(1), (outs(2)).y FROM users u WHERE (outs(3)).x = u.user_id;
