-- Cursors: forward, scrolling, held, over shards.
-- @include shop
-- @run
DECLARE outside CURSOR FOR SELECT 1;
BEGIN;
DECLARE c CURSOR FOR SELECT order_id FROM orders ORDER BY order_id;
-- @ordered
FETCH c;
-- @ordered
FETCH 3 FROM c;
MOVE 10 IN c;
-- @ordered
FETCH NEXT FROM c;
-- @ordered
FETCH FORWARD 2 FROM c;
MOVE FORWARD ALL IN c;
FETCH c;
CLOSE c;
FETCH c;
ROLLBACK;
BEGIN;
DECLARE s SCROLL CURSOR FOR SELECT user_id, name FROM users ORDER BY user_id;
-- @ordered
FETCH LAST FROM s;
-- @ordered
FETCH PRIOR FROM s;
-- @ordered
FETCH FIRST FROM s;
-- @ordered
FETCH ABSOLUTE 10 FROM s;
-- @ordered
FETCH RELATIVE -3 FROM s;
-- @ordered
FETCH BACKWARD 3 FROM s;
MOVE BACKWARD ALL IN s;
-- @ordered
FETCH ALL FROM s;
FETCH 1 FROM s;
-- @ordered
FETCH BACKWARD 2 FROM s;
FETCH ABSOLUTE -1 FROM s;
FETCH 0 FROM s;
CLOSE ALL;
COMMIT;
BEGIN;
DECLARE n NO SCROLL CURSOR FOR SELECT user_id FROM users WHERE user_id = 5;
FETCH BACKWARD 1 FROM n;
ROLLBACK;
BEGIN;
DECLARE a CURSOR FOR SELECT order_id FROM orders WHERE user_id = 5 ORDER BY order_id;
DECLARE b CURSOR FOR SELECT status, count(*) FROM orders GROUP BY status ORDER BY status;
-- @ordered
FETCH 2 FROM a;
-- @ordered
FETCH 1 FROM b;
-- @ordered
FETCH 1 FROM a;
SELECT count(*) FROM items;
-- @ordered
FETCH ALL FROM b;
-- @ordered
FETCH ALL FROM a;
COMMIT;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT order_id FROM orders WHERE quantity = 3 ORDER BY order_id;
-- @ordered
FETCH 2 FROM held;
COMMIT;
-- @ordered
FETCH 2 FROM held;
SELECT name, is_holdable FROM pg_cursors;
CLOSE held;
BEGIN;
DECLARE snap CURSOR FOR SELECT count(*) FROM orders;
DECLARE rows CURSOR FOR SELECT order_id FROM orders ORDER BY order_id;
-- @ordered
FETCH 1 FROM rows;
DELETE FROM orders WHERE order_id > 10;
-- @ordered
FETCH 1 FROM rows;
-- @ordered
FETCH FORWARD 20 FROM rows;
FETCH snap;
SELECT count(*) FROM orders;
ROLLBACK;
SELECT count(*) FROM orders;
BEGIN;
DECLARE e CURSOR FOR SELECT 1 / (order_id - 3) FROM orders ORDER BY order_id;
FETCH 2 FROM e;
FETCH 2 FROM e;
FETCH 1 FROM e;
ROLLBACK;
BEGIN;
DECLARE part CURSOR FOR SELECT user_id FROM users ORDER BY user_id;
SAVEPOINT one;
-- @ordered
FETCH 3 FROM part;
ROLLBACK TO one;
-- @ordered
FETCH 3 FROM part;
COMMIT;
PREPARE q(int) AS SELECT order_id FROM orders WHERE quantity = $1 ORDER BY 1;
BEGIN;
DECLARE x CURSOR FOR SELECT o.order_id, u.name FROM orders o JOIN users u USING (user_id) WHERE u.active ORDER BY o.order_id;
-- @ordered
FETCH 4 FROM x;
-- @ordered
EXECUTE q(1);
-- @ordered
FETCH 4 FROM x;
END;
