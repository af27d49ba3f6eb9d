-- UNION, INTERSECT, EXCEPT, with and without ALL, and VALUES.
-- @include shop
-- @run
SELECT user_id FROM users UNION SELECT user_id FROM orders;
SELECT user_id FROM users UNION ALL SELECT user_id FROM orders;
SELECT user_id FROM users INTERSECT SELECT user_id FROM orders;
SELECT user_id FROM orders INTERSECT ALL SELECT user_id FROM items;
SELECT user_id FROM users EXCEPT SELECT user_id FROM orders;
SELECT user_id FROM orders EXCEPT ALL SELECT user_id FROM users;
SELECT user_id FROM items EXCEPT SELECT user_id FROM users;
SELECT user_id, status FROM orders WHERE quantity = 1 UNION SELECT user_id, 'user' FROM users;
SELECT country FROM users UNION SELECT code FROM countries;
SELECT code FROM countries EXCEPT SELECT country FROM users;
SELECT code FROM countries UNION ALL SELECT site FROM visits WHERE seconds < 20;
SELECT user_id FROM events INTERSECT SELECT user_id FROM visits;
SELECT user_id FROM notes UNION SELECT user_id FROM users EXCEPT SELECT user_id FROM orders;
(SELECT user_id FROM notes UNION SELECT user_id FROM users) INTERSECT (SELECT user_id FROM orders EXCEPT SELECT user_id FROM items WHERE user_id > 20);
-- @ordered
SELECT user_id FROM users UNION SELECT user_id FROM orders ORDER BY 1 DESC LIMIT 7;
-- @ordered
(SELECT user_id, 'u' AS k FROM users ORDER BY user_id LIMIT 3) UNION ALL (SELECT user_id, 'e' FROM events WHERE user_id IS NOT NULL ORDER BY user_id DESC, event_id LIMIT 3) ORDER BY k, user_id;
SELECT count(*) FROM (SELECT user_id FROM users UNION ALL SELECT user_id FROM events) s;
SELECT k, count(*) FROM (SELECT 'u' AS k, user_id FROM users UNION ALL SELECT 'o', user_id FROM orders) s GROUP BY k;
SELECT user_id, count(*) FROM (SELECT user_id FROM users UNION ALL SELECT user_id FROM orders) s GROUP BY user_id;
SELECT user_id, n FROM (SELECT user_id, count(*) AS n FROM orders GROUP BY 1 UNION ALL SELECT user_id, count(*) FROM items GROUP BY 1) s WHERE user_id = 5;
SELECT 1 AS x, NULL AS y UNION ALL SELECT user_id, name FROM users WHERE user_id < 3;
SELECT user_id::int FROM users WHERE user_id < 3 UNION ALL SELECT 1.5;
SELECT 'a' UNION SELECT name FROM users WHERE user_id < 3;
VALUES (1, 'a'), (2, 'b');
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(i, t) UNION SELECT user_id, name FROM users WHERE user_id < 3;
SELECT user_id FROM nothing n JOIN users u ON u.user_id = n.id UNION ALL SELECT id FROM nothing;
SELECT u.user_id FROM users u WHERE u.user_id IN (SELECT user_id FROM orders WHERE quantity = 2 UNION SELECT user_id FROM items WHERE price > 85);
SELECT u.user_id, (SELECT count(*) FROM (SELECT user_id FROM orders o WHERE o.user_id = u.user_id UNION ALL SELECT user_id FROM items i WHERE i.user_id = u.user_id) x) FROM users u;
SELECT tags FROM products INTERSECT SELECT tags FROM products WHERE id < 5;
SELECT payload->>'tag' FROM events EXCEPT SELECT 't1';
SELECT * FROM users WHERE user_id < 5 UNION SELECT * FROM users WHERE user_id = 4;
SELECT status FROM orders UNION SELECT 1;
SELECT user_id, status FROM orders UNION SELECT user_id FROM users;
