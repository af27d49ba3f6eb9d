-- What a deparser made for stored views gets wrong in trees after rewriting: column order, defaults, renamed outputs, views, whole rows, composite fields.
-- @setup
CREATE TYPE point3 AS (x int, y int, "the z" text);
CREATE TABLE trap (k int, a int DEFAULT 7, b text DEFAULT 'b''s', gone int, c point3, "Odd ""name" int DEFAULT 1 + 2, g int GENERATED ALWAYS AS (k * 2) STORED);
ALTER TABLE trap DROP COLUMN gone;
CREATE TABLE feed (b text, k int, a int);
INSERT INTO feed SELECT 'f' || i, i, 100 - i FROM generate_series(1, 30) i;
INSERT INTO trap (k, a, b, c) SELECT i, 50 - i, 't' || i % 4, (i, -i, 'z' || i)::point3 FROM generate_series(1, 20) i;
CREATE VIEW renamed AS SELECT b AS k, k AS b, a AS "Odd ""name", c FROM trap;
CREATE VIEW simple AS SELECT k, a, b FROM trap WHERE k > 0;
CREATE VIEW nested AS SELECT s.b, s.k AS key FROM simple s;
ALTER VIEW simple ALTER COLUMN a SET DEFAULT 77;
-- @distribute
SELECT create_distributed_table('trap', 'k');
SELECT create_distributed_table('feed', 'k');
-- @run
INSERT INTO trap (b, k, a) SELECT b, k, a FROM feed WHERE k < 4;
INSERT INTO trap (a, b, k) SELECT k, b, a FROM feed WHERE k BETWEEN 4 AND 6 RETURNING k, a, b;
INSERT INTO trap (a, b, k) SELECT k, b, a FROM feed WHERE k BETWEEN 4 AND 6 ORDER BY b DESC LIMIT 2 RETURNING b, a, k;
INSERT INTO trap (k, b) SELECT k, DEFAULT FROM feed;
INSERT INTO trap (k, b, a) VALUES (101, DEFAULT, DEFAULT), (DEFAULT, 'x', DEFAULT), (103, DEFAULT, 3) RETURNING k, a, b, "Odd ""name", g;
INSERT INTO trap (k) SELECT k + 200 FROM feed WHERE k < 3 RETURNING trap;
INSERT INTO trap DEFAULT VALUES RETURNING k, a, b, g;
INSERT INTO trap (b, c.y, k, c.x) VALUES ('fields', 2, 300, 1) RETURNING c, (c).x, (c).y, (c)."the z";
INSERT INTO trap AS "T" (k, b) VALUES (301, 'alias') RETURNING "T".b, "T".*;
INSERT INTO simple (b, k) VALUES ('through a view', 302) RETURNING a, b, k;
INSERT INTO simple SELECT k + 400, a, b FROM feed WHERE k < 3 RETURNING *;
INSERT INTO nested (key, b) SELECT k + 500, b FROM feed WHERE k < 3 RETURNING b, key;
INSERT INTO renamed (b, k, "Odd ""name") VALUES (600, 'crossed', 6) RETURNING *;
-- @ordered
SELECT b AS k, k AS b, a FROM trap t WHERE k <= 20 ORDER BY t.k, t.a;
-- @ordered
SELECT b AS k, k AS b FROM trap t WHERE k <= 20 ORDER BY k, b;
-- @ordered
SELECT -k AS k FROM trap t WHERE k <= 20 ORDER BY t.k + 0, k LIMIT 7;
-- @ordered
SELECT a AS b, b AS a, count(*) AS k FROM trap GROUP BY trap.a, trap.b, trap.k ORDER BY trap.k, trap.a, trap.b LIMIT 9;
-- @ordered
SELECT k % 5 AS k, sum(a) AS a FROM trap t WHERE k <= 20 GROUP BY t.k % 5 ORDER BY sum(t.a), t.k % 5;
-- @ordered
SELECT DISTINCT k AS a, a AS k FROM trap WHERE k BETWEEN 5 AND 9 ORDER BY k, a;
-- @ordered
SELECT * FROM renamed WHERE b BETWEEN 3 AND 9 ORDER BY b, k;
-- @ordered
SELECT r.b AS k, r.k AS b FROM renamed r JOIN nested n ON n.key = r.b WHERE r.b < 8 ORDER BY r.b, n.b, r.k;
SELECT key, count(*) FROM nested GROUP BY key HAVING count(*) > 1;
SELECT t FROM trap t WHERE k = 3;
SELECT t FROM trap t WHERE k BETWEEN 3 AND 5;
SELECT (t).c, (t).b, ((t).c).x FROM trap t WHERE k BETWEEN 3 AND 5;
SELECT (t.c).*, (t.c)."the z" AS x FROM trap t WHERE k = 4;
SELECT row_to_json(t), to_jsonb(t.c) FROM trap t WHERE k = 5;
SELECT t, f FROM trap t JOIN feed f USING (k) WHERE k BETWEEN 7 AND 9;
SELECT j FROM (trap t JOIN feed f USING (k)) j WHERE k = 8;
SELECT count(t), count(DISTINCT t.c), count(t.*) FROM trap t LEFT JOIN feed f ON f.k = t.k AND f.a > 90;
SELECT k, t IS NULL, t.c IS NULL, t.c IS NOT NULL FROM feed f LEFT JOIN trap t USING (k) WHERE k > 17;
SELECT s, s.k FROM (SELECT k, b AS "k b", a FROM trap WHERE k < 4) s;
SELECT ROW(t.*) = ROW(t.*), ROW(t.k, t.b) < ROW(5, 'x') FROM trap t WHERE k = 5;
UPDATE trap SET c.x = 11 WHERE k = 3 RETURNING c;
UPDATE trap t SET b = t.b || f.b, a = DEFAULT FROM feed f WHERE f.k = t.k AND t.k IN (3, 4) RETURNING t.k, t.b, f.b, t.a;
UPDATE trap SET (a, b) = (b || '1', a) WHERE false;
UPDATE trap SET (b, a) = ('row', DEFAULT) WHERE k = 5 RETURNING b, a;
UPDATE trap SET (a, b) = (SELECT f.a, f.b FROM feed f WHERE f.k = trap.k) WHERE k BETWEEN 6 AND 8 RETURNING k, a, b;
UPDATE nested SET b = 'via view' WHERE key = 9 RETURNING *;
UPDATE trap AS "T" SET b = "T".b || '!' WHERE "T".k = 10 RETURNING "T".b;
DELETE FROM nested WHERE key = 10 RETURNING b AS key, key AS b;
DELETE FROM trap USING feed WHERE feed.k = trap.k AND feed.a < 82 RETURNING trap.k, feed.b;
SET standard_conforming_strings = off;
SELECT k, b || 'back\\slash' FROM trap WHERE b <> 'it''s \\' AND k < 6;
INSERT INTO trap (k, b) VALUES (700, 'a\\b''c') RETURNING b, 'x\\';
SELECT count(*) FROM trap WHERE b = 'a\\b''c' AND k = 700;
UPDATE trap SET b = b || '\\' WHERE k = 700 RETURNING b;
DELETE FROM trap WHERE b LIKE '%\\\\' AND k = 700;
RESET standard_conforming_strings;
SET quote_all_identifiers = on;
SELECT k, count(*) FROM trap WHERE k < 9 GROUP BY k;
INSERT INTO trap (k, b) SELECT k + 800, b FROM feed WHERE k < 4 RETURNING *;
RESET quote_all_identifiers;
SELECT k, a, b, c, "Odd ""name", g FROM trap;
