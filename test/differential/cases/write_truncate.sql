-- TRUNCATE: alone, together, CASCADE, RESTART IDENTITY, in transactions, of reference tables.
-- @setup
CREATE TABLE kinds (code text PRIMARY KEY);
CREATE TABLE p (k int PRIMARY KEY, kind text REFERENCES kinds, s serial);
CREATE TABLE c (k int REFERENCES p, v int);
CREATE TABLE other (k int, id int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE loc (id int);
INSERT INTO kinds VALUES ('a'), ('b');
INSERT INTO p SELECT i, 'a' FROM generate_series(1, 20) i;
INSERT INTO c SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO other SELECT i FROM generate_series(1, 20) i;
INSERT INTO loc VALUES (1);
-- @distribute
SELECT create_reference_table('kinds');
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('other', 'k');
-- @run
TRUNCATE p;
TRUNCATE nope;
BEGIN;
TRUNCATE c;
SELECT count(*) FROM c;
ROLLBACK;
SELECT count(*) FROM c;
BEGIN;
INSERT INTO c VALUES (3, 3);
TRUNCATE c;
INSERT INTO c VALUES (4, 4);
SELECT * FROM c;
SAVEPOINT s;
TRUNCATE c, other;
SELECT count(*) FROM other;
ROLLBACK TO s;
SELECT count(*) FROM other;
SELECT * FROM c;
COMMIT;
SELECT * FROM c;
TRUNCATE TABLE c, loc;
SELECT count(*) FROM c;
INSERT INTO c SELECT k, k FROM p;
-- @notices
TRUNCATE p CASCADE;
SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM c), (SELECT count(*) FROM kinds);
INSERT INTO p (k) VALUES (1) RETURNING s;
TRUNCATE p, c RESTART IDENTITY;
INSERT INTO p (k) VALUES (1) RETURNING s;
TRUNCATE other CONTINUE IDENTITY;
INSERT INTO other VALUES (1) RETURNING id;
BEGIN;
TRUNCATE other RESTART IDENTITY;
INSERT INTO other VALUES (1) RETURNING id;
ROLLBACK;
INSERT INTO other VALUES (2) RETURNING id;
TRUNCATE kinds;
-- @notices
TRUNCATE kinds CASCADE;
SELECT count(*) FROM p;
TRUNCATE ONLY other;
SELECT count(*) FROM other;
INSERT INTO kinds VALUES ('z');
INSERT INTO p VALUES (5, 'z');
TRUNCATE kinds, p, c;
SELECT count(*) FROM kinds;
DO $$BEGIN INSERT INTO other VALUES (9); TRUNCATE other; INSERT INTO other VALUES (10); END$$;
SELECT k FROM other;
