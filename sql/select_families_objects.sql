-- Families of SELECT, each with its plan and its rows: row locks, views, row-level security, functions, cursors, and SELECTs inside other statements.
\getenv root PG_ABS_SRCDIR
\i :root/sql/select_families.inc

-- === row locks ===
-- family: FOR UPDATE, of one key
SELECT $$SELECT id, total FROM orders WHERE customer_id = 7 AND id = 24 FOR UPDATE$$ AS q \gset
:family
-- family: FOR UPDATE, NO KEY UPDATE, SHARE, KEY SHARE, of other rows
SELECT $$SELECT id FROM orders WHERE total > 87 FOR UPDATE$$ AS q \gset
:family
SELECT $$SELECT id FROM orders WHERE total > 87 FOR NO KEY UPDATE$$ AS q \gset
:family
SELECT $$SELECT id FROM orders WHERE total > 87 FOR SHARE$$ AS q \gset
:family
SELECT $$SELECT id FROM orders WHERE total > 87 FOR KEY SHARE$$ AS q \gset
:family
-- family: NOWAIT, SKIP LOCKED
SELECT $$SELECT id FROM orders WHERE total > 87 FOR UPDATE NOWAIT$$ AS q \gset
:family
SELECT $$SELECT id FROM orders WHERE customer_id = 7 AND total > 50 FOR SHARE SKIP LOCKED$$ AS q \gset
:family
-- family: FOR UPDATE with ORDER BY
SELECT $$SELECT id FROM orders WHERE total > 84 ORDER BY id FOR UPDATE$$ AS q \gset
:family
-- family: FOR UPDATE with LIMIT
SELECT $$SELECT id FROM orders ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED$$ AS q \gset
:family
-- family: FOR UPDATE of a join on the key
SELECT $$SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total > 87 FOR UPDATE$$ AS q \gset
:family
-- family: FOR UPDATE OF
SELECT $$SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total > 87 FOR UPDATE OF o FOR SHARE OF c$$ AS q \gset
:family
-- family: FOR UPDATE of a join off the key
SELECT $$SELECT p.name, o.id FROM products p JOIN orders o ON o.product_id = p.id WHERE o.id = 7 FOR UPDATE OF o$$ AS q \gset
:family
-- family: FOR UPDATE of a join with a local table
SELECT $$SELECT u.code, c.name FROM coupons u JOIN customers c ON c.id = u.customer_id WHERE u.percent = 10 FOR UPDATE$$ AS q \gset
:family
-- family: FOR SHARE of a reference table
SELECT $$SELECT name FROM countries WHERE code = 'DE' FOR SHARE$$ AS q \gset
:family
-- family: FOR UPDATE in a sub-query
SELECT $$SELECT id FROM (SELECT id, total FROM orders WHERE customer_id = 7 FOR UPDATE) o WHERE total > 50$$ AS q \gset
:family

-- === views ===
-- family: view
CREATE VIEW open_orders AS SELECT o.customer_id, o.id, c.name, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open';
SELECT $$SELECT id, name FROM open_orders WHERE total > 80 ORDER BY id$$ AS q \gset
:family
-- family: view, of one key
SELECT $$SELECT id, name FROM open_orders WHERE customer_id = 7 ORDER BY id$$ AS q \gset
:family
-- family: view with a grouping by the key
CREATE VIEW totals AS SELECT customer_id, count(*) AS n, sum(total) AS total FROM orders GROUP BY customer_id;
SELECT $$SELECT c.name, t.n FROM totals t JOIN customers c ON c.id = t.customer_id WHERE t.total > 170 ORDER BY 1$$ AS q \gset
:family
-- family: view with a grouping by another column
CREATE VIEW by_status AS SELECT status, count(*) AS n FROM orders GROUP BY status;
SELECT $$SELECT n FROM by_status WHERE status = 'sent'$$ AS q \gset
:family
-- family: recursive view
CREATE RECURSIVE VIEW wholes (id, whole) AS SELECT id, part_of FROM products UNION SELECT wholes.id, p.part_of FROM wholes JOIN products p ON p.id = wholes.whole;
SELECT $$SELECT whole FROM wholes WHERE id = 7 AND whole IS NOT NULL ORDER BY 1$$ AS q \gset
:family
-- family: security barrier view
CREATE VIEW germans WITH (security_barrier) AS SELECT * FROM customers WHERE country = 'DE';
SELECT $$SELECT id, name FROM germans WHERE grade = 'low' ORDER BY id$$ AS q \gset
:family
-- family: security barrier view, of one key
SELECT $$SELECT name FROM germans WHERE id = 5$$ AS q \gset
:family
-- family: security barrier view, function of the user
CREATE FUNCTION tells(value text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''seen: %'', value; RETURN true; END';
SELECT $$SELECT name FROM germans WHERE tells(name) AND id < 10$$ AS q \gset
:family
-- family: security invoker view, of a view
CREATE VIEW low_germans WITH (security_invoker) AS SELECT g.id, count(o.id) AS n
    FROM germans g LEFT JOIN orders o ON o.customer_id = g.id WHERE g.grade = 'low' GROUP BY g.id;
SELECT $$SELECT * FROM low_germans ORDER BY id$$ AS q \gset
:family

-- === row-level security ===
CREATE ROLE families_clerk;
GRANT USAGE ON SCHEMA families TO families_clerk;
GRANT SELECT ON ALL TABLES IN SCHEMA families TO families_clerk;
GRANT UPDATE ON orders TO families_clerk;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY sent ON orders FOR SELECT TO families_clerk USING (status = 'sent' AND id < 40);
CREATE POLICY sent_update ON orders FOR UPDATE TO families_clerk USING (id > 20);
CREATE POLICY buyers ON customers TO families_clerk USING (EXISTS (SELECT FROM orders o WHERE o.customer_id = customers.id));
SET ROLE families_clerk;
-- family: policy
SELECT $$SELECT id FROM orders WHERE total > 50 ORDER BY id$$ AS q \gset
:family
-- family: policy, of one key
SELECT $$SELECT id FROM orders WHERE customer_id = 7 ORDER BY id$$ AS q \gset
:family
-- family: policy with a sub-query
SELECT $$SELECT id FROM customers WHERE id > 15 ORDER BY id$$ AS q \gset
:family
-- family: policy with a sub-query, aggregate
SELECT $$SELECT grade, count(*) FROM customers GROUP BY grade ORDER BY 1$$ AS q \gset
:family
-- family: policies in a join on the key
SELECT $$SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.total > 50 ORDER BY 2$$ AS q \gset
:family
-- family: policy and row locks
SELECT $$SELECT id FROM orders WHERE total > 50 ORDER BY id FOR UPDATE$$ AS q \gset
:family
-- family: policy, through a view of another owner
SELECT $$SELECT id FROM open_orders WHERE total > 80 ORDER BY id$$ AS q \gset
:family
RESET ROLE;
DROP POLICY sent ON orders;
DROP POLICY sent_update ON orders;
DROP POLICY buyers ON customers;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;

-- === functions ===
-- family: function in SQL
CREATE FUNCTION spent(c int) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM orders WHERE customer_id = c';
SELECT $$SELECT spent(7)$$ AS q \gset
:family
-- family: function in SQL, of a column
SELECT $$SELECT id, spent(id) FROM customers WHERE id > 17 ORDER BY id$$ AS q \gset
:family
-- family: function in PL/pgSQL
CREATE FUNCTION spent_since(c int, since date) RETURNS numeric LANGUAGE plpgsql STABLE AS $f$
DECLARE s numeric;
BEGIN
    SELECT sum(total) INTO s FROM orders WHERE customer_id = c AND placed >= since;
    RETURN s;
END $f$;
SELECT $$SELECT spent_since(7, '2024-02-01')$$ AS q \gset
:family
SELECT $$SELECT id, spent_since(id, '2024-02-01') FROM customers WHERE id < 3 ORDER BY id$$ AS q \gset
:family
-- family: rows of a function in PL/pgSQL
CREATE FUNCTION best(n int) RETURNS TABLE (customer int, spent numeric) LANGUAGE plpgsql STABLE AS $f$
BEGIN
    RETURN QUERY SELECT o.customer_id, sum(o.total) FROM orders o GROUP BY 1 ORDER BY 2 DESC LIMIT n;
END $f$;
SELECT $$SELECT c.name, b.spent FROM best(2) b JOIN customers c ON c.id = b.customer ORDER BY 2 DESC$$ AS q \gset
:family
-- family: procedure
CREATE PROCEDURE count_orders(INOUT n bigint) LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM orders WHERE customer_id > n; END;
CALL count_orders(10);
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT c.name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id IN (7, 8) GROUP BY c.id ORDER BY c.id LOOP
        RAISE NOTICE '%: %', r.name, r.n;
    END LOOP;
END $$;

-- === cursors and prepared statements ===
-- family: cursor
SELECT $$DECLARE c CURSOR FOR SELECT id, total FROM orders ORDER BY id$$ AS q \gset
SELECT plan_of(:'q') AS plan;
BEGIN;
:q;
FETCH 2 FROM c;
MOVE 10 IN c;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
-- family: cursor, SCROLL
SELECT $$DECLARE c SCROLL CURSOR FOR SELECT o.id, p.name FROM orders o JOIN products p ON p.id = o.product_id ORDER BY o.id$$ AS q \gset
SELECT plan_of(:'q') AS plan;
BEGIN;
:q;
FETCH LAST FROM c;
FETCH BACKWARD 1 FROM c;
FETCH ABSOLUTE 3 FROM c;
COMMIT;
-- family: cursor, WITH HOLD
SELECT $$DECLARE c CURSOR WITH HOLD FOR SELECT status, count(*) FROM orders GROUP BY status ORDER BY status$$ AS q \gset
SELECT plan_of(:'q') AS plan;
BEGIN;
:q;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
-- family: prepared statement, all shards
PREPARE since(date) AS SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.placed >= $1 GROUP BY c.id ORDER BY c.id LIMIT 2;
SELECT $$EXECUTE since('2024-02-20')$$ AS q \gset
:family
SET plan_cache_mode = force_generic_plan;
:family
-- family: prepared statement, join off the key, generic plan
PREPARE named(text) AS SELECT count(*) FROM products p JOIN events e ON e.product_id = p.id WHERE p.name = $1;
SELECT $$EXECUTE named('product 3')$$ AS q \gset
:family
EXECUTE named('product 4');
RESET plan_cache_mode;

-- === SELECT inside other statements ===
-- family: CREATE TABLE AS
SELECT $$CREATE TABLE german_orders AS SELECT c.name, o.id, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country = 'DE'$$ AS q \gset
:family
SELECT count(*), sum(total) FROM german_orders;
-- family: CREATE TABLE AS EXECUTE, WITH NO DATA
CREATE TABLE first_two AS EXECUTE since('2024-02-20');
SELECT * FROM first_two ORDER BY name;
CREATE TABLE no_orders AS SELECT * FROM orders WITH NO DATA;
SELECT count(*) FROM no_orders;
-- family: SELECT INTO
SELECT product_id, sum(quantity) AS quantity INTO TEMPORARY sold FROM items GROUP BY product_id;
SELECT p.name, s.quantity FROM sold s JOIN products p ON p.id = s.product_id WHERE p.id < 2 ORDER BY 1;
-- family: materialized view
CREATE MATERIALIZED VIEW sales AS SELECT n.name AS country, sum(o.total) AS total FROM orders o JOIN customers c ON c.id = o.customer_id
    JOIN countries n ON n.code = c.country GROUP BY 1;
SELECT $$SELECT * FROM sales ORDER BY country$$ AS q \gset
:family
REFRESH MATERIALIZED VIEW sales;
SELECT count(*) FROM sales;
-- family: COPY from a query
COPY (SELECT status, count(*) FROM orders GROUP BY status ORDER BY status) TO STDOUT;
-- family: SELECT in a transaction that has written
BEGIN;
INSERT INTO orders VALUES (7, 1000, 1, '2025-01-01', 'new', 1);
UPDATE orders SET status = 'paid' WHERE customer_id = 8;
SELECT $$SELECT status, count(*) FROM orders GROUP BY status ORDER BY status$$ AS q \gset
:family
SELECT id FROM orders WHERE customer_id = 7 AND total < 5;
ROLLBACK;
SELECT count(*) FROM orders WHERE status = 'new';
-- family: SELECT in a read-only, repeatable read transaction
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT $$SELECT kind, count(*) FROM events GROUP BY kind ORDER BY kind$$ AS q \gset
:family
COMMIT;

SET client_min_messages = warning;
DROP OWNED BY families_clerk;
DROP ROLE families_clerk;
DROP SCHEMA families CASCADE;
