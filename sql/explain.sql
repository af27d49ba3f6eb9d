-- Plans: which strategy is chosen, and what is sent to the nodes.
SET shardext.shard_count = 4;
-- The plans shall not depend on costs.
SET enable_sort = off;
SET enable_mergejoin = off;
SET enable_nestloop = off;
CREATE TABLE users (id int PRIMARY KEY, name text, country text);
CREATE TABLE orders (user_id int, id int, product int, total numeric, PRIMARY KEY (user_id, id));
CREATE TABLE products (id int PRIMARY KEY, name text);
SELECT create_distributed_table('users', 'id', 'none');
SELECT create_distributed_table('orders', 'user_id', 'users');
SELECT create_reference_table('products');
INSERT INTO users SELECT n, 'user ' || n, (ARRAY['DE', 'FR'])[1 + n % 2] FROM generate_series(1, 100) n;
INSERT INTO orders SELECT 1 + n % 100, n, n % 10, n FROM generate_series(1, 1000) n;
INSERT INTO products SELECT n, 'product ' || n FROM generate_series(0, 9) n;

-- The numbers of shard groups depend on what the cluster did before.
CREATE FUNCTION explain(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        line := regexp_replace(line, 's\.\*, \d+::bigint', 's.*, N::bigint');
        RETURN NEXT regexp_replace(line, 'shardext_\d+', 'shardext_N', 'g');
    END LOOP;
END $$;
\pset tuples_only on
\pset format unaligned

-- router
SELECT explain('SELECT * FROM users WHERE id = 1');
SELECT explain('SELECT u.name, p.name, sum(o.total) FROM users u JOIN orders o ON o.user_id = u.id
    JOIN products p ON p.id = o.product WHERE u.id = 1 GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5');
-- scatter
SELECT explain('SELECT name FROM users WHERE country = ''DE''');
SELECT explain('SELECT u.name, o.total FROM users u LEFT JOIN orders o ON o.user_id = u.id');
-- some of the shards
SELECT explain('SELECT name FROM users WHERE id IN (1, 2)');
-- grouped by the key: whole groups on the shards
SELECT explain('SELECT user_id, sum(total) FROM orders GROUP BY user_id');
-- combine
SELECT explain('SELECT country, count(*), avg(id) FROM users GROUP BY country');
SELECT explain('SELECT count(DISTINCT product) FROM orders');
-- sort and limit
SELECT explain('SELECT id, total FROM orders ORDER BY total DESC LIMIT 3');
-- a join not by the key
SELECT explain('SELECT count(*) FROM orders o JOIN users u ON u.id = o.product');
-- writes
SELECT explain('INSERT INTO users VALUES (1001, ''x'', ''DE'')');
SELECT explain('INSERT INTO users SELECT n, ''x'' FROM generate_series(1001, 1010) n');
SELECT explain('UPDATE users SET name = upper(name) WHERE id = 1');
SELECT explain('UPDATE users SET name = upper(name) WHERE country = ''DE''') LIMIT 5;
SELECT explain('DELETE FROM orders WHERE total < 5') LIMIT 5;
-- rows read, locked and changed one by one
SELECT explain('UPDATE orders SET total = random() WHERE user_id = 1');
SELECT explain('UPDATE users SET id = id + 1000 WHERE id = 5');
SELECT explain('MERGE INTO orders o USING products p ON o.product = p.id WHEN MATCHED AND o.total > 5 THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (p.id, 1, p.id, 0)');
SELECT explain('WITH d AS (DELETE FROM orders WHERE user_id = 7 RETURNING total) SELECT sum(total) FROM d');
-- locks reach the rows of sub-queries
SELECT explain('SELECT * FROM (SELECT name FROM users ORDER BY id) u FOR UPDATE');
-- more to see
SELECT explain('SELECT name FROM users WHERE id = 1', 'COSTS OFF, VERBOSE');
SELECT explain('SELECT count(*) FROM users', 'COSTS OFF, FORMAT JSON')::json IS NOT NULL AS valid;
SET shardext.explain_all_tasks = on;
SELECT explain('SELECT name FROM users WHERE country = ''DE''');
-- a generic plan chooses its shard when it is executed
SET plan_cache_mode = force_generic_plan;
PREPARE by_key(int) AS SELECT name FROM users WHERE id = $1;
SELECT explain('EXECUTE by_key(1)');
EXECUTE by_key(1);
EXECUTE by_key(2);
EXECUTE by_key(NULL);
-- EXPLAIN changes nothing
SELECT count(*) FROM users WHERE id > 1000;
\pset tuples_only off
\pset format aligned
DROP FUNCTION explain;
DROP TABLE orders, users, products;
