-- DISTINCT, DISTINCT ON, ORDER BY, LIMIT, OFFSET, WITH TIES.
-- @include shop
-- @run
SELECT DISTINCT status FROM orders;
SELECT DISTINCT country, active FROM users;
SELECT DISTINCT user_id FROM orders;
SELECT DISTINCT user_id % 3, status FROM orders;
SELECT DISTINCT tags FROM products;
SELECT DISTINCT payload->'deep' FROM events;
SELECT DISTINCT count(*) FROM orders GROUP BY user_id;
-- @ordered
SELECT DISTINCT country FROM users ORDER BY country DESC NULLS LAST;
-- @ordered
SELECT DISTINCT ON (country) country, user_id, name FROM users ORDER BY country, user_id DESC;
-- @ordered
SELECT DISTINCT ON (user_id) user_id, order_id, amount FROM orders ORDER BY user_id, amount DESC NULLS LAST, order_id LIMIT 10;
-- @ordered
SELECT DISTINCT ON (status, quantity) status, quantity, order_id FROM orders ORDER BY status DESC, quantity NULLS FIRST, order_id;
-- @ordered
SELECT user_id, name FROM users ORDER BY user_id;
-- @ordered
SELECT user_id, name FROM users ORDER BY user_id DESC LIMIT 5 OFFSET 3;
-- @ordered
SELECT country, user_id FROM users ORDER BY country NULLS FIRST, user_id;
-- @ordered
SELECT country, user_id FROM users ORDER BY country DESC, user_id LIMIT 12;
-- @ordered
SELECT nick, user_id FROM users ORDER BY nick, user_id;
-- @ordered
SELECT nick, user_id FROM users ORDER BY nick COLLATE "C", user_id LIMIT 20;
-- @ordered
SELECT nick, user_id FROM users ORDER BY lower(nick) COLLATE "en-x-icu" DESC, user_id DESC LIMIT 15;
-- @ordered
SELECT name FROM users ORDER BY name LIMIT 8;
-- @ordered
SELECT name FROM users ORDER BY name USING > LIMIT 8;
-- @ordered
SELECT user_id, score FROM users ORDER BY score * -1, user_id LIMIT 4;
-- @ordered
SELECT user_id, amount FROM orders ORDER BY 2 DESC NULLS LAST, order_id LIMIT 7;
-- @ordered
SELECT user_id AS order_id, order_id AS user_id FROM orders ORDER BY user_id LIMIT 6;
-- @ordered
SELECT o.order_id AS user_id FROM orders o ORDER BY o.user_id, o.order_id LIMIT 6;
-- @ordered
SELECT -order_id AS order_id FROM orders ORDER BY order_id LIMIT 6;
-- @ordered
SELECT -order_id AS order_id FROM orders o ORDER BY o.order_id LIMIT 6;
-- @ordered
SELECT quantity AS status, count(*) AS user_id FROM orders GROUP BY quantity ORDER BY user_id DESC, quantity;
-- @ordered
SELECT order_id FROM orders ORDER BY amount IS NULL DESC, status, order_id LIMIT 30;
-- @ordered
SELECT order_id, placed FROM orders ORDER BY placed DESC LIMIT 3;
-- @ordered
SELECT quantity FROM orders ORDER BY quantity DESC NULLS LAST FETCH FIRST 3 ROWS WITH TIES;
SELECT status, count(*) FROM orders GROUP BY status ORDER BY count(*) FETCH FIRST 1 ROW WITH TIES;
-- @countonly
SELECT * FROM orders LIMIT 17;
-- @countonly
SELECT * FROM orders OFFSET 290;
SELECT * FROM orders LIMIT 0;
-- @ordered
SELECT order_id FROM orders ORDER BY order_id OFFSET 298;
-- @ordered
SELECT order_id FROM orders ORDER BY order_id LIMIT NULL OFFSET NULL;
-- @ordered
SELECT order_id FROM orders ORDER BY order_id LIMIT (SELECT count(*) FROM products) / 4 OFFSET 2 + 1;
SELECT order_id FROM orders ORDER BY order_id LIMIT -1;
SELECT order_id FROM orders ORDER BY order_id OFFSET -1;
-- @ordered
SELECT order_id FROM orders ORDER BY order_id OFFSET 10000;
SELECT count(*) FROM (SELECT * FROM orders ORDER BY order_id LIMIT 11) s;
SELECT sum(order_id) FROM (SELECT order_id FROM orders ORDER BY amount DESC NULLS LAST, order_id LIMIT 11 OFFSET 4) s;
-- @ordered
SELECT * FROM (SELECT order_id, status FROM orders ORDER BY order_id LIMIT 20) s ORDER BY status, order_id DESC LIMIT 6;
SELECT user_id, (SELECT order_id FROM orders o WHERE o.user_id = u.user_id ORDER BY amount DESC NULLS LAST, order_id LIMIT 1) FROM users u;
-- @ordered
SELECT DISTINCT status, length(status) FROM orders ORDER BY length(status) DESC, status LIMIT 2;
-- @ordered
SELECT tags, id FROM products ORDER BY tags DESC NULLS LAST, id;
-- @ordered
SELECT event_id FROM events ORDER BY payload->'deep', event_id DESC LIMIT 9;
-- @ordered
SELECT site, day FROM visits ORDER BY day DESC, site NULLS FIRST, user_id, seconds LIMIT 9;
-- @ordered
SELECT active, user_id FROM users ORDER BY active DESC, user_id LIMIT 25;
-- @ordered
SELECT row(status, quantity) AS r, order_id FROM orders ORDER BY r DESC, order_id LIMIT 5;
-- @ordered
SELECT user_id FROM users ORDER BY (SELECT count(*) FROM orders o WHERE o.user_id = users.user_id) DESC, user_id LIMIT 5;
-- @ordered
SELECT count(*) FROM orders ORDER BY count(*) LIMIT 1;
-- @ordered
SELECT status FROM orders GROUP BY status ORDER BY max(amount) DESC;
-- @ordered
SELECT status FROM orders GROUP BY status, quantity ORDER BY max(amount) DESC NULLS LAST, status LIMIT 4;
