-- Foreign keys inside a colocation group and to reference tables; CASCADE, SET NULL, RESTRICT, deferred.
-- @setup
CREATE TABLE kinds (code text PRIMARY KEY, name text);
CREATE TABLE zones (id int PRIMARY KEY, name text);
CREATE TABLE parents (k int PRIMARY KEY, kind text REFERENCES kinds ON UPDATE CASCADE, v text);
CREATE TABLE children (k int REFERENCES parents ON DELETE CASCADE, id int, zone int REFERENCES zones ON DELETE SET NULL, PRIMARY KEY (k, id));
CREATE TABLE grand (k int, id int, note text, FOREIGN KEY (k, id) REFERENCES children ON DELETE CASCADE);
CREATE TABLE strict (k int REFERENCES parents ON DELETE RESTRICT, v int);
CREATE TABLE later (k int REFERENCES parents DEFERRABLE INITIALLY DEFERRED, v int);
CREATE TABLE selfref (k int, id int, boss int, PRIMARY KEY (k, id), FOREIGN KEY (k, boss) REFERENCES selfref);
INSERT INTO kinds VALUES ('a', 'A'), ('b', 'B'), ('c', 'C');
INSERT INTO zones SELECT i, 'z' || i FROM generate_series(1, 6) i;
INSERT INTO parents SELECT i, (ARRAY['a','b',NULL])[i % 3 + 1], 'p' || i FROM generate_series(1, 20) i;
INSERT INTO children SELECT i % 20 + 1, i, nullif(i % 7, 0) FROM generate_series(1, 60) i;
INSERT INTO grand SELECT k, id, 'g' || id FROM children WHERE id % 2 = 0;
INSERT INTO strict SELECT i, i FROM generate_series(1, 5) i;
INSERT INTO selfref SELECT i % 4, i, CASE WHEN i > 4 THEN i - 4 END FROM generate_series(1, 16) i;
-- @distribute
SELECT create_reference_table('kinds');
SELECT create_reference_table('zones');
SELECT create_distributed_table('parents', 'k');
SELECT create_distributed_table('children', 'k');
SELECT create_distributed_table('grand', 'k');
SELECT create_distributed_table('strict', 'k');
SELECT create_distributed_table('later', 'k');
SELECT create_distributed_table('selfref', 'k');
-- @run
INSERT INTO children VALUES (1, 100, 1);
INSERT INTO children VALUES (999, 100, 1);
INSERT INTO children VALUES (2, 100, 99);
INSERT INTO children VALUES (NULL, 100, 1);
INSERT INTO parents VALUES (100, 'nope', 'x');
INSERT INTO parents VALUES (100, 'a', 'x'), (101, 'nope', 'y');
INSERT INTO grand VALUES (1, 100, 'ok'), (1, NULL, 'null is fine');
INSERT INTO grand VALUES (1, 12345, 'no child');
UPDATE children SET zone = 50 WHERE k = 3;
UPDATE children SET zone = 3 WHERE k = 3 RETURNING id, zone;
UPDATE parents SET kind = 'q' WHERE k = 3;
UPDATE parents SET kind = 'c' WHERE k = 4;
DELETE FROM parents WHERE k = 1;
DELETE FROM parents WHERE k = 7;
SELECT count(*) FROM children WHERE k = 7;
SELECT count(*) FROM grand WHERE k = 7;
DELETE FROM parents WHERE k BETWEEN 8 AND 12 RETURNING k;
SELECT count(*), count(zone) FROM children;
SELECT count(*) FROM grand;
DELETE FROM kinds WHERE code = 'c';
DELETE FROM kinds WHERE code = 'a';
UPDATE kinds SET code = 'bb' WHERE code = 'b';
SELECT kind, count(*) FROM parents GROUP BY kind;
DELETE FROM zones WHERE id = 2;
SELECT zone, count(*) FROM children GROUP BY zone;
DELETE FROM zones;
SELECT count(zone) FROM children;
INSERT INTO zones VALUES (1, 'again');
DELETE FROM selfref WHERE k = 0 AND id = 4;
DELETE FROM selfref WHERE k = 0;
DELETE FROM selfref WHERE id > 13;
INSERT INTO selfref VALUES (5, 50, 51), (5, 51, 50);
INSERT INTO selfref VALUES (5, 50, 52);
BEGIN;
INSERT INTO later VALUES (500, 1);
INSERT INTO parents VALUES (500, 'a', 'late parent');
COMMIT;
BEGIN;
INSERT INTO later VALUES (501, 1);
-- @nodetail
COMMIT;
BEGIN;
INSERT INTO later VALUES (502, 1);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
DELETE FROM parents WHERE k = 500;
SELECT count(*) FROM later;
DELETE FROM later WHERE k = 500;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO later VALUES (503, 1);
ROLLBACK;
BEGIN;
INSERT INTO parents VALUES (200, 'a', 'new');
INSERT INTO children VALUES (200, 1, 1);
INSERT INTO grand VALUES (200, 1, 'fresh');
SAVEPOINT s;
DELETE FROM parents WHERE k = 200;
SELECT count(*) FROM grand WHERE k = 200;
ROLLBACK TO s;
SELECT count(*) FROM grand WHERE k = 200;
COMMIT;
BEGIN;
INSERT INTO kinds VALUES ('new', 'in this transaction');
INSERT INTO parents VALUES (201, 'new', 'x');
UPDATE parents SET kind = 'new' WHERE k = 2;
ROLLBACK;
COPY children FROM STDIN;
13	900	1
14	900	\N
\.
COPY children FROM STDIN;
13	901	1
777	901	\N
\.
SELECT p.k, count(c.id), count(g.id) FROM parents p LEFT JOIN children c USING (k) LEFT JOIN grand g USING (k, id) GROUP BY p.k;
TRUNCATE parents;
TRUNCATE kinds;
-- @nodetail
DELETE FROM parents;
DELETE FROM strict;
DELETE FROM parents;
SELECT count(*) FROM children;
SELECT count(*) FROM grand;
