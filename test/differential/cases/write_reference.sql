-- Writes to reference tables, read back alone, in joins (their copies) and from every shard.
-- @setup
CREATE TABLE ref (id int PRIMARY KEY, name text, n int DEFAULT 3, at date DEFAULT '2024-01-01', CHECK (n < 50));
CREATE TABLE refser (id serial PRIMARY KEY, v text, g text GENERATED ALWAYS AS ('<' || v || '>') STORED);
CREATE TABLE child (id int REFERENCES ref ON DELETE CASCADE ON UPDATE CASCADE, what text);
CREATE TABLE nokey (a int, b text);
CREATE TABLE dist (k int PRIMARY KEY, r int);
INSERT INTO ref SELECT i, 'r' || i FROM generate_series(1, 10) i;
INSERT INTO dist SELECT i, i % 14 FROM generate_series(1, 40) i;
-- @distribute
SELECT create_reference_table('ref');
SELECT create_reference_table('refser');
SELECT create_reference_table('child');
SELECT create_reference_table('nokey');
SELECT create_distributed_table('dist', 'k');
-- @run
SELECT d.k, r.* FROM dist d JOIN ref r ON r.id = d.r;
INSERT INTO ref VALUES (11, 'eleven') RETURNING *;
INSERT INTO ref (id, name) VALUES (12, 'a'), (13, 'b');
SELECT count(*), max(r.name) FROM dist d JOIN ref r ON r.id = d.r;
UPDATE ref SET n = n + id WHERE id < 6 RETURNING id, n;
SELECT d.k, r.n FROM dist d JOIN ref r ON r.id = d.r WHERE d.k < 12;
UPDATE ref SET n = 100 WHERE id = 6;
UPDATE ref SET at = now() WHERE id = 1 RETURNING at = current_date;
UPDATE ref SET at = '2020-02-02' WHERE id = 1;
DELETE FROM ref WHERE id = 13 RETURNING *;
SELECT d.k FROM dist d LEFT JOIN ref r ON r.id = d.r WHERE r.id IS NULL;
INSERT INTO refser (v) VALUES ('a'), ('b') RETURNING *;
INSERT INTO refser (v) SELECT 'k' || k FROM dist WHERE k < 5 ORDER BY k RETURNING id, g;
INSERT INTO refser (v) VALUES ('c') RETURNING id;
UPDATE refser SET v = upper(v) RETURNING g;
SELECT d.k, s.id, s.g FROM dist d JOIN refser s ON s.id = d.k;
INSERT INTO refser (v) SELECT md5(g::text) FROM generate_series(1, 3) g;
INSERT INTO child VALUES (1, 'c1'), (2, 'c2'), (NULL, 'c3');
INSERT INTO child VALUES (99, 'bad');
UPDATE ref SET id = 101 WHERE id = 1;
SELECT c.id, d.k FROM child c LEFT JOIN dist d ON d.k = c.id;
DELETE FROM ref WHERE id = 2;
SELECT * FROM child;
INSERT INTO nokey VALUES (1, 'same'), (1, 'same'), (NULL, NULL), (2, 'x');
UPDATE nokey SET b = b || '!' WHERE a = 1 RETURNING *;
DELETE FROM nokey WHERE a IS NULL;
SELECT d.k, n.b FROM dist d JOIN nokey n ON n.a = d.k;
DELETE FROM nokey WHERE ctid = (SELECT min(ctid) FROM nokey WHERE a = 1);
SELECT d.k, n.b FROM dist d JOIN nokey n ON n.a = d.k;
COPY ref (id, name) FROM STDIN;
50	copied
51	copied
\.
COPY ref TO STDOUT;
COPY ref (id, name) FROM STDIN;
52	copied
50	dup
\.
SELECT count(*) FROM ref WHERE name = 'copied';
BEGIN;
INSERT INTO ref VALUES (60, 'tx');
UPDATE dist SET r = 60 WHERE k = 1;
SELECT d.k, r.name FROM dist d JOIN ref r ON r.id = d.r WHERE d.k = 1;
SAVEPOINT s;
DELETE FROM ref;
SELECT count(*) FROM dist d JOIN ref r ON r.id = d.r;
ROLLBACK TO s;
UPDATE ref SET name = 'tx2' WHERE id = 60;
COMMIT;
SELECT d.k, r.name FROM dist d JOIN ref r ON r.id = d.r WHERE d.k = 1;
SELECT * FROM ref WHERE id = 60 FOR UPDATE;
PREPARE r(int, text) AS INSERT INTO ref (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = ref.name || $2 RETURNING *;
EXECUTE r(70, 'a');
EXECUTE r(70, 'b');
EXECUTE r(71, 'a');
EXECUTE r(71, 'b');
EXECUTE r(72, 'a');
EXECUTE r(72, 'b');
EXECUTE r(73, 'a');
PREPARE look(int) AS SELECT name FROM ref WHERE id = $1;
EXECUTE look(70);
EXECUTE look(71);
EXECUTE look(72);
EXECUTE look(73);
EXECUTE look(50);
EXECUTE look(51);
EXECUTE look(NULL);
TRUNCATE ref, child;
SELECT count(*) FROM dist d JOIN ref r ON r.id = d.r;
