-- Families of SELECT, each with its plan and its rows: joins, and what else stands in FROM.
\getenv root PG_ABS_SRCDIR
\i :root/sql/select_families.inc

-- === colocated tables, joined on the key ===
-- family: inner join
SELECT $$SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total > 84 ORDER BY o.id$$ AS q \gset
:family
-- family: inner join, of one key
SELECT $$SELECT c.name, o.id, i.line FROM customers c JOIN orders o ON o.customer_id = c.id
    JOIN items i ON (i.customer_id, i.order_id) = (o.customer_id, o.id) WHERE c.id = 7 AND o.id > 50 ORDER BY 2, 3$$ AS q \gset
:family
-- family: inner join, of some keys
SELECT $$SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id IN (7, 8) GROUP BY c.id ORDER BY c.id$$ AS q \gset
:family
-- family: inner join, of one key in a sub-query
SELECT $$SELECT c.name, o.id FROM (SELECT * FROM orders WHERE customer_id = 7) o JOIN customers c ON c.id = o.customer_id ORDER BY 2 LIMIT 1$$ AS q \gset
:family
-- family: inner join, of a parameter, generic plan
PREPARE bought(int) AS SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.customer_id = $1 GROUP BY c.id;
SET plan_cache_mode = force_generic_plan;
SELECT $$EXECUTE bought(7)$$ AS q \gset
:family
RESET plan_cache_mode;
-- family: two tables, each of a key of its own
SELECT $$SELECT c.name, o.id FROM customers c, orders o WHERE c.id = 7 AND o.customer_id = 8 AND o.id = 25$$ AS q \gset
:family
-- family: comma join
SELECT $$SELECT c.name, o.id FROM customers c, orders o WHERE c.id = o.customer_id AND o.id < 4 ORDER BY o.id$$ AS q \gset
:family
-- family: USING, NATURAL
SELECT $$SELECT customer_id, o.total, i.line FROM orders o JOIN items i USING (customer_id) WHERE o.id = 7 AND i.order_id = 7 ORDER BY line$$ AS q \gset
:family
SELECT $$SELECT j.customer_id, i.line FROM orders o JOIN items i USING (customer_id) AS j WHERE o.id = 7 AND i.order_id = 7 ORDER BY 2$$ AS q \gset
:family
SELECT $$SELECT customer_id, page, id FROM orders NATURAL JOIN visits WHERE id < 10 ORDER BY id$$ AS q \gset
:family
-- family: left join
SELECT $$SELECT c.id, o.id AS order FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > 80 WHERE c.id > 16 ORDER BY 1, 2$$ AS q \gset
:family
-- family: right join
SELECT $$SELECT c.id, v.page FROM visits v RIGHT JOIN customers c ON v.customer_id = c.id WHERE c.id BETWEEN 11 AND 14 ORDER BY 1$$ AS q \gset
:family
-- family: full join
SELECT $$SELECT c.id, v.page FROM visits v FULL JOIN customers c ON v.customer_id = c.id WHERE v.customer_id IS NULL AND (c.id IS NULL OR c.id > 18)
    ORDER BY 1, 2$$ AS q \gset
:family
-- family: semi join
SELECT $$SELECT id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.total > 84) ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE total > 84) ORDER BY id$$ AS q \gset
:family
-- family: anti join
SELECT $$SELECT id FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.customer_id IS NULL ORDER BY 1$$ AS q \gset
:family
-- family: self join on the key
SELECT $$SELECT a.id, b.id FROM orders a JOIN orders b ON b.customer_id = a.customer_id AND b.id = a.id + 36 WHERE a.id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: several joins, inner and outer, in parentheses
SELECT $$SELECT c.id, o.id AS order, i.line FROM customers c LEFT JOIN (orders o JOIN items i ON i.customer_id = o.customer_id AND i.order_id = o.id)
    ON o.customer_id = c.id AND o.id > 57 WHERE c.id IN (5, 6, 20) ORDER BY 1, 2, 3$$ AS q \gset
:family
-- family: join condition with more than the key
SELECT $$SELECT c.id, o.id FROM customers c JOIN orders o ON o.customer_id = c.id AND o.id < c.id ORDER BY 1, 2 LIMIT 3$$ AS q \gset
:family
-- family: sub-query in the join condition
SELECT $$SELECT c.id, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND EXISTS (SELECT FROM visits v
    WHERE v.customer_id = c.id AND v.page = 'page 0')
    WHERE c.id IN (8, 9) ORDER BY 1, 2 LIMIT 2$$ AS q \gset
:family
-- family: join with an aggregate of the same key
SELECT $$SELECT c.name, t.sum FROM customers c JOIN (SELECT customer_id, sum(total) FROM orders GROUP BY customer_id) t ON t.customer_id = c.id
    WHERE t.sum > 180 ORDER BY 1$$ AS q \gset
:family
-- family: whole rows of a join
SELECT $$SELECT o, v FROM orders o JOIN visits v USING (customer_id) WHERE o.id < 4 ORDER BY o.id$$ AS q \gset
:family

-- === reference tables, local tables, functions ===
-- family: join with a reference table
SELECT $$SELECT c.id, n.name FROM customers c JOIN countries n ON n.code = c.country WHERE c.id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: join with a reference table, off its key
SELECT $$SELECT c.id, n.code FROM customers c JOIN countries n ON n.currency = 'CHF' WHERE c.id < 3 ORDER BY 1$$ AS q \gset
:family
-- family: left join with a reference table
SELECT $$SELECT c.id, n.name FROM customers c LEFT JOIN countries n ON n.code = c.country WHERE c.id < 5 ORDER BY 1$$ AS q \gset
:family
-- family: left join, the reference table first
SELECT $$SELECT n.name, c.id FROM countries n LEFT JOIN customers c ON c.country = n.code AND c.id < 7 ORDER BY 1, 2$$ AS q \gset
:family
-- family: full join with a reference table
SELECT $$SELECT n.code, count(c.id) FROM countries n FULL JOIN customers c ON c.country = n.code GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: semi join with a reference table
SELECT $$SELECT id FROM customers WHERE country IN (SELECT code FROM countries WHERE name LIKE 'I%') AND id < 10 ORDER BY id$$ AS q \gset
:family
-- family: anti join with a reference table
SELECT $$SELECT id FROM customers c WHERE NOT EXISTS (SELECT FROM countries n WHERE n.code = c.country) AND id < 9 ORDER BY id$$ AS q \gset
:family
-- family: reference table, EXISTS over shards
SELECT $$SELECT code FROM countries n WHERE NOT EXISTS (SELECT FROM customers c WHERE c.country = n.code)$$ AS q \gset
:family
-- family: only reference tables
SELECT $$SELECT a.code, b.code FROM countries a JOIN countries b ON a.currency = b.currency AND a.code < b.code ORDER BY 1, 2$$ AS q \gset
:family
-- family: join with a local table on the key
SELECT $$SELECT c.name, u.code FROM customers c JOIN coupons u ON u.customer_id = c.id ORDER BY 1$$ AS q \gset
:family
-- family: join with a local table off the key
SELECT $$SELECT o.id, u.code FROM orders o JOIN coupons u ON u.product_id = o.product_id WHERE o.id < 20 ORDER BY 1$$ AS q \gset
:family
-- family: left join with a local table
SELECT $$SELECT c.name, u.code FROM customers c LEFT JOIN coupons u ON u.customer_id = c.id WHERE c.id IN (6, 7) ORDER BY 1$$ AS q \gset
:family
-- family: left join, the local table first
SELECT $$SELECT u.code, c.name FROM coupons u LEFT JOIN customers c ON u.customer_id = c.id ORDER BY 1$$ AS q \gset
:family
-- family: join with a table with one shard
SELECT $$SELECT n.name, r.rate FROM countries n JOIN rates r ON r.currency = n.currency ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT c.id, r.rate FROM customers c JOIN countries n ON n.code = c.country JOIN rates r ON r.currency = n.currency WHERE c.id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: VALUES
SELECT $$SELECT c.id, v.word FROM customers c JOIN (VALUES (7, 'seven'), (8, 'eight')) v (n, word) ON v.n = c.id ORDER BY 1$$ AS q \gset
:family
-- family: generate_series in FROM
SELECT $$SELECT n, c.name FROM generate_series(19, 22) n LEFT JOIN customers c ON c.id = n ORDER BY 1$$ AS q \gset
:family
-- family: unnest WITH ORDINALITY
SELECT $$SELECT c.id, t.* FROM customers c, unnest(c.tags) WITH ORDINALITY t (tag, no) WHERE c.id < 3 ORDER BY 1, 3$$ AS q \gset
:family
-- family: JSON record set
SELECT $$SELECT c.id, r.a FROM customers c JOIN json_to_recordset('[{"n":7,"a":"x"},{"n":8,"a":"y"}]') r (n int, a text) ON r.n = c.id ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT c.id, e.* FROM customers c, jsonb_each_text(c.info) e WHERE c.id = 7 ORDER BY 2$$ AS q \gset
:family
-- family: ROWS FROM
SELECT $$SELECT c.id, f.* FROM customers c, ROWS FROM (unnest(c.tags), generate_series(c.id, c.id + 1)) f (tag, n) WHERE c.id < 3 ORDER BY 1, 3$$ AS q \gset
:family
-- family: function of the user in FROM
CREATE FUNCTION next_two(n int) RETURNS SETOF int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN NEXT n + 1; RETURN NEXT n + 2; END';
SELECT $$SELECT c.id, n FROM customers c, next_two(c.id) n WHERE c.id < 3 ORDER BY 1, 2$$ AS q \gset
:family
-- family: function of the user that reads a distributed table
CREATE FUNCTION orders_of(c int) RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT * FROM orders WHERE customer_id = c';
SELECT $$SELECT id, total FROM orders_of(7) ORDER BY id LIMIT 2$$ AS q \gset
:family
SELECT $$SELECT c.id, o.id FROM customers c, orders_of(c.id) o WHERE c.id < 3 AND o.id < 20 ORDER BY 1, 2$$ AS q \gset
:family

-- === joins off the key ===
-- family: equi join, small and large
SELECT $$SELECT p.name, e.id FROM products p JOIN events e ON e.product_id = p.id WHERE p.price = 30 AND e.kind = 'view' ORDER BY 2$$ AS q \gset
:family
-- family: equi join, small and large, on the large one's key
SELECT $$SELECT u.code, e.kind FROM coupons u JOIN events e ON e.id = u.percent ORDER BY 1$$ AS q \gset
:family
-- family: equi join, large and large
SELECT $$SELECT count(*) FROM events a JOIN events b ON b.product_id = a.customer_id$$ AS q \gset
:family
-- family: equi join of colocated tables, off the key
SELECT $$SELECT count(*), sum(o.total) FROM orders o JOIN items i ON i.order_id = o.id AND i.line = 1$$ AS q \gset
:family
-- family: equi join of tables with different keys
SELECT $$SELECT o.id, p.name FROM orders o JOIN products p ON p.id = o.product_id WHERE o.id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: the same, of one key on one side
SELECT $$SELECT o.id, p.name FROM orders o JOIN products p ON p.id = o.product_id WHERE o.customer_id = 7 ORDER BY 1$$ AS q \gset
:family
-- family: the same, of one key on each side
SELECT $$SELECT o.id, p.name FROM orders o, products p WHERE o.customer_id = 7 AND o.id = 24 AND p.id = 4$$ AS q \gset
:family
-- family: colocated join and another table
SELECT $$SELECT c.name, p.name, i.quantity FROM customers c JOIN items i ON i.customer_id = c.id JOIN products p ON p.id = i.product_id
    WHERE i.order_id < 3 ORDER BY 1, 2$$ AS q \gset
:family
-- family: colocated join and another table, aggregated
SELECT $$SELECT p.name, sum(i.quantity) FROM orders o JOIN items i ON i.customer_id = o.customer_id AND i.order_id = o.id
    JOIN products p ON p.id = i.product_id WHERE o.status = 'open' AND p.price > 50 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: left join off the key
SELECT $$SELECT o.id, p.name FROM orders o LEFT JOIN products p ON p.id = o.product_id WHERE o.id BETWEEN 6 AND 9 ORDER BY 1$$ AS q \gset
:family
-- family: right join off the key
SELECT $$SELECT p.id, o.id FROM orders o RIGHT JOIN products p ON p.id = o.product_id AND o.id < 5 ORDER BY 1$$ AS q \gset
:family
-- family: full join off the key
SELECT $$SELECT coalesce(p.id, o.product_id) AS product, count(o.id), count(p.id) FROM orders o FULL JOIN products p ON p.id = o.product_id
    GROUP BY 1 ORDER BY 1 DESC LIMIT 3$$ AS q \gset
:family
-- family: semi join off the key
SELECT $$SELECT name FROM products p WHERE EXISTS (SELECT FROM orders o WHERE o.product_id = p.id AND o.total > 84) ORDER BY 1$$ AS q \gset
:family
-- family: semi join off the key, small and large
SELECT $$SELECT count(*) FROM events WHERE product_id IN (SELECT id FROM products WHERE price < 20)$$ AS q \gset
:family
-- family: anti join off the key
SELECT $$SELECT DISTINCT product_id FROM orders o WHERE NOT EXISTS (SELECT FROM products p WHERE p.id = o.product_id) ORDER BY 1$$ AS q \gset
:family
-- family: self join off the key
SELECT $$SELECT p.name, w.name AS part_of FROM products p JOIN products w ON w.id = p.part_of ORDER BY 1 LIMIT 3$$ AS q \gset
:family
-- family: non-equi join
SELECT $$SELECT p.id, count(*) FROM products p JOIN orders o ON o.total > p.price WHERE p.id > 5 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: non-equi left join
SELECT $$SELECT p.id, q.id FROM products p LEFT JOIN products q ON q.price > p.price AND q.price < p.price + 15 WHERE p.id > 5 ORDER BY 1$$ AS q \gset
:family
-- family: OR in the join condition
SELECT $$SELECT p.id, u.code FROM products p JOIN coupons u ON u.product_id = p.id OR u.percent = p.price ORDER BY 1, 2$$ AS q \gset
:family
-- family: cross join
SELECT $$SELECT count(*), sum(p.price) FROM products p CROSS JOIN orders o$$ AS q \gset
:family
-- family: cross join with one row
SELECT $$SELECT o.id, o.total / t.sum < 0.02 AS small FROM orders o CROSS JOIN (SELECT sum(total) FROM orders) t WHERE o.id > 58 OR o.id = 5 ORDER BY 1$$ AS q \gset
:family
-- family: join by a function of the user
CREATE FUNCTION half(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 / 2; END';
SELECT $$SELECT c.id, o.id FROM customers c JOIN orders o ON o.customer_id = half(c.id) WHERE c.id = 3 ORDER BY 2$$ AS q \gset
:family
-- family: chain of small sides
SELECT $$SELECT count(*) FROM coupons u JOIN products p ON p.id = u.product_id JOIN events e ON e.product_id = p.id WHERE u.code = 'ten'$$ AS q \gset
:family
-- family: small side used wherever that is possible
SET shardext.always_ship = on;
SELECT $$SELECT o.id, p.name FROM orders o JOIN products p ON p.id = o.product_id WHERE p.price = 10 AND o.id < 20 ORDER BY 1$$ AS q \gset
:family
RESET shardext.always_ship;
-- family: small sides in staging tables
SET shardext.max_shipped_rows = 0;
SET shardext.always_ship = on;
SELECT $$SELECT count(*) FROM products p JOIN events e ON e.product_id = p.id WHERE p.price = 30$$ AS q \gset
:family
-- family: a side that is joined on the distribution column, in staging tables
SELECT $$SELECT e.kind, count(*), max(u.code) FROM events e LEFT JOIN coupons u ON e.id = u.percent AND u.code <> 'ten' GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
RESET shardext.always_ship;
RESET shardext.max_shipped_rows;

-- === LATERAL ===
-- family: lateral, on the key
SELECT $$SELECT c.id, o.id FROM customers c, LATERAL (SELECT id FROM orders o WHERE o.customer_id = c.id AND o.total > 84) o ORDER BY 1$$ AS q \gset
:family
-- family: lateral, on the key, with LIMIT
SELECT $$SELECT c.id, o.id FROM customers c, LATERAL (SELECT id FROM orders o WHERE o.customer_id = c.id ORDER BY id DESC LIMIT 1) o
    WHERE c.id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: lateral, on the key, with an aggregate
SELECT $$SELECT c.id, o.* FROM customers c LEFT JOIN LATERAL (SELECT count(*), max(total) FROM orders o WHERE o.customer_id = c.id) o ON true
    WHERE c.id > 17 ORDER BY 1$$ AS q \gset
:family
-- family: lateral, off the key
SELECT $$SELECT p.id, o.id FROM products p, LATERAL (SELECT id FROM orders o WHERE o.product_id = p.id AND o.total > 84) o ORDER BY 1$$ AS q \gset
:family
-- family: lateral, off the key, with LIMIT
SELECT $$SELECT p.id, o.id FROM products p, LATERAL (SELECT id FROM orders o WHERE o.product_id = p.id ORDER BY id DESC LIMIT 1) o
    WHERE p.id < 3 ORDER BY 1$$ AS q \gset
:family
-- family: lateral, off the key, with an aggregate
SELECT $$SELECT p.id, o.* FROM products p LEFT JOIN LATERAL (SELECT count(*), max(total) FROM orders o WHERE o.product_id = p.id) o ON true
    WHERE p.id > 5 ORDER BY 1$$ AS q \gset
:family
-- family: lateral, from a local table
SELECT $$SELECT u.code, o.id FROM coupons u, LATERAL (SELECT id FROM orders o WHERE o.customer_id = u.customer_id ORDER BY id LIMIT 1) o ORDER BY 1$$ AS q \gset
:family
-- family: lateral, without tables
SELECT $$SELECT c.id, l.twice FROM customers c, LATERAL (SELECT c.id * 2 AS twice) l WHERE c.id < 3 ORDER BY 1$$ AS q \gset
:family

-- === sub-queries in FROM ===
-- family: sub-query in FROM
SELECT $$SELECT id FROM (SELECT id, name FROM customers WHERE country = 'IT') c WHERE id < 10 ORDER BY id$$ AS q \gset
:family
-- family: sub-query with LIMIT
SELECT $$SELECT sum(total) FROM (SELECT total FROM orders ORDER BY id LIMIT 5) o$$ AS q \gset
:family
-- family: join with a sub-query with LIMIT
SELECT $$SELECT c.name, o.id FROM customers c JOIN (SELECT customer_id, id FROM orders ORDER BY id LIMIT 2) o ON o.customer_id = c.id ORDER BY 1$$ AS q \gset
:family
-- family: sub-query with DISTINCT ON
SELECT $$SELECT c.name, o.id FROM customers c JOIN (SELECT DISTINCT ON (customer_id) customer_id, id FROM orders ORDER BY customer_id, id DESC) o
    ON o.customer_id = c.id WHERE c.id < 3 ORDER BY 2$$ AS q \gset
:family
-- family: sub-query with a grouping off the key
SELECT $$SELECT max(sum) FROM (SELECT status, sum(total) FROM orders GROUP BY status) s$$ AS q \gset
:family
-- family: sub-query of one shard, joined off the key
SELECT $$SELECT p.name, o.n FROM (SELECT product_id, count(*) AS n FROM orders WHERE customer_id = 7 GROUP BY 1) o JOIN products p ON p.id = o.product_id
    ORDER BY 1$$ AS q \gset
:family

SET client_min_messages = warning;
DROP SCHEMA families CASCADE;
