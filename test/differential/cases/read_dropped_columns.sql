-- Tables whose attribute numbers have holes, with generated and default columns.
-- @setup
CREATE TABLE first_gone (gone int, id int, a text, b int);
ALTER TABLE first_gone DROP COLUMN gone;
CREATE TABLE holes (a int, gone1 text, id int NOT NULL, gone2 numeric, b text DEFAULT 'dflt', gone3 int, c int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO holes (a, gone1, id, gone2, b, gone3) SELECT i, 'g', i, 1.5, 'b' || i, 7 FROM generate_series(1, 15) i;
ALTER TABLE holes DROP COLUMN gone1, DROP COLUMN gone2, DROP COLUMN gone3;
ALTER TABLE holes ADD COLUMN late int DEFAULT 42, ADD COLUMN d date;
INSERT INTO first_gone SELECT i, 'a' || i, i % 4 FROM generate_series(1, 15) i;
CREATE TABLE ref_holes (x int, code int, y text, label text);
ALTER TABLE ref_holes DROP COLUMN x, DROP COLUMN y;
INSERT INTO ref_holes SELECT i, 'l' || i FROM generate_series(0, 3) i;
-- @distribute
SELECT create_distributed_table('first_gone', 'id');
SELECT create_distributed_table('holes', 'id');
SELECT create_reference_table('ref_holes');
-- @run
SELECT * FROM first_gone;
SELECT * FROM holes;
SELECT * FROM holes WHERE id = 4;
SELECT h FROM holes h WHERE id = 4;
SELECT h, f FROM holes h JOIN first_gone f USING (id) WHERE id < 4;
SELECT f.*, r.* FROM first_gone f JOIN ref_holes r ON r.code = f.b;
SELECT row_to_json(h) FROM holes h WHERE id < 3;
SELECT late, count(*), sum(c) FROM holes GROUP BY late;
SELECT (SELECT h FROM holes h WHERE h.id = f.id) FROM first_gone f WHERE f.id < 4;
SELECT c, d FROM holes WHERE c = 8;
INSERT INTO holes VALUES (100, 100, 'vals');
INSERT INTO holes VALUES (101, 101, 'vals', DEFAULT, 5, '2024-01-01') RETURNING *;
INSERT INTO holes (id) VALUES (102) RETURNING h, h.c;
INSERT INTO holes (id) VALUES (102) RETURNING holes, holes.c;
INSERT INTO holes (d, id, a) SELECT '2024-02-02', id + 200, id FROM first_gone WHERE id < 4 RETURNING *;
INSERT INTO holes SELECT id, id + 300, a FROM first_gone WHERE id < 3;
INSERT INTO first_gone SELECT id + 100, b, late FROM holes WHERE id < 4;
INSERT INTO first_gone VALUES (500, 'x', 1), (501, 'y', 2);
INSERT INTO ref_holes VALUES (9, 'nine'), (8, NULL) RETURNING *;
UPDATE holes SET a = a + 1, late = DEFAULT WHERE id = 3 RETURNING *;
UPDATE holes SET (b, d) = ('pair', '2020-01-01') WHERE id IN (4, 5) RETURNING b, c, d;
UPDATE holes SET b = f.a FROM first_gone f WHERE f.id = holes.id AND f.b = 2 RETURNING holes.*, f.*;
UPDATE holes SET c = 5 WHERE id = 1;
DELETE FROM holes USING ref_holes r WHERE r.code = holes.id RETURNING holes, r;
DELETE FROM first_gone WHERE id > 400 RETURNING *;
COPY holes FROM STDIN;
7	700	copied	1	2024-05-05
8	701	copied2	\N	\N
\.
COPY holes (id, a) FROM STDIN;
702	5
\.
COPY first_gone TO STDOUT;
COPY holes TO STDOUT;
SELECT count(*), sum(c), sum(late) FROM holes;
