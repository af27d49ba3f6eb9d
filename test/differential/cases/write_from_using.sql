-- UPDATE ... FROM and DELETE ... USING with tables of the same key and reference tables; sub-queries on the key.
-- @setup
CREATE TABLE a (k int, id int, n int, v text, PRIMARY KEY (k, id));
CREATE TABLE b (k int, id int, n int, w text);
CREATE TABLE r (id int PRIMARY KEY, name text, factor int);
INSERT INTO a SELECT i % 11, i, i, 'a' || i FROM generate_series(1, 60) i;
INSERT INTO b SELECT i % 11, i, i * 10, 'b' || i FROM generate_series(1, 90) i WHERE i % 3 <> 0;
INSERT INTO r SELECT i, 'r' || i, i * 2 FROM generate_series(1, 8) i;
-- @distribute
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('b', 'k');
SELECT create_reference_table('r');
-- @run
UPDATE a SET v = b.w FROM b WHERE b.k = a.k AND b.id = a.id;
UPDATE a SET n = a.n + b.n, v = 'joined' FROM b WHERE b.k = a.k AND b.id = a.id AND a.k = 3 RETURNING a.id, a.n, b.w;
UPDATE a SET n = r.factor FROM r WHERE r.id = a.k RETURNING a.k, a.id, r.name;
UPDATE a x SET v = r.name || b.w FROM b JOIN r ON r.id = b.n / 100 WHERE b.k = x.k AND b.id = x.id RETURNING x.id, x.v, r.*;
UPDATE a SET n = s.total FROM (SELECT k, sum(n) AS total FROM b GROUP BY k) s WHERE s.k = a.k AND a.k < 6 RETURNING a.k, a.n;
UPDATE a SET v = b.w FROM b LEFT JOIN r ON r.id = b.k WHERE b.k = a.k AND b.id = a.id AND r.id IS NULL RETURNING a.id;
UPDATE a SET n = (SELECT count(*) FROM b WHERE b.k = a.k);
UPDATE a SET n = (SELECT max(b.n) FROM b WHERE b.k = a.k AND b.id < a.id), v = 'max' WHERE k IN (1, 2) RETURNING id, n;
UPDATE a SET (n, v) = (SELECT sum(b.n), max(w) FROM b WHERE b.k = a.k) WHERE k = 5 RETURNING *;
UPDATE a SET v = 'has' WHERE EXISTS (SELECT FROM b WHERE b.k = a.k AND b.id = a.id) RETURNING id;
UPDATE a SET v = 'lacks' WHERE NOT EXISTS (SELECT FROM b WHERE b.k = a.k AND b.id = a.id) RETURNING id;
UPDATE a SET v = 'in' WHERE (k, id) IN (SELECT k, id FROM b WHERE n > 300) RETURNING id;
UPDATE a SET v = o.v || '+' FROM a o WHERE o.k = a.k AND o.id = a.id AND a.k = 7 RETURNING a.v;
UPDATE a SET v = x.t FROM (VALUES (1, 'one'), (2, 'two')) x(k, t) WHERE x.k = a.k RETURNING a.id, a.v;
UPDATE a SET v = u.t FROM unnest(ARRAY[3, 4], ARRAY['three', 'four']) u(k, t) WHERE u.k = a.k RETURNING a.id, a.v;
UPDATE r SET factor = factor + 1 FROM (VALUES (1), (3)) x(id) WHERE x.id = r.id RETURNING r.*;
WITH s AS (SELECT k, max(id) AS id FROM b GROUP BY k) UPDATE a SET n = -1 FROM s WHERE s.k = a.k AND s.id > 85 RETURNING a.k, s.id;
DELETE FROM a USING b WHERE b.k = a.k AND b.id = a.id AND b.n > 400 RETURNING a.id, b.n;
DELETE FROM a USING r WHERE r.id = a.k AND r.factor > 12 RETURNING a.k, r.name;
DELETE FROM b USING a, r WHERE a.k = b.k AND a.id = b.id AND r.id = a.k RETURNING b.id;
DELETE FROM b WHERE NOT EXISTS (SELECT FROM a WHERE a.k = b.k) RETURNING b.k;
DELETE FROM a WHERE (SELECT count(*) FROM b WHERE b.k = a.k) < 3 RETURNING k, id;
DELETE FROM r USING (VALUES (1), (99)) x(id) WHERE x.id = r.id RETURNING name;
DELETE FROM b USING b AS c WHERE b.k = c.k AND b.id < c.id RETURNING b.id;
UPDATE a SET n = 1 / (b.n - b.n) FROM b WHERE b.k = a.k;
SELECT * FROM a;
SELECT * FROM b;
