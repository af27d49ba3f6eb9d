-- Window functions: partitions on the key, off the key, none; frames; over groups.
-- @include shop
-- @run
SELECT user_id, order_id, row_number() OVER (PARTITION BY user_id ORDER BY order_id) FROM orders;
SELECT user_id, order_id, rank() OVER (PARTITION BY user_id ORDER BY status) FROM orders;
SELECT user_id, order_id, sum(amount) OVER (PARTITION BY user_id) FROM orders;
SELECT user_id, order_id, sum(amount) OVER (PARTITION BY user_id ORDER BY order_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders;
SELECT order_id, lag(order_id) OVER (PARTITION BY user_id ORDER BY order_id), lead(order_id, 2, -1) OVER (PARTITION BY user_id ORDER BY order_id) FROM orders;
SELECT order_id, row_number() OVER (ORDER BY order_id) FROM orders;
SELECT order_id, dense_rank() OVER (ORDER BY status), percent_rank() OVER (ORDER BY quantity), cume_dist() OVER (ORDER BY quantity) FROM orders;
SELECT order_id, ntile(7) OVER (ORDER BY order_id) FROM orders;
SELECT status, order_id, first_value(order_id) OVER w, last_value(order_id) OVER w, nth_value(order_id, 2) OVER w FROM orders WINDOW w AS (PARTITION BY status ORDER BY order_id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);
SELECT order_id, count(*) OVER (), avg(amount) OVER (PARTITION BY status)::numeric(20,6) FROM orders;
SELECT order_id, sum(quantity) OVER (ORDER BY order_id RANGE BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW) FROM orders;
SELECT order_id, sum(quantity) OVER (ORDER BY quantity, order_id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders;
SELECT order_id, count(*) OVER (ORDER BY placed RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW) FROM orders;
SELECT status, count(*), sum(count(*)) OVER (ORDER BY status), rank() OVER (ORDER BY sum(amount) DESC) FROM orders GROUP BY status;
SELECT user_id, count(*), rank() OVER (ORDER BY count(*) DESC, user_id) FROM orders GROUP BY user_id;
SELECT user_id, sum(amount) - lag(sum(amount)) OVER (ORDER BY user_id) FROM orders GROUP BY user_id;
SELECT u.country, u.user_id, row_number() OVER (PARTITION BY u.country ORDER BY u.score DESC) FROM users u;
SELECT u.user_id, o.order_id, max(o.amount) OVER (PARTITION BY u.user_id, o.status) FROM users u JOIN orders o USING (user_id);
SELECT c.name, u.user_id, count(*) OVER (PARTITION BY c.name) FROM users u JOIN countries c ON c.code = u.country;
-- @ordered
SELECT order_id, amount, rank() OVER (ORDER BY amount DESC NULLS LAST) AS r FROM orders ORDER BY r, order_id LIMIT 10;
-- @ordered
SELECT user_id, s FROM (SELECT user_id, order_id, sum(amount) OVER (PARTITION BY user_id ORDER BY order_id) AS s FROM orders) x ORDER BY s DESC NULLS LAST, user_id LIMIT 5;
SELECT * FROM (SELECT user_id, order_id, row_number() OVER (PARTITION BY user_id ORDER BY amount DESC NULLS LAST, order_id) AS nr FROM orders) x WHERE nr = 1;
SELECT * FROM (SELECT user_id, order_id, row_number() OVER (PARTITION BY user_id ORDER BY order_id) AS nr FROM orders) x WHERE user_id IN (3, 5) AND nr <= 2;
SELECT DISTINCT user_id, count(*) OVER (PARTITION BY user_id) FROM orders;
SELECT DISTINCT count(*) OVER (PARTITION BY user_id % 4) FROM orders;
SELECT order_id, array_agg(status) OVER (PARTITION BY user_id ORDER BY order_id) FROM orders WHERE user_id < 6;
SELECT order_id, count(*) FILTER (WHERE status = 'new') OVER (PARTITION BY user_id ORDER BY order_id) FROM orders WHERE user_id < 12;
SELECT site, day, seconds - avg(seconds) OVER (PARTITION BY site)::numeric(20,8) FROM visits;
SELECT user_id, order_id, row_number() OVER w, rank() OVER (w ORDER BY status) FROM orders WINDOW w AS (PARTITION BY user_id) ORDER BY user_id, order_id LIMIT 0;
SELECT n, row_number() OVER (ORDER BY n) FROM nothing;
SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY product_id ORDER BY amount) AS r FROM orders) s;
SELECT quantity, sum(sum(quantity)) OVER (ORDER BY quantity) FROM orders GROUP BY ROLLUP (quantity);
