-- Assignments to elements, fields, slices and JSON paths, row assignments and domains where the new values come from anywhere.
-- @setup
CREATE TYPE addr AS (street text, zip int);
CREATE TYPE person AS (name text, home addr, mails text[]);
CREATE TYPE level AS ENUM ('low', 'mid', 'high');
CREATE DOMAIN short AS varchar(6) CHECK (VALUE <> 'bad');
CREATE DOMAIN pos AS int NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN evens AS int[] CHECK (array_length(VALUE, 1) % 2 = 0);
CREATE TYPE span AS RANGE (subtype = int);
CREATE TABLE p (k int, id int, who person, a int[], m int[][], j jsonb, lv level, s short, n pos DEFAULT 1, e evens, sp span, ms nummultirange, t varchar(4), num numeric(5,1), c char(3), lvs level[], pp person[]);
CREATE TABLE src (x text, id int, a int[], j jsonb, lv level, s text, who person);
INSERT INTO p SELECT i % 5, i, ROW('n' || i, ROW('s' || i, i)::addr, ARRAY['m' || i])::person, ARRAY[i, i + 1, i + 2], ARRAY[[i, 1], [2, 3]], jsonb_build_object('i', i, 'l', jsonb_build_array(1, 2)),
  (enum_range(NULL::level))[i % 3 + 1], 's' || i, i, ARRAY[i, i], span(i, i + 5), nummultirange(numrange(i, i + 1)), 't' || i, i / 3.0, 'c' || i, enum_range(NULL::level), ARRAY[ROW('x', NULL, NULL)::person] FROM generate_series(1, 25) i;
INSERT INTO src SELECT 'x' || i % 4, i, ARRAY[i * 10, i * 20], jsonb_build_object('new', i), (enum_range(NULL::level))[(i + 1) % 3 + 1], 'q' || i, ROW('src' || i, NULL, '{}')::person FROM generate_series(1, 25) i;
-- @distribute
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('src', 'x');
-- @distribute by-id
SELECT create_distributed_table('p', 'id');
SELECT create_distributed_table('src', 'id');
-- @distribute by-value
SELECT create_distributed_table('p', 's');
SELECT create_reference_table('src');
-- @run
UPDATE p SET a[2] = src.id, a[7] = -1 FROM src WHERE src.id = p.id AND p.id < 5 RETURNING p.id, p.a;
UPDATE p SET a[1:2] = src.a FROM src WHERE src.id = p.id AND p.id = 6 RETURNING p.a;
UPDATE p SET a[2:3] = src.a, a[1] = 0, n = n + 1 FROM src WHERE src.id = p.id AND p.id = 7 RETURNING p.a, p.n;
UPDATE p SET a[NULL] = 1 FROM src WHERE src.id = p.id;
UPDATE p SET a[1:3] = src.a FROM src WHERE src.id = p.id AND p.id = 8;
UPDATE p SET m[1][2] = 50, m[2][1] = src.id FROM src WHERE src.id = p.id AND p.id = 8 RETURNING m;
UPDATE p SET m[3][1] = 50 FROM src WHERE src.id = p.id AND p.id = 8;
UPDATE p SET j['a']['b'] = src.j, j['l'][1] = '"two"', j['i'] = to_jsonb(p.id) FROM src WHERE src.id = p.id AND p.id < 4 RETURNING p.j;
UPDATE p SET j = jsonb_set(p.j, '{l,0}', src.j -> 'new') || src.j FROM src WHERE src.id = p.id AND p.id = 9 RETURNING p.j;
UPDATE p SET j['i']['x'] = '1' FROM src WHERE src.id = p.id AND p.id = 10;
UPDATE p SET who.name = src.s, who.home.zip = src.id * 2 FROM src WHERE src.id = p.id AND p.id IN (1, 2) RETURNING p.who;
UPDATE p SET who.home.street = NULL, who.mails[3] = 'third', who.mails[1] = (who).name FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.who;
UPDATE p SET who = src.who FROM src WHERE src.id = p.id AND p.id = 4 RETURNING p.who, (p.who).home IS NULL;
UPDATE p SET pp[1].home.zip = 7, pp[2] = src.who, pp[3].mails[2] = 'deep' FROM src WHERE src.id = p.id AND p.id = 5 RETURNING p.pp;
UPDATE p SET who.home = ROW('r', 1), who.nothing = 1;
UPDATE p SET who = NULL FROM src WHERE src.id = p.id AND p.id = 11 RETURNING p.who IS NULL;
UPDATE p SET who.name = 'from null' FROM src WHERE src.id = p.id AND p.id = 11 RETURNING p.who;
UPDATE p SET lv = src.lv, lvs = array_remove(p.lvs, src.lv) FROM src WHERE src.id = p.id AND p.id < 8 RETURNING p.lv, p.lvs;
UPDATE p SET lv = 'none' FROM src WHERE src.id = p.id;
-- @nomessage
UPDATE p SET lv = src.s::level FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET s = src.s FROM src WHERE src.id = p.id AND p.id < 4 RETURNING p.id, p.s;
UPDATE p SET s = src.s || 'toolong' FROM src WHERE src.id = p.id AND p.id = 4;
UPDATE p SET s = 'bad' WHERE id IN (SELECT id FROM src);
UPDATE p SET s = (SELECT 'bad' FROM src WHERE src.id = p.id) WHERE id = 5;
UPDATE p SET n = NULL FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET n = src.id - 3 FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET n = DEFAULT, s = DEFAULT FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.n, p.s;
UPDATE p SET e = src.a FROM src WHERE src.id = p.id AND p.id < 3 RETURNING p.e;
UPDATE p SET e[3] = 1 FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET e[1] = 77 FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.e;
UPDATE p SET e[3] = 1, e[4] = src.id FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.e;
UPDATE p SET sp = span(p.id, src.id + 100), ms = p.ms + nummultirange(numrange(src.id + 50, NULL)) FROM src WHERE src.id = p.id AND p.id < 3 RETURNING p.sp, p.ms;
UPDATE p SET sp = span(5, src.id - 1) FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET t = src.s || 'xx' FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.t;
UPDATE p SET t = src.s || 'xxxxx' FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET t = (src.s || 'xxxxx')::varchar(4), c = 'ab   ' FROM src WHERE src.id = p.id AND p.id = 3 RETURNING p.t, p.c || '|';
UPDATE p SET num = src.id + 0.25 FROM src WHERE src.id = p.id AND p.id IN (3, 4) RETURNING p.num;
UPDATE p SET num = src.id * 10000 FROM src WHERE src.id = p.id AND p.id = 3;
UPDATE p SET (a, j) = (src.a, src.j) FROM src WHERE src.id = p.id + 1 AND p.id > 20 RETURNING p.id, p.a, p.j;
UPDATE p SET (a, j, n) = (SELECT array_agg(id ORDER BY id), jsonb_agg(s ORDER BY s), count(*) FROM src WHERE src.lv = p.lv) WHERE id = 15 RETURNING a, j, n;
UPDATE p SET (a[1], who.name) = (SELECT id, s FROM src WHERE src.id = p.id), (t, num) = (SELECT x, id FROM src WHERE src.id = p.id + 1) WHERE id = 16 RETURNING a, who, t, num;
UPDATE p SET (a[1], a[2]) = (99, 98), (lv, s) = ROW('mid', 'row') FROM src WHERE src.id = p.id AND p.id = 17 RETURNING p.a, p.lv, p.s;
UPDATE p SET (a, j) = (SELECT a FROM src LIMIT 1);
UPDATE p SET (k, id) = (SELECT id, k FROM p q WHERE q.id = p.id) WHERE id = 18 RETURNING k, id;
UPDATE p SET k = q.id, a = q.a || p.a FROM p q WHERE q.id = p.id - 1 AND p.id IN (20, 21) RETURNING p.k, p.a;
UPDATE p SET who = ROW(q.s, (q.who).home, ARRAY[q.x])::person FROM src q WHERE q.id = p.id AND q.id = 22 RETURNING p.who, q.who;
MERGE INTO p USING src ON src.id = p.id WHEN MATCHED AND p.id = 23 THEN UPDATE SET a[1] = src.id, a[5] = 5, who.home.zip = 1, j['m'] = '1', (t, num) = (src.x, 4) WHEN MATCHED AND p.id = 24 THEN UPDATE SET lv = src.lv, s = src.s, sp = span(1, 2);
MERGE INTO p USING src ON src.id = p.id WHEN MATCHED AND p.id = 23 THEN UPDATE SET n = 0;
MERGE INTO p USING src ON src.id = p.id AND false WHEN NOT MATCHED AND src.id = 1 THEN INSERT (k, id, a[2], who.name, j['x']) VALUES (100, 100, 5, src.s, '1');
MERGE INTO p USING src ON src.id = p.id AND false WHEN NOT MATCHED AND src.id = 1 THEN INSERT (k, id, s) VALUES (101, 101, 'bad');
INSERT INTO p (k, id, who.name, who.home.zip, a[1], pp[1].name) SELECT 200, 200, s, id, id, x FROM src WHERE id = 2 RETURNING who, a, pp;
SELECT * FROM p WHERE id > 99;
SELECT * FROM p;
