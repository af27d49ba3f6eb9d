-- WITH: inlined, materialised, recursive, used more than once.
-- @include shop
-- @run
WITH big AS (SELECT * FROM orders WHERE amount > 80) SELECT count(*), sum(amount) FROM big;
WITH big AS MATERIALIZED (SELECT * FROM orders WHERE amount > 80) SELECT user_id, count(*) FROM big GROUP BY user_id;
WITH big AS NOT MATERIALIZED (SELECT * FROM orders WHERE amount > 80) SELECT a.order_id, b.order_id FROM big a JOIN big b ON a.user_id = b.user_id AND a.order_id < b.order_id;
WITH big AS (SELECT * FROM orders WHERE amount > 80) SELECT (SELECT count(*) FROM big), (SELECT max(amount) FROM big);
WITH n AS (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) SELECT u.user_id, n.n FROM users u LEFT JOIN n USING (user_id) WHERE u.user_id < 30;
WITH n AS (SELECT status, count(*) AS n FROM orders GROUP BY status) SELECT o.order_id, n.n FROM orders o JOIN n USING (status) WHERE o.user_id = 5;
WITH a AS (SELECT user_id FROM users WHERE active), b AS (SELECT o.* FROM orders o JOIN a USING (user_id)), c AS (SELECT status, sum(amount) AS s FROM b GROUP BY status) SELECT * FROM c;
WITH a(k, v) AS (SELECT user_id, name FROM users) SELECT k FROM a WHERE v LIKE '%7';
WITH unused AS (SELECT * FROM orders) SELECT count(*) FROM users;
WITH v(id) AS (VALUES (1), (5), (9)) SELECT u.user_id, u.name FROM users u JOIN v ON v.id = u.user_id;
WITH u AS (SELECT * FROM users), users AS (SELECT 1 AS only) SELECT * FROM users;
WITH orders AS (SELECT user_id, 'shadow' AS status FROM orders WHERE user_id = 5) SELECT DISTINCT * FROM orders;
WITH a AS (SELECT * FROM users WHERE user_id = 5) SELECT * FROM a UNION ALL SELECT * FROM a;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT t.n, u.name FROM t JOIN users u ON u.user_id = t.n;
WITH RECURSIVE tree AS (SELECT id, parent, 0 AS depth FROM products WHERE parent IS NULL UNION ALL SELECT p.id, p.parent, t.depth + 1 FROM products p JOIN tree t ON p.parent = t.id) SELECT depth, count(*) FROM tree GROUP BY depth;
WITH RECURSIVE chain AS (SELECT user_id, 1 AS step FROM users WHERE user_id = 3 UNION ALL SELECT u.user_id, c.step + 1 FROM chain c JOIN users u ON u.user_id = c.user_id * 2) SELECT * FROM chain;
WITH RECURSIVE reach AS (SELECT user_id, order_id FROM orders WHERE order_id = 1 UNION SELECT o.user_id, o.order_id FROM reach r JOIN orders o ON o.order_id = r.user_id OR o.user_id = r.order_id) SELECT count(*), min(order_id), max(order_id) FROM reach;
WITH RECURSIVE reach AS (SELECT order_id, product_id FROM orders WHERE order_id = 2 UNION SELECT o.order_id, o.product_id FROM reach r, orders o WHERE o.order_id = r.product_id) SELECT * FROM reach;
WITH RECURSIVE s(id, path) AS (SELECT id, ARRAY[id] FROM products WHERE parent IS NULL UNION ALL SELECT p.id, s.path || p.id FROM products p, s WHERE p.parent = s.id) SEARCH DEPTH FIRST BY id SET ord SELECT id, path FROM s;
WITH RECURSIVE s(id) AS (SELECT 1 UNION ALL SELECT (id % 3) + 1 FROM s) CYCLE id SET looped USING path SELECT s.id, looped, u.name FROM s JOIN users u ON u.user_id = s.id;
WITH RECURSIVE days AS (SELECT date '2024-02-01' AS d UNION ALL SELECT d + 1 FROM days WHERE d < '2024-02-08') SELECT d, count(v.site), (SELECT sum(seconds) FROM visits x WHERE x.day <= d) FROM days LEFT JOIN visits v ON v.day = d GROUP BY d;
SELECT user_id, (WITH o AS (SELECT amount FROM orders WHERE orders.user_id = u.user_id) SELECT max(amount) FROM o) FROM users u WHERE user_id < 12;
SELECT * FROM (WITH x AS (SELECT status, count(*) FROM orders GROUP BY status) SELECT * FROM x) s;
WITH a AS (SELECT user_id, amount FROM orders WHERE status = 'new'), b AS (SELECT user_id, amount FROM orders WHERE status = 'paid') SELECT a.user_id, sum(a.amount), sum(b.amount) FROM a JOIN b USING (user_id) GROUP BY 1;
WITH top AS (SELECT user_id, sum(amount) AS s FROM orders GROUP BY user_id ORDER BY s DESC NULLS LAST, user_id LIMIT 5) SELECT o.order_id, t.s FROM orders o JOIN top t USING (user_id) WHERE o.amount > 50;
WITH w AS (SELECT user_id, order_id, sum(amount) OVER (PARTITION BY user_id ORDER BY order_id) AS running FROM orders) SELECT user_id, max(running) FROM w GROUP BY user_id HAVING max(running) > 400;
WITH a AS (SELECT e.user_id, count(*) AS n FROM events e GROUP BY 1), b AS (SELECT user_id, count(*) AS n FROM visits GROUP BY 1) SELECT a.user_id, a.n, b.n FROM a FULL JOIN b USING (user_id) WHERE coalesce(a.n, 0) > coalesce(b.n, 0);
WITH w1 AS (SELECT user_id FROM orders), w2 AS (SELECT count(*) FROM w1) SELECT user_id FROM users WHERE user_id < 5;
WITH w1 AS (SELECT event_id FROM events), w2 AS (SELECT * FROM w1), w3 AS (SELECT * FROM w2) SELECT count(*) FROM users;
WITH w1 AS (SELECT user_id FROM orders), w2 AS (SELECT user_id FROM w1) SELECT count(*) FROM users WHERE user_id IN (SELECT user_id FROM w2);
-- @ordered
SELECT status, status FROM orders ORDER BY 2, 1 LIMIT 3;
-- @ordered
SELECT user_id, user_id AS u, status FROM orders ORDER BY 2 DESC, 3, 1 LIMIT 3;
WITH w1 AS (SELECT 1 AS c FROM orders), w7 AS (SELECT 5 AS c1 FROM (WITH w9 AS (SELECT 1 FROM w1) SELECT 1 FROM users) s8) SELECT 9 FROM w7;
SELECT 1.5 AS c1 FROM (WITH w2 AS (SELECT 1 AS c1 FROM events) SELECT 1 FROM (WITH w6 AS (SELECT 2 AS c1 FROM w2) SELECT 1) s5) s1, users;
-- Nobody reads b; PostgreSQL plans a all the same, and cannot.
WITH a AS (SELECT 1 AS c FROM orders o FULL JOIN users u ON 1 NOT IN (u.id, o.quantity)), b AS (SELECT 1 FROM a x UNION ALL SELECT 1 FROM a y) SELECT count(*) FROM orders;
WITH a AS (SELECT 1 AS c FROM orders o FULL JOIN users u ON 1 NOT IN (u.id, o.quantity)), b AS (SELECT 1 FROM a x) SELECT count(*) FROM orders;
