-- Errors: found by the parser, while planning, and by a row on some shard.
-- @include shop
-- @run
SELEC * FROM users;
SELECT * FROM users WHERE;
SELECT nope FROM users;
SELECT user_id FROM users WHERE nope = 1;
SELECT u.nope FROM users u;
SELECT users.user_id FROM users u;
SELECT * FROM no_such_table;
SELECT * FROM no_schema.users;
SELECT no_function(user_id) FROM users;
SELECT user_id FROM users, orders;
SELECT user_id, count(*) FROM orders;
SELECT * FROM users GROUP BY country;
SELECT * FROM users WHERE count(*) > 1;
SELECT sum(sum(amount)) FROM orders;
SELECT rank() OVER (ORDER BY order_id) FROM orders WHERE rank() OVER (ORDER BY order_id) = 1;
SELECT DISTINCT status FROM orders ORDER BY order_id;
SELECT DISTINCT ON (status) status FROM orders ORDER BY order_id;
SELECT * FROM users WHERE user_id = 'x';
SELECT * FROM users WHERE user_id = true;
SELECT * FROM users WHERE name;
SELECT * FROM users WHERE user_id IN ('1', 'b');
SELECT * FROM users ORDER BY 20;
SELECT status FROM orders GROUP BY 5;
SELECT 1 / (user_id - 5) FROM users;
SELECT 1 / (user_id - 5) FROM users WHERE user_id = 5;
SELECT sum(1 / (order_id - 7)) FROM orders;
SELECT count(*) FROM orders WHERE 10 / (order_id - 7) > 2;
SELECT 1 / (order_id - 7) FROM orders WHERE user_id = 6;
-- @nomessage
SELECT name::int FROM users;
SELECT name::int FROM users WHERE user_id = 5;
-- @nomessage
SELECT max(name::date) FROM users;
SELECT sqrt(score - 5) FROM users;
SELECT ln(user_id - 1) FROM users WHERE user_id < 3;
SELECT (user_id * 9223372036854775807) FROM users WHERE user_id = 2;
SELECT sum(user_id) OVER (ORDER BY user_id ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM users;
SELECT amount::numeric(3,1) FROM orders;
-- @nomessage
SELECT payload->>'n' FROM events WHERE (payload->>'tag')::int = 1;
SELECT ('{' || name)::jsonb FROM users WHERE user_id = 4;
SELECT 'x' LIKE name ESCAPE 'ab' FROM users WHERE user_id = 4;
SELECT name ~ '(' FROM users WHERE user_id = 4;
SELECT substring(name FROM 2 FOR -1) FROM users WHERE user_id = 4;
SELECT repeat(name, 2000000000) FROM users WHERE user_id = 4;
SELECT (SELECT user_id FROM users);
SELECT user_id = (SELECT order_id FROM orders) FROM users;
SELECT chr(0) FROM users WHERE user_id = 1;
SELECT to_date(name, 'YYYY-MM-DD') FROM users WHERE user_id = 1;
SELECT timestamptz '2024-01-01 00:00' + user_id * interval '300000 years' FROM users WHERE user_id = 1;
SELECT * FROM users FOR UPDATE OF nope;
SELECT count(*) FROM users FOR UPDATE;
SELECT status FROM orders GROUP BY status FOR UPDATE;
SELECT * FROM users TABLESAMPLE nope (10);
SELECT * FROM users TABLESAMPLE SYSTEM (200);
SELECT nick FROM users WHERE nick = (name COLLATE "C") COLLATE "nope";
SELECT nick COLLATE "C" = name COLLATE "en-x-icu" FROM users;
SELECT nick || name < (country COLLATE "C") FROM users WHERE user_id = 3;
SELECT max(nick || name) FROM users;
WITH RECURSIVE r AS (SELECT user_id FROM r) SELECT * FROM r;
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT count(*) FROM r JOIN users ON true) SELECT * FROM r;
WITH w AS (SELECT 1) SELECT * FROM w w1, w2;
EXECUTE no_such;
PREPARE p AS SELECT * FROM users WHERE user_id = $1 AND name = $1;
PREPARE p AS SELECT * FROM users WHERE $1;
EXECUTE p(2);
FETCH no_cursor;
ROLLBACK TO SAVEPOINT none;
SAVEPOINT outside;
COMMIT;
ROLLBACK;
BEGIN;
SELECT count(*) FROM users;
SELECT 1 / (user_id - 5) FROM users;
SELECT count(*) FROM users;
COMMIT;
SELECT count(*) FROM users;
BEGIN;
SAVEPOINT a;
SELECT 1 / (order_id - 7) FROM orders;
SELECT 1;
ROLLBACK TO a;
SELECT count(*) FROM orders;
SAVEPOINT a;
SELECT name::int FROM users WHERE user_id = 5;
ROLLBACK TO a;
ROLLBACK TO a;
RELEASE a;
RELEASE a;
RELEASE a;
ROLLBACK;
START TRANSACTION READ ONLY;
SELECT count(*) FROM orders;
INSERT INTO users (user_id) VALUES (1000);
ROLLBACK;
BEGIN TRANSACTION READ ONLY;
UPDATE orders SET quantity = 0;
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM orders WHERE user_id = 5 FOR UPDATE;
ROLLBACK;
SET default_transaction_read_only = on;
DELETE FROM users WHERE user_id = 5;
COPY nothing FROM STDIN;
1	a	2
\.
TRUNCATE nothing;
RESET default_transaction_read_only;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM orders;
SELECT count(*) FROM users;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM orders;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
ROLLBACK;
CREATE VIEW v AS SELECT nope FROM users;
CREATE TABLE users (x int);
CREATE VIEW orders AS SELECT 1;
-- @batch
SELECT 1; SELECT count(*) FROM users; SELECT count(*) FROM orders WHERE user_id = 5;
-- @end
-- @batch
INSERT INTO nothing VALUES (1, 'batch', 1); SELECT 1 / (user_id - 5) FROM users;
-- @end
SELECT count(*) FROM nothing;
-- @batch
INSERT INTO nothing VALUES (2, 'kept', 1); COMMIT; SELECT 1 / (user_id - 5) FROM users;
-- @end
SELECT * FROM nothing;
