-- Data-modifying WITH on distributed tables.
-- @setup
CREATE TABLE q (id int PRIMARY KEY, state text, n int);
CREATE TABLE done (id int, n int);
CREATE TABLE hist (what text, id int);
INSERT INTO q SELECT i, 'new', i * 2 FROM generate_series(1, 30) i;
-- @distribute
SELECT create_distributed_table('q', 'id');
SELECT create_distributed_table('done', 'id');
SELECT create_distributed_table('hist', 'what');
-- @run
WITH x AS (DELETE FROM q WHERE id <= 5 RETURNING id, n) INSERT INTO done SELECT * FROM x RETURNING *;
WITH x AS (UPDATE q SET state = 'taken' WHERE id IN (6, 7) RETURNING id) SELECT count(*) FROM x;
WITH x AS (INSERT INTO q VALUES (100, 'w', 1), (101, 'w', 2) RETURNING id, n) SELECT sum(n), (SELECT count(*) FROM q) FROM x;
WITH x AS (UPDATE q SET n = n + 1 WHERE id < 12 RETURNING id, n) INSERT INTO hist SELECT 'updated', id FROM x;
WITH pick AS (SELECT id FROM q WHERE state = 'new' ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED) UPDATE q SET state = 'working' FROM pick WHERE pick.id = q.id RETURNING q.id;
WITH x AS (DELETE FROM q WHERE id > 1000 RETURNING id) DELETE FROM done WHERE id NOT IN (SELECT id FROM x);
WITH x AS (INSERT INTO hist VALUES ('a', 1) RETURNING id), y AS (INSERT INTO hist VALUES ('b', 2) RETURNING id) SELECT x.id + y.id FROM x, y;
WITH x AS (UPDATE q SET n = 0) SELECT count(*) FROM q WHERE n = 0;
WITH x AS (INSERT INTO q VALUES (9, 'dup', 1)) SELECT 1;
SELECT * FROM q;
