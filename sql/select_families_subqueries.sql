-- Families of SELECT, each with its plan and its rows: sub-queries, set operations, WITH.
\getenv root PG_ABS_SRCDIR
\i :root/sql/select_families.inc

-- === scalar sub-queries ===
-- family: in the target list, on the key
SELECT $$SELECT id, (SELECT count(*) FROM orders WHERE customer_id = c.id) AS n FROM customers c WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: in the target list, off the key
SELECT $$SELECT id, (SELECT max(total) FROM orders WHERE product_id = p.id) AS max FROM products p WHERE id > 5 ORDER BY id$$ AS q \gset
:family
-- family: in the target list, large and large
SELECT $$SELECT id, (SELECT count(*) FROM events e WHERE e.product_id = c.id) AS n FROM customers c WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: in the target list, of a reference table
SELECT $$SELECT id, (SELECT name FROM countries WHERE code = c.country) AS country FROM customers c WHERE id < 4 ORDER BY id$$ AS q \gset
:family
-- family: in the target list, of a local table
SELECT $$SELECT id, (SELECT code FROM coupons WHERE customer_id = c.id) AS coupon FROM customers c WHERE id IN (6, 7) ORDER BY id$$ AS q \gset
:family
-- family: in the target list, uncorrelated
SELECT $$SELECT id, total, (SELECT max(total) FROM orders) AS max FROM orders WHERE customer_id = 7 ORDER BY id$$ AS q \gset
:family
-- family: without FROM
SELECT $$SELECT (SELECT count(*) FROM customers) AS customers, (SELECT max(total) FROM orders WHERE customer_id = 7) AS max$$ AS q \gset
:family
-- family: a whole row
SELECT $$SELECT id, (SELECT p FROM products p WHERE p.id = o.product_id) AS product FROM orders o WHERE id < 3 ORDER BY id$$ AS q \gset
:family
-- family: in WHERE, uncorrelated
SELECT $$SELECT id FROM orders WHERE total = (SELECT max(total) FROM orders)$$ AS q \gset
:family
-- family: in WHERE, on the key
SELECT $$SELECT customer_id, id FROM orders o WHERE total > 1.9 * (SELECT avg(total) FROM orders WHERE customer_id = o.customer_id) ORDER BY 1$$ AS q \gset
:family
-- family: in WHERE, off the key
SELECT $$SELECT id FROM orders o WHERE total > 1.8 * (SELECT avg(total) FROM orders WHERE product_id = o.product_id) ORDER BY id$$ AS q \gset
:family
-- family: in HAVING
SELECT $$SELECT status FROM orders GROUP BY status HAVING sum(total) > (SELECT sum(total) / 3 FROM orders) ORDER BY 1$$ AS q \gset
:family
-- family: in GROUP BY
SELECT $$SELECT (SELECT currency FROM countries WHERE code = c.country) AS currency, count(*) FROM customers c GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: in ORDER BY
SELECT $$SELECT id FROM customers c ORDER BY (SELECT count(*) FROM orders WHERE customer_id = c.id), id LIMIT 3$$ AS q \gset
:family
-- family: in CASE, in a function, in an aggregate
SELECT $$SELECT id, CASE WHEN id > 18 THEN (SELECT min(price) FROM products WHERE id > 5) ELSE coalesce((SELECT sum(percent) FROM coupons), 0) END AS n
    FROM customers WHERE id > 17 ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT sum((SELECT rate FROM rates WHERE currency = 'USD') * total) FROM orders WHERE status = 'open'$$ AS q \gset
:family
-- family: several rows of columns
SELECT $$SELECT id FROM orders WHERE (customer_id, total) = (SELECT customer_id, max(total) FROM orders WHERE customer_id = 7 GROUP BY 1)$$ AS q \gset
:family

-- === EXISTS, IN, ANY, ALL, ARRAY ===
-- family: EXISTS, uncorrelated
SELECT $$SELECT id FROM customers WHERE EXISTS (SELECT FROM orders WHERE total > 88) AND id < 3 ORDER BY id$$ AS q \gset
:family
-- family: EXISTS in the target list
SELECT $$SELECT id, EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) AS buys FROM customers c WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: EXISTS under OR
SELECT $$SELECT id FROM customers c WHERE id = 1 OR EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.total > 87) ORDER BY id$$ AS q \gset
:family
-- family: EXISTS over several levels, the outermost key inside
SELECT $$SELECT id FROM customers c WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND EXISTS
    (SELECT FROM items i WHERE i.customer_id = c.id AND i.order_id = o.id AND i.price > 60)) ORDER BY id$$ AS q \gset
:family
-- family: outer levels skipped, off the key
SELECT $$SELECT id FROM products p WHERE EXISTS (SELECT FROM orders o WHERE o.total > 80 AND EXISTS
    (SELECT FROM items i WHERE i.order_id = o.id AND i.product_id = p.id)) AND id < 3 ORDER BY id$$ AS q \gset
:family
-- family: IN, off the key
SELECT $$SELECT id FROM products WHERE id IN (SELECT product_id FROM items WHERE price > 60) ORDER BY id$$ AS q \gset
:family
-- family: IN, expressions
SELECT $$SELECT id FROM products WHERE id + 1 IN (SELECT product_id FROM orders WHERE total > 84) ORDER BY id$$ AS q \gset
:family
-- family: IN, rows
SELECT $$SELECT id FROM orders WHERE (customer_id, id) IN (SELECT customer_id, order_id FROM items WHERE price > 60) ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT id FROM orders WHERE (product_id, id) IN (SELECT product_id - 1, order_id FROM items WHERE price > 60) ORDER BY id$$ AS q \gset
:family
-- family: IN with LIMIT
SELECT $$SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders ORDER BY total DESC NULLS LAST LIMIT 2) ORDER BY name$$ AS q \gset
:family
-- family: NOT IN, on the key
SELECT $$SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders) ORDER BY id$$ AS q \gset
:family
-- family: NOT IN, off the key, with NULL
SELECT $$SELECT id FROM products WHERE id NOT IN (SELECT product_id FROM orders WHERE id > 3 AND product_id < 7) ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM visits)$$ AS q \gset
:family
-- family: ANY, ALL
SELECT $$SELECT id FROM products WHERE price > ALL (SELECT total FROM orders WHERE total < 65)$$ AS q \gset
:family
SELECT $$SELECT id FROM products WHERE price < ANY (SELECT total FROM orders WHERE total < 12) ORDER BY id$$ AS q \gset
:family
SELECT $$SELECT id FROM orders o WHERE total >= ALL (SELECT total FROM orders WHERE customer_id = o.customer_id) AND id > 56 ORDER BY id$$ AS q \gset
:family
-- family: ARRAY, on the key
SELECT $$SELECT id, ARRAY (SELECT id FROM orders WHERE customer_id = c.id ORDER BY id) AS orders FROM customers c WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: ARRAY, off the key
SELECT $$SELECT id, ARRAY (SELECT id FROM orders WHERE product_id = p.id ORDER BY id) AS orders FROM products p WHERE id > 5 ORDER BY id$$ AS q \gset
:family
-- family: local table, sub-query over shards
SELECT $$SELECT code FROM coupons u WHERE EXISTS (SELECT FROM orders o WHERE o.customer_id = u.customer_id AND o.product_id = u.product_id) ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT code, (SELECT name FROM customers WHERE id = u.customer_id) FROM coupons u ORDER BY 1$$ AS q \gset
:family
-- family: all of one shard
SELECT $$SELECT id, (SELECT count(*) FROM items i WHERE i.customer_id = 7 AND i.order_id = o.id) AS n FROM orders o
    WHERE customer_id = 7 AND EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id) ORDER BY id LIMIT 2$$ AS q \gset
:family

-- === set operations ===
-- family: UNION ALL, by key
SELECT $$SELECT id FROM customers UNION ALL SELECT customer_id FROM visits WHERE customer_id > 10 ORDER BY 1 DESC LIMIT 3$$ AS q \gset
:family
-- family: UNION ALL, not in order
SELECT $$SELECT count(*), sum(n) FROM (SELECT id AS n FROM customers UNION ALL SELECT customer_id FROM orders) u$$ AS q \gset
:family
-- family: UNION ALL, other tables
SELECT $$SELECT name FROM customers WHERE id = 7 UNION ALL SELECT name FROM products WHERE id = 7 UNION ALL SELECT code FROM coupons WHERE percent = 10
    ORDER BY 1$$ AS q \gset
:family
-- family: UNION, by key
SELECT $$SELECT id FROM customers WHERE id > 15 UNION SELECT customer_id FROM orders WHERE customer_id > 15 ORDER BY 1$$ AS q \gset
:family
-- family: UNION, other columns
SELECT $$SELECT status FROM orders UNION SELECT kind FROM events UNION SELECT code FROM countries WHERE code = 'DE' ORDER BY 1$$ AS q \gset
:family
-- family: UNION, of one shard
SELECT $$SELECT id FROM orders WHERE customer_id = 7 UNION SELECT order_id FROM items WHERE customer_id = 7 ORDER BY 1$$ AS q \gset
:family
-- family: INTERSECT, by key
SELECT $$SELECT id FROM customers WHERE id > 16 INTERSECT SELECT customer_id FROM orders ORDER BY 1$$ AS q \gset
:family
-- family: INTERSECT, other columns
SELECT $$SELECT product_id FROM orders INTERSECT SELECT id FROM products WHERE id > 5 ORDER BY 1$$ AS q \gset
:family
-- family: EXCEPT, by key
SELECT $$SELECT id FROM customers EXCEPT SELECT customer_id FROM orders ORDER BY 1$$ AS q \gset
:family
-- family: EXCEPT, other columns
SELECT $$SELECT product_id FROM orders EXCEPT SELECT id FROM products ORDER BY 1$$ AS q \gset
:family
-- family: INTERSECT ALL, EXCEPT ALL
SELECT $$SELECT customer_id FROM orders WHERE customer_id < 3 INTERSECT ALL SELECT customer_id FROM items WHERE line = 1 AND order_id < 20 ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT customer_id FROM orders WHERE customer_id > 15 EXCEPT ALL SELECT id FROM customers ORDER BY 1$$ AS q \gset
:family
-- family: nested set operations
SELECT $$(SELECT id FROM customers EXCEPT SELECT customer_id FROM orders) UNION ALL (SELECT id FROM products ORDER BY id DESC LIMIT 1) ORDER BY 1$$ AS q \gset
:family
-- family: set operation in FROM, joined on the key
SELECT $$SELECT c.name, u.what FROM customers c JOIN (SELECT customer_id, 'order' AS what FROM orders WHERE total > 87 UNION ALL
    SELECT customer_id, 'visit' FROM visits WHERE customer_id > 11) u ON u.customer_id = c.id ORDER BY 1$$ AS q \gset
:family
-- family: set operation in FROM, with a condition on the key
SELECT $$SELECT * FROM (SELECT customer_id, id FROM orders UNION ALL SELECT customer_id, order_id FROM items) u
    WHERE customer_id = 7 AND id > 50 ORDER BY 2$$ AS q \gset
:family

-- === WITH ===
-- family: WITH, inlined
SELECT $$WITH big AS (SELECT * FROM orders WHERE total > 84) SELECT c.name, big.id FROM customers c JOIN big ON big.customer_id = c.id ORDER BY 2$$ AS q \gset
:family
-- family: WITH, MATERIALIZED
SELECT $$WITH big AS MATERIALIZED (SELECT * FROM orders WHERE total > 84) SELECT c.name, big.id FROM customers c JOIN big ON big.customer_id = c.id
    ORDER BY 2$$ AS q \gset
:family
-- family: WITH, NOT MATERIALIZED
SELECT $$WITH o AS NOT MATERIALIZED (SELECT * FROM orders) SELECT count(*) FROM o a JOIN o b ON b.customer_id = a.customer_id AND b.id > a.id$$ AS q \gset
:family
-- family: WITH, read twice
SELECT $$WITH s AS (SELECT status, sum(total) FROM orders GROUP BY status) SELECT status FROM s WHERE sum = (SELECT max(sum) FROM s)$$ AS q \gset
:family
-- family: WITH, of one shard
SELECT $$WITH o AS (SELECT id, total FROM orders WHERE customer_id = 7) SELECT count(*), (SELECT max(total) FROM o) AS max FROM o$$ AS q \gset
:family
-- family: WITH, of one key outside
SELECT $$WITH o AS (SELECT customer_id, id FROM orders) SELECT id FROM o WHERE customer_id = 7 ORDER BY id$$ AS q \gset
:family
-- family: WITH, nested
SELECT $$WITH a AS (WITH b AS (SELECT customer_id, sum(total) FROM orders GROUP BY 1) SELECT * FROM b WHERE sum > 170),
    n AS (SELECT a.sum, c.name FROM a JOIN customers c ON c.id = a.customer_id) SELECT name, sum FROM n ORDER BY 1$$ AS q \gset
:family
-- family: WITH, not read
SELECT $$WITH unused AS (SELECT * FROM events) SELECT count(*) FROM customers$$ AS q \gset
:family
-- family: WITH in a sub-query, seen from further in
SELECT $$SELECT id FROM customers c WHERE (WITH o AS (SELECT * FROM orders WHERE customer_id = c.id) SELECT count(*) FROM o
    WHERE total > 70) > 0 ORDER BY id LIMIT 3$$ AS q \gset
:family
-- family: recursive, without tables
SELECT $$WITH RECURSIVE n (n) AS (SELECT 7 UNION ALL SELECT n + 1 FROM n WHERE n < 8) SELECT c.name FROM n JOIN customers c ON c.id = n.n ORDER BY 1$$ AS q \gset
:family
-- family: recursive, over shards
SELECT $$WITH RECURSIVE parts AS (SELECT id, 1 AS level FROM products WHERE part_of = 1 UNION ALL
    SELECT p.id, level + 1 FROM parts JOIN products p ON p.part_of = parts.id) SELECT level, id FROM parts ORDER BY 1, 2$$ AS q \gset
:family
-- family: recursive, UNION, joined with other tables
SELECT $$WITH RECURSIVE up AS (SELECT 7 AS id UNION SELECT p.part_of FROM up JOIN products p ON p.id = up.id WHERE p.part_of IS NOT NULL)
    SELECT up.id, p.name, count(o.id) FROM up JOIN products p ON p.id = up.id LEFT JOIN orders o ON o.product_id = up.id GROUP BY 1, 2 ORDER BY 1$$ AS q \gset
:family
-- family: recursive, of one shard
SELECT $$WITH RECURSIVE o AS (SELECT id FROM orders WHERE customer_id = 7 AND id = 6 UNION ALL
    SELECT n.id FROM o JOIN orders n ON n.customer_id = 7 AND n.id = o.id + 18) SELECT * FROM o ORDER BY 1$$ AS q \gset
:family
-- family: recursive, SEARCH
SELECT $$WITH RECURSIVE parts AS (SELECT id FROM products WHERE part_of IS NULL UNION ALL SELECT p.id
    FROM parts JOIN products p ON p.part_of = parts.id AND p.id < 5)
    SEARCH DEPTH FIRST BY id SET path SELECT id FROM parts ORDER BY path$$ AS q \gset
:family
-- family: recursive, CYCLE
SELECT $$WITH RECURSIVE r AS (SELECT 4 AS id UNION ALL SELECT coalesce(p.part_of, 4) FROM r JOIN products p ON p.id = r.id)
    CYCLE id SET again USING path SELECT id, again FROM r ORDER BY path$$ AS q \gset
:family

SET client_min_messages = warning;
DROP SCHEMA families CASCADE;
