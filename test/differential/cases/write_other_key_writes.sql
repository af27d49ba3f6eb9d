-- UPDATE and DELETE whose other tables do not meet the target on one shard.
-- @setup
CREATE TABLE a (k int PRIMARY KEY, n int, v text);
CREATE TABLE b (x int, k int, w text);
CREATE TABLE loc (k int, w text);
INSERT INTO a SELECT i, i % 7, 'a' || i FROM generate_series(1, 40) i;
INSERT INTO b SELECT i, i % 20, 'b' || i FROM generate_series(1, 40) i;
INSERT INTO loc SELECT i, 'l' || i FROM generate_series(1, 10) i;
-- @distribute
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('b', 'x');
-- @run
UPDATE a SET v = b.w FROM b WHERE b.x = a.n + 100;
UPDATE a SET v = b.w FROM b WHERE b.k = a.k AND b.x > 20 RETURNING a.k, a.v, b.x;
UPDATE a SET v = loc.w FROM loc WHERE loc.k = a.k RETURNING a.k, a.v;
UPDATE a SET v = 'avg' WHERE n > (SELECT avg(n) FROM a) RETURNING k;
UPDATE a SET n = (SELECT count(*) FROM b WHERE b.k = a.k) RETURNING k, n;
UPDATE a SET v = o.v FROM a o WHERE o.k = a.k + 1 AND a.k < 10 RETURNING a.k, a.v;
UPDATE a SET v = (SELECT max(w) FROM b) WHERE k = 5 RETURNING v;
UPDATE a SET v = x.w FROM (SELECT k, max(w) AS w FROM b GROUP BY k) x WHERE x.k = a.k RETURNING a.k, a.v;
UPDATE a SET n = r FROM (SELECT k, rank() OVER (ORDER BY k DESC) AS r FROM a) s WHERE s.k = a.k AND a.k % 2 = 0 RETURNING a.k, n;
WITH w AS (SELECT k, count(*) AS c FROM b GROUP BY k) UPDATE a SET n = w.c FROM w WHERE w.k = a.n RETURNING a.k, a.n;
DELETE FROM a USING b WHERE b.x = a.n AND b.k = 3 RETURNING a.k, b.w;
DELETE FROM a USING loc WHERE loc.k = a.k AND loc.w = 'l7' RETURNING a.*;
DELETE FROM a WHERE k IN (SELECT k FROM b WHERE x > 35) RETURNING k;
DELETE FROM a WHERE n = (SELECT max(n) FROM a) RETURNING k;
DELETE FROM b WHERE NOT EXISTS (SELECT FROM a WHERE a.k = b.k) RETURNING x;
DELETE FROM a WHERE k = (SELECT min(k) FROM a) RETURNING k;
DELETE FROM b WHERE ctid IN (SELECT ctid FROM b WHERE k = 2) RETURNING x;
DELETE FROM a WHERE k IN (SELECT k FROM a ORDER BY n DESC, k LIMIT 3) RETURNING k;
DELETE FROM loc USING a WHERE a.k = loc.k RETURNING loc.k, a.v;
UPDATE loc SET w = a.v FROM a WHERE a.k = loc.k + 1;
SELECT * FROM a;
SELECT * FROM b;
