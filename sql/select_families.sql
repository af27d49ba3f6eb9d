-- Families of SELECT, each with its plan and its rows: one table.
-- (The others: select_families_joins, select_families_subqueries, select_families_groups, select_families_objects.)
\getenv root PG_ABS_SRCDIR
\i :root/sql/select_families.inc

-- === which shards: conditions on the key ===
-- family: point by key
SELECT $$SELECT name FROM customers WHERE id = 7$$ AS q \gset
:family
-- family: point by key, a constant expression
SELECT $$SELECT name FROM customers WHERE 3 + 4 = id$$ AS q \gset
:family
-- family: point by key, a value of another type
SELECT $$SELECT name FROM customers WHERE id = 7::bigint$$ AS q \gset
:family
-- family: point by key, the key under a cast
SELECT $$SELECT name FROM customers WHERE id::text = '7'$$ AS q \gset
:family
-- family: point by key, a stable function
SELECT $$SELECT name FROM customers WHERE id = to_number('7', '9')::int$$ AS q \gset
:family
-- family: point by key, a volatile function
SELECT $$SELECT name FROM customers WHERE id = 7 + floor(random())::int$$ AS q \gset
:family
-- family: point by key, text
SELECT $$SELECT rate FROM rates WHERE currency = 'USD'$$ AS q \gset
:family
-- family: part of a longer primary key
SELECT $$SELECT total FROM orders WHERE customer_id = 7 AND id = 24$$ AS q \gset
:family
-- family: row comparison, =
SELECT $$SELECT total FROM orders WHERE (customer_id, id) = (7, 24)$$ AS q \gset
:family
-- family: row comparison, IN
SELECT $$SELECT total FROM orders WHERE (customer_id, id) IN ((7, 24), (8, 25), (8, 26)) ORDER BY id$$ AS q \gset
:family
-- family: row comparison, <
SELECT $$SELECT customer_id, id FROM orders WHERE (customer_id, id) < (1, 40) ORDER BY id$$ AS q \gset
:family
-- family: IN list of keys
SELECT $$SELECT id, name FROM customers WHERE id IN (7, 8) ORDER BY id$$ AS q \gset
:family
-- family: IN list of one key
SELECT $$SELECT id, name FROM customers WHERE id IN (7)$$ AS q \gset
:family
-- family: key = ANY (array)
SELECT $$SELECT id, name FROM customers WHERE id = ANY ('{7,8,NULL}'::int[]) ORDER BY id$$ AS q \gset
:family
-- family: OR of keys
SELECT $$SELECT id, name FROM customers WHERE id = 7 OR id = 8 ORDER BY id$$ AS q \gset
:family
-- family: OR of a key and another column
SELECT $$SELECT id, name FROM customers WHERE id = 7 OR name = 'customer 8' ORDER BY id$$ AS q \gset
:family
-- family: OR, the same key in every arm
SELECT $$SELECT id FROM orders WHERE customer_id = 7 AND id < 10 OR customer_id = 7 AND id > 50 ORDER BY id$$ AS q \gset
:family
-- family: range of keys
SELECT $$SELECT id, name FROM customers WHERE id BETWEEN 7 AND 8 ORDER BY id$$ AS q \gset
:family
-- family: key IS NULL
SELECT $$SELECT page FROM visits WHERE customer_id IS NULL ORDER BY page$$ AS q \gset
:family
-- family: key IS NOT DISTINCT FROM
SELECT $$SELECT page FROM visits WHERE customer_id IS NOT DISTINCT FROM 7$$ AS q \gset
:family
-- family: NOT IN, <>
SELECT $$SELECT id FROM customers WHERE id NOT IN (1, 2, 3, 4) AND id < 7 AND id <> 5$$ AS q \gset
:family
-- family: keys that contradict each other
SELECT $$SELECT id FROM customers WHERE id = 7 AND id = 8$$ AS q \gset
:family
-- family: WHERE false
SELECT $$SELECT id FROM customers WHERE false$$ AS q \gset
:family
-- family: key of two kinds at once
SELECT $$SELECT id FROM customers WHERE id IN (6, 7, 8) AND id = ANY ('{7,9}')$$ AS q \gset
:family
-- family: key = sub-query
SELECT $$SELECT name FROM customers WHERE id = (SELECT customer_id FROM coupons WHERE code = 'twenty')$$ AS q \gset
:family
-- family: key = sub-query over shards
SELECT $$SELECT name FROM customers WHERE id = (SELECT max(customer_id) FROM orders WHERE status = 'open')$$ AS q \gset
:family
-- family: key IN (sub-query)
SELECT $$SELECT name FROM customers WHERE id IN (SELECT customer_id FROM coupons) ORDER BY id$$ AS q \gset
:family
-- family: key = ANY (ARRAY (sub-query))
SELECT $$SELECT name FROM customers WHERE id = ANY (ARRAY (SELECT customer_id FROM coupons)) ORDER BY id$$ AS q \gset
:family
-- family: a table with one shard
SELECT $$SELECT currency, rate FROM rates WHERE rate < 1.1 ORDER BY currency$$ AS q \gset
:family
-- family: a reference table
SELECT $$SELECT name FROM countries WHERE code = 'DE'$$ AS q \gset
:family
-- family: a table that is not distributed
SELECT $$SELECT code FROM coupons WHERE percent < 20$$ AS q \gset
:family

-- === parameters ===
-- family: parameter, custom plan
PREPARE by_key(int) AS SELECT name FROM customers WHERE id = $1;
SELECT $$EXECUTE by_key(7)$$ AS q \gset
:family
-- family: parameter, generic plan
SET plan_cache_mode = force_generic_plan;
:family
EXECUTE by_key(8);
EXECUTE by_key(NULL);
-- family: parameter that may be NULL for all, generic plan
PREPARE by_key_or_all(int) AS SELECT count(*) FROM customers WHERE $1 IS NULL OR id = $1;
SELECT $$EXECUTE by_key_or_all(NULL)$$ AS q \gset
:family
-- family: parameters in an IN list, generic plan
PREPARE by_keys(int, int) AS SELECT id, name FROM customers WHERE id IN ($1, $2) ORDER BY id;
SELECT $$EXECUTE by_keys(7, 8)$$ AS q \gset
:family
-- family: array parameter, generic plan
PREPARE by_array(int[]) AS SELECT id, name FROM customers WHERE id = ANY ($1) ORDER BY id;
SELECT $$EXECUTE by_array('{7,8}')$$ AS q \gset
:family
-- family: parameters in LIMIT and in conditions, generic plan
PREPARE by_total(numeric, int) AS SELECT id, total FROM orders WHERE total > $1 ORDER BY total LIMIT $2;
SELECT $$EXECUTE by_total(50, 2)$$ AS q \gset
:family
RESET plan_cache_mode;

-- === other conditions ===
-- family: condition on another column
SELECT $$SELECT id FROM customers WHERE name = 'customer 7'$$ AS q \gset
:family
-- family: LIKE, regular expression, arrays, ranges, JSON
SELECT $$SELECT id FROM customers WHERE name LIKE 'cust%7' AND name ~ ' \d$' AND tags @> '{a1}'
    AND valid @> date '2024-01-05' AND info @> '{"vip": true}'$$ AS q \gset
:family
-- family: text search
SELECT $$SELECT id FROM products WHERE to_tsvector('english', name) @@ to_tsquery('english', 'products & 7')$$ AS q \gset
:family
-- family: enum, composite, domain
SELECT $$SELECT i.line FROM items i WHERE i.price = 8::amount AND i.order_id = 7$$ AS q \gset
:family
SELECT $$SELECT id FROM customers WHERE grade > 'low' AND (home).city = 'city 1' AND id < 6 ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT id FROM customers WHERE home = ROW('street 7', 'city 1')::address$$ AS q \gset
:family
-- family: a setting of the session
SET DateStyle = 'German';
SELECT $$SELECT id FROM orders WHERE placed::text = '08.01.2024'$$ AS q \gset
:family
RESET DateStyle;
-- family: now(), current_user
SELECT $$SELECT id FROM orders WHERE placed < now() AND current_user = session_user AND id = 7$$ AS q \gset
:family
-- family: time zone
SET TimeZone = 'Asia/Tokyo';
SELECT $$SELECT id FROM events WHERE at::timestamptz = '2024-01-01 10:00:00+00'$$ AS q \gset
:family
RESET TimeZone;
-- family: volatile function
SELECT $$SELECT id FROM customers WHERE random() < 2 AND name = 'customer 7'$$ AS q \gset
:family
-- family: function of the user
CREATE FUNCTION vip(info jsonb) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (info->>''vip'')::bool; END';
SELECT $$SELECT id FROM customers WHERE vip(info) AND grade = 'middle'$$ AS q \gset
:family
-- family: function of the user, in SQL
CREATE FUNCTION score(info jsonb) RETURNS int LANGUAGE sql IMMUTABLE AS $f$SELECT (info->>'score')::int$f$;
SELECT $$SELECT id FROM customers WHERE score(info) = 7$$ AS q \gset
:family
-- family: function of the user, without columns
CREATE FUNCTION chosen() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 7; END';
SELECT $$SELECT name FROM customers WHERE id = chosen()$$ AS q \gset
:family
-- family: operator of the user
CREATE FUNCTION near(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN abs($1 - $2) <= 1; END';
CREATE OPERATOR ~~~ (FUNCTION = near, LEFTARG = int, RIGHTARG = int);
SELECT $$SELECT id FROM customers WHERE id ~~~ 7 ORDER BY id$$ AS q \gset
:family

-- === what comes out ===
-- family: expressions
SELECT $$SELECT upper(name) || '!' AS name, CASE WHEN country IN ('DE', 'FR') THEN 'EUR' ELSE coalesce(country, '-') END AS place, grade,
    (home).city, tags[1], upper(valid) - lower(valid) AS days, info->'score' AS score FROM customers WHERE id < 4 ORDER BY id$$ AS q \gset
:family
-- family: constants only, no columns
SELECT $$SELECT 1 AS one, now() > '2024-01-01' AS later FROM customers WHERE id IN (7, 8)$$ AS q \gset
:family
SELECT $$SELECT count(*) FROM (SELECT FROM customers WHERE id IN (7, 8)) c$$ AS q \gset
:family
-- family: whole row
SELECT $$SELECT p AS row, to_jsonb(p) AS json, (p).name FROM products p WHERE id < 2 ORDER BY id$$ AS q \gset
:family
-- family: system columns
SELECT $$SELECT tableoid::regclass, id, ctid IS NOT NULL AS ctid, xmin IS NOT NULL AS xmin FROM customers WHERE id < 3 ORDER BY id$$ AS q \gset
:family
-- family: volatile function in the target list
CREATE SEQUENCE numbers;
SELECT $$SELECT nextval('numbers') AS number, id FROM (SELECT id FROM customers WHERE id < 4 ORDER BY id) c$$ AS q \gset
:family
-- family: function of the user in the target list
SELECT $$SELECT id, vip(info) FROM customers WHERE id IN (6, 7) ORDER BY id$$ AS q \gset
:family
-- family: set returning function in the target list
SELECT $$SELECT id, unnest(tags) AS tag FROM customers WHERE id < 3 ORDER BY id, tag$$ AS q \gset
:family
-- family: several set returning functions
SELECT $$SELECT id, generate_series(1, id) AS n, jsonb_object_keys(info) AS key FROM customers WHERE id = 3$$ AS q \gset
:family
SELECT $$SELECT id, generate_series(1, id) AS n, unnest(tags) AS tag FROM customers WHERE id < 3 ORDER BY id, n, tag$$ AS q \gset
:family
-- family: set returning function with LIMIT
SELECT $$SELECT id, generate_series(1, id) AS n FROM customers ORDER BY id DESC, n LIMIT 3$$ AS q \gset
:family
-- family: TABLE, ONLY
SELECT $$TABLE rates ORDER BY currency$$ AS q \gset
:family
SELECT $$SELECT name FROM ONLY products WHERE price = 70$$ AS q \gset
:family
-- family: TABLESAMPLE
SELECT $$SELECT count(*) FROM orders TABLESAMPLE BERNOULLI (100) REPEATABLE (1)$$ AS q \gset
:family
SELECT $$SELECT id FROM orders TABLESAMPLE SYSTEM (100) WHERE customer_id = 7 ORDER BY id$$ AS q \gset
:family

-- === order, LIMIT ===
-- family: ORDER BY
SELECT $$SELECT id, name FROM products WHERE price > 40 ORDER BY name DESC$$ AS q \gset
:family
-- family: ORDER BY the key
SELECT $$SELECT id FROM customers WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: ORDER BY, of one shard
SELECT $$SELECT id FROM orders WHERE customer_id = 7 ORDER BY total DESC$$ AS q \gset
:family
-- family: ORDER BY and LIMIT
SELECT $$SELECT id, total FROM orders ORDER BY total DESC, id LIMIT 3$$ AS q \gset
:family
-- family: LIMIT and OFFSET
SELECT $$SELECT id, name FROM customers ORDER BY id LIMIT 2 OFFSET 3$$ AS q \gset
:family
-- family: OFFSET alone
SELECT $$SELECT id, name FROM customers ORDER BY id OFFSET 18$$ AS q \gset
:family
-- family: WITH TIES
SELECT $$SELECT status FROM orders WHERE id < 9 ORDER BY status FETCH FIRST 1 ROW WITH TIES$$ AS q \gset
:family
-- family: LIMIT from a sub-query
SELECT $$SELECT id FROM customers ORDER BY id DESC LIMIT (SELECT count(*) FROM rates)$$ AS q \gset
:family
-- family: LIMIT 0, LIMIT ALL
SELECT $$SELECT id FROM customers LIMIT 0$$ AS q \gset
:family
SELECT $$SELECT id FROM customers WHERE id > 18 ORDER BY id LIMIT ALL$$ AS q \gset
:family
-- family: LIMIT without an order
SELECT $$SELECT count(*) FROM (SELECT id FROM orders LIMIT 7) o$$ AS q \gset
:family
-- family: ORDER BY an expression
SELECT $$SELECT id FROM customers ORDER BY id % 7 DESC, -id LIMIT 3$$ AS q \gset
:family
-- family: ORDER BY what does not come out
SELECT $$SELECT id FROM orders WHERE total > 80 ORDER BY status, total DESC$$ AS q \gset
:family
-- family: ORDER BY NULLS FIRST
SELECT $$SELECT id, total FROM orders ORDER BY total NULLS FIRST, id LIMIT 4$$ AS q \gset
:family
-- family: ORDER BY COLLATE
SELECT $$SELECT name FROM customers WHERE id > 17 ORDER BY name COLLATE "POSIX"$$ AS q \gset
:family
-- family: ORDER BY USING
SELECT $$SELECT id FROM customers WHERE id > 17 ORDER BY id USING >$$ AS q \gset
:family
-- family: ORDER BY an enum, a composite value
SELECT $$SELECT id, grade, home FROM customers WHERE id > 16 ORDER BY grade, home$$ AS q \gset
:family
-- family: ORDER BY a function of the user
SELECT $$SELECT id FROM customers WHERE id > 12 ORDER BY vip(info) DESC, id LIMIT 2$$ AS q \gset
:family
-- family: ORDER BY a sub-query
SELECT $$SELECT id FROM products p ORDER BY (SELECT sum(percent) FROM coupons WHERE product_id = p.id) NULLS LAST, id LIMIT 3$$ AS q \gset
:family

SET client_min_messages = warning;
DROP SCHEMA families CASCADE;
