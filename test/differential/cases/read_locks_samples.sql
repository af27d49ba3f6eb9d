-- Row locks, LOCK TABLE, TABLESAMPLE, COPY TO, and reads inside transactions with writes.
-- @include shop
-- @run
SELECT order_id FROM orders WHERE user_id = 5 FOR UPDATE;
SELECT order_id FROM orders WHERE user_id = 5 FOR SHARE;
SELECT order_id FROM orders WHERE user_id = 5 FOR NO KEY UPDATE NOWAIT;
SELECT order_id FROM orders WHERE user_id = 5 FOR KEY SHARE SKIP LOCKED;
SELECT order_id FROM orders WHERE quantity = 2 FOR UPDATE;
-- @ordered
SELECT order_id FROM orders WHERE quantity = 2 ORDER BY order_id FOR UPDATE;
-- @ordered
SELECT order_id FROM orders WHERE status = 'new' ORDER BY order_id LIMIT 5 FOR UPDATE SKIP LOCKED;
SELECT u.user_id, o.order_id FROM users u JOIN orders o USING (user_id) WHERE o.quantity = 1 FOR UPDATE OF o;
SELECT u.user_id, c.name FROM users u JOIN countries c ON c.code = u.country WHERE u.active FOR SHARE;
SELECT c.name FROM countries c WHERE code = 'de' FOR UPDATE;
SELECT u.user_id FROM users u WHERE u.user_id IN (SELECT user_id FROM orders WHERE quantity = 4) FOR UPDATE;
SELECT u.user_id, e.event_id FROM users u JOIN events e ON e.user_id = u.user_id WHERE u.user_id < 4 FOR UPDATE OF u;
SELECT user_id, count(*) FROM (SELECT * FROM orders WHERE quantity = 1 FOR UPDATE) s GROUP BY user_id;
BEGIN;
SELECT count(*) FROM (SELECT FROM orders WHERE user_id = 5 FOR UPDATE) s;
UPDATE orders SET status = 'locked' WHERE user_id = 5;
SELECT status, count(*) FROM orders WHERE user_id = 5 GROUP BY status;
SELECT order_id, status FROM orders WHERE quantity = 2 AND user_id < 10 FOR UPDATE;
ROLLBACK;
BEGIN;
LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE;
LOCK users, countries IN ACCESS SHARE MODE;
SELECT count(*) FROM orders;
COMMIT;
LOCK TABLE orders;
SELECT count(*) FROM orders TABLESAMPLE SYSTEM (100);
SELECT count(*) FROM orders TABLESAMPLE BERNOULLI (100) REPEATABLE (3);
SELECT count(*) FROM orders TABLESAMPLE SYSTEM (0);
SELECT count(*) FROM orders o TABLESAMPLE BERNOULLI (100) JOIN users u USING (user_id) WHERE u.active;
SELECT order_id FROM orders TABLESAMPLE SYSTEM (100) WHERE user_id = 5;
COPY countries TO STDOUT;
COPY users TO STDOUT;
COPY users (user_id, nick, active) TO STDOUT;
COPY orders TO STDOUT (FORMAT csv, HEADER, NULL '~', FORCE_QUOTE (status));
COPY events (event_id, payload) TO STDOUT WITH CSV DELIMITER ';' QUOTE '''';
COPY (SELECT user_id, count(*) FROM orders GROUP BY user_id) TO STDOUT;
-- @ordered
COPY (SELECT order_id, status FROM orders WHERE user_id = 5 ORDER BY order_id) TO STDOUT CSV HEADER;
COPY (SELECT u FROM users u WHERE active) TO STDOUT;
COPY nothing TO STDOUT;
COPY nothing TO STDOUT CSV HEADER;
COPY (DELETE FROM orders WHERE user_id = 6 RETURNING order_id) TO STDOUT;
COPY users (nope) TO STDOUT;
COPY (SELECT 1 / (user_id - 5) FROM users) TO STDOUT;
BEGIN;
INSERT INTO nothing SELECT i, 'n' || i, i FROM generate_series(1, 20) i;
COPY nothing TO STDOUT;
SELECT count(*), sum(n) FROM nothing;
SELECT u.user_id, n.v FROM users u JOIN nothing n ON n.id = u.user_id;
DELETE FROM nothing WHERE n > 5;
SELECT * FROM nothing;
ROLLBACK;
SELECT count(*) FROM nothing;
