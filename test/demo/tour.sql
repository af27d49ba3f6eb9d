-- What a distributed table can do, shown on the data of demo.sql.

\echo
\echo ==== The nodes, the tables, and where their shards live
SELECT node_name, state, shard_groups FROM shardext_nodes;
SELECT * FROM shardext_tables;
SELECT node, count(*) AS shards, pg_size_pretty(sum(size_bytes)) AS size
FROM shardext_shards WHERE table_name = 'orders'::regclass GROUP BY node ORDER BY node;
SELECT * FROM shardext_shard_of('orders', '42');

\echo ==== One user: the query runs whole on the one shard that holds the rows
EXPLAIN (COSTS OFF) SELECT id, status, ordered_at FROM orders WHERE user_id = 42 ORDER BY ordered_at;
SELECT id, status, ordered_at FROM orders WHERE user_id = 42 ORDER BY ordered_at;

\echo ==== All users: every shard adds up its part, in parallel
EXPLAIN (COSTS OFF) SELECT status, count(*), min(ordered_at), max(ordered_at) FROM orders GROUP BY status;
SELECT status, count(*), min(ordered_at), max(ordered_at) FROM orders GROUP BY status ORDER BY status;

\echo ==== A join of tables that lie together, and of one that is everywhere
SELECT p.category, count(DISTINCT o.user_id) AS buyers, sum(i.quantity) AS pieces, sum(i.quantity * p.price) AS revenue
FROM orders o
JOIN order_items i ON i.user_id = o.user_id AND i.order_id = o.id
JOIN products p ON p.id = i.product_id
WHERE o.status <> 'returned'
GROUP BY p.category
ORDER BY revenue DESC;

\echo ==== A window over groups that lie on all shards
SELECT month, revenue, sum(revenue) OVER (ORDER BY month) AS so_far,
    round(100 * revenue / lag(revenue) OVER (ORDER BY month) - 100, 1) AS growth_percent
FROM (
    SELECT date_trunc('month', o.ordered_at AT TIME ZONE 'UTC')::date AS month, sum(i.quantity * p.price) AS revenue
    FROM orders o
    JOIN order_items i ON i.user_id = o.user_id AND i.order_id = o.id
    JOIN products p ON p.id = i.product_id
    GROUP BY 1
) months
ORDER BY month
LIMIT 6;

\echo ==== A sub-query per user: how many of a country have never ordered
SELECT t.country, count(*) AS users,
    count(*) FILTER (WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.id)) AS without_orders
FROM users u JOIN tenants t ON t.id = u.tenant_id
GROUP BY t.country
ORDER BY t.country;

\echo ==== A join that is not by user: what is looked at most, and what of it is sold
SELECT p.name, v.views, s.sold
FROM (SELECT (details ->> 'product')::int AS product_id, count(*) AS views
      FROM events WHERE kind = 'view' GROUP BY 1) v
JOIN (SELECT product_id, sum(quantity) AS sold FROM order_items GROUP BY 1) s USING (product_id)
JOIN products p ON p.id = product_id
ORDER BY v.views DESC, p.id
LIMIT 5;

\echo ==== A transaction over shards: both rows change, or none does
SELECT key, node, shard FROM unnest(ARRAY['1', '2']) key, shardext_shard_of('users', key);
SELECT sum(credit) FROM users;
BEGIN;
UPDATE users SET credit = credit - 25 WHERE id = 1;
UPDATE users SET credit = credit + 25 WHERE id = 2;
COMMIT;
BEGIN;
UPDATE users SET credit = 0;
ROLLBACK;
SELECT id, credit FROM users WHERE id IN (1, 2, 3) ORDER BY id;
SELECT sum(credit) FROM users;
