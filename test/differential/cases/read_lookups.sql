-- Rows of distributed tables that are looked up by a column other than the key: correlated and LATERAL sub-queries, recursion.
-- @setup
CREATE SCHEMA lookups;
SET search_path = lookups, public;
GRANT USAGE ON SCHEMA lookups TO diff_alice, diff_bob;
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE outside (id int, a int, b bigint, s smallint, n numeric, t text, d date, c char(5), m mood, ts timestamptz, f double precision, u uuid, nick text COLLATE nocase);
CREATE TABLE inside (k int, id int, a int, b bigint, s smallint, n numeric, t text, d date, c char(5), m mood, ts timestamptz, f double precision, u uuid, nick text COLLATE nocase, v int);
CREATE TABLE edges (e int, src int, dst int, w int);
CREATE TABLE names (k int, id int, name text);
CREATE TABLE bulk (k int, id int, g int, h text, v int);
CREATE TABLE askers (id int, g int, h text);
CREATE TABLE docs (k int, id int, owner text, a int, body text);
CREATE TABLE ref (id int, a int, name text);
CREATE TABLE gone (x int, k int, y text, a int, v int);
ALTER TABLE gone DROP COLUMN x, DROP COLUMN y;
INSERT INTO outside SELECT i, i % 8, i % 6, i % 5, (i % 7) / 2.0, 't' || i % 6, date '2024-01-01' + i % 6, 'c' || i % 4, (enum_range(NULL::mood))[i % 3 + 1],
  timestamptz '2024-01-01 00:00+00' + i % 5 * interval '1 hour', i % 4 / 4.0, ('00000000-0000-0000-0000-00000000000' || i % 9)::uuid, (ARRAY['Ada','ADA','bob','Émile','zoë'])[i % 5 + 1] FROM generate_series(1, 40) i;
INSERT INTO outside (id) VALUES (41), (42);
INSERT INTO outside (id, a, b) VALUES (43, 3, NULL), (44, NULL, 3), (45, 99, 99), (45, 99, 99);
INSERT INTO inside SELECT i % 19, i, i % 8, i % 6, i % 5, (i % 7) * 0.50, 't' || i % 8, date '2024-01-01' + i % 8, 'c' || i % 5, (enum_range(NULL::mood))[i % 2 + 1],
  timestamptz '2024-01-01 00:00+00' + i % 7 * interval '1 hour', i % 6 / 4.0, ('00000000-0000-0000-0000-00000000000' || i % 7)::uuid, (ARRAY['ada','Ada','BOB','émile','zoe'])[i % 5 + 1], i % 10
  FROM generate_series(1, 150) i;
INSERT INTO inside (k, id, v) VALUES (1, 151, 1), (NULL, 152, NULL);
INSERT INTO inside (k, id, a, b, v) VALUES (2, 153, 3, NULL, 4), (3, 154, NULL, 3, 4), (4, 155, 5, 5, NULL);
INSERT INTO edges SELECT i % 13, i / 3 + 1, i + 2, i % 4 FROM generate_series(1, 60) i;
INSERT INTO edges VALUES (5, 30, 1, 0), (6, NULL, 4, 1), (7, 4, NULL, 2);
INSERT INTO names SELECT i % 11, i, 'name ' || i % 20 FROM generate_series(1, 70) i;
INSERT INTO bulk SELECT i % 97, i, i % 700, 'h' || i % 350, i % 11 FROM generate_series(1, 6000) i;
INSERT INTO askers SELECT i, i * 7 % 750, 'h' || i % 400 FROM generate_series(1, 900) i;
INSERT INTO askers VALUES (901, NULL, NULL), (902, 3, NULL);
INSERT INTO docs SELECT i % 12, i, (ARRAY['diff_alice','diff_bob'])[i % 2 + 1], i % 8, 'body ' || i FROM generate_series(1, 80) i;
INSERT INTO ref SELECT i, i % 4, 'r' || i FROM generate_series(1, 8) i;
INSERT INTO gone SELECT i, i % 6, i FROM generate_series(1, 30) i;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (owner = current_user AND body <> 'body 5');
GRANT SELECT ON outside, inside, docs, names TO diff_alice, diff_bob;
CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 % 2 = 1; END';
CREATE FUNCTION always(int) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN true; END';
CREATE FUNCTION count_of(int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM inside WHERE a = $1';
CREATE FUNCTION count_in_plpgsql(int) RETURNS bigint LANGUAGE plpgsql STABLE AS 'DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM inside WHERE a = $1; RETURN n; END';
CREATE VIEW guarded WITH (security_barrier) AS SELECT k, id, a, v FROM inside WHERE v <> 3;
CREATE VIEW pairs AS SELECT i.a, i.v, n.name FROM inside i JOIN names n ON n.id = i.id;
ANALYZE;
-- @distribute
SELECT create_distributed_table('inside', 'k');
SELECT create_distributed_table('edges', 'e');
SELECT create_distributed_table('names', 'k', colocate_with => 'none');
SELECT create_distributed_table('bulk', 'k', colocate_with => 'none');
SELECT create_distributed_table('docs', 'k', colocate_with => 'none');
SELECT create_reference_table('ref');
SELECT create_distributed_table('gone', 'k', colocate_with => 'none');
ANALYZE;
-- The outer tables distributed, too.
-- @distribute both
SELECT create_distributed_table('outside', 'id');
SELECT create_distributed_table('inside', 'k');
SELECT create_distributed_table('edges', 'dst');
SELECT create_distributed_table('names', 'name');
SELECT create_distributed_table('bulk', 'v');
SELECT create_distributed_table('askers', 'id');
SELECT create_distributed_table('docs', 'owner');
SELECT create_distributed_table('gone', 'v');
-- @run
-- One column.
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT sum(i.v) FROM inside i WHERE i.b = o.b) FROM outside o;
SELECT o.id, (SELECT max(i.id) FROM inside i WHERE i.s = o.s) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.n = o.n) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.t = o.t) FROM outside o;
SELECT o.id, (SELECT min(i.v) FROM inside i WHERE i.d = o.d) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.c = o.c) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.m = o.m) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.ts = o.ts) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.f = o.f) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.u = o.u) FROM outside o;
SELECT o.id, o.nick, (SELECT count(*) FROM inside i WHERE i.nick = o.nick) FROM outside o;
SELECT o.id, (SELECT string_agg(i.nick, ',' ORDER BY i.id) FROM inside i WHERE i.nick = o.nick AND i.id < 20) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.nick COLLATE "C" = o.nick COLLATE "C") FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.t COLLATE nocase = upper(o.t) COLLATE nocase) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.k = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM gone i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT g FROM gone g WHERE g.a = o.a ORDER BY g.v LIMIT 1) FROM outside o;
-- Different types on the two sides.
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.b = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.s = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE o.s = i.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.n) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.n = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.f = o.n) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.d = o.ts) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.c = o.t) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.t = o.c) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.c::text = o.c) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.f = o.a::real) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.f = (o.f::real)) FROM outside o;
-- Two and three columns, expressions of the outer side.
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.b = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.t = o.t AND i.d = o.d) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE (i.a, i.b) = (o.a, o.b) AND i.s = o.s::bigint) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.a = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.b = i.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a + 1) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.t = 't' || o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = coalesce(o.a, 1) AND i.b = nullif(o.b, 2)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = (o.a + i.b) AND i.s = o.s) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = CASE WHEN o.b > 2 THEN o.a ELSE 1 END) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.k = o.a AND i.a = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.k = 3 AND i.a = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.k IN (3, 4, o.a) AND i.a = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = ANY (ARRAY[o.a, o.b::int]) AND i.s = o.s) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a IS NOT DISTINCT FROM o.a AND i.s = o.s) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a OR i.b = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND o.id > 20) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND false) FROM outside o;
-- Conditions beside.
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v > 4) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v > o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND odd(i.v)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND odd(i.v + o.a)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND always(i.v)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND random() < 2) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v = (SELECT max(v) FROM names n JOIN inside x ON x.id = n.id)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v IN (SELECT r.id FROM ref r WHERE r.a = 1)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v IN (SELECT n.id FROM names n WHERE n.name = 'name ' || o.b)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.t LIKE 't' || o.b || '%') FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.ts < now()) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND 10 / nullif(i.v, 0) > 2) FROM outside o;
SELECT o.id, (SELECT count(*) FROM guarded i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM guarded i WHERE i.a = o.a AND odd(i.v)) FROM outside o;
-- What the sub-query does.
SELECT o.id, (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 1) FROM outside o;
SELECT o.id, (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id DESC OFFSET 3 LIMIT 1) FROM outside o;
SELECT o.id, (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 1 OFFSET o.s) FROM outside o;
SELECT o.id, (SELECT i.id FROM inside i WHERE i.a = o.a AND i.b = o.b AND i.id > 130) FROM outside o;
SELECT o.id, (SELECT i.id FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.id < 40 ORDER BY i.id) FROM outside o;
SELECT o.id, (SELECT array_agg(DISTINCT i.v ORDER BY i.v) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT jsonb_object_agg(i.id, i.v) FROM inside i WHERE i.a = o.a AND i.v < 3) FROM outside o;
SELECT o.id, (SELECT max(n) FROM (SELECT count(*) AS n FROM inside i WHERE i.a = o.a GROUP BY i.v) z) FROM outside o;
SELECT o.id, (SELECT count(*) FROM (SELECT DISTINCT i.v FROM inside i WHERE i.a = o.a) z) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a HAVING count(*) > 15) FROM outside o;
SELECT o.id, (SELECT sum(r) FROM (SELECT row_number() OVER (ORDER BY i.id) AS r FROM inside i WHERE i.a = o.a) z) FROM outside o;
SELECT o.id, (SELECT count(*) FROM (SELECT i.id FROM inside i WHERE i.a = o.a UNION SELECT n.id FROM names n WHERE n.id = o.id) z) FROM outside o;
SELECT o.id, (SELECT sum(x) FROM (SELECT i.v AS x FROM inside i WHERE i.a = o.a EXCEPT SELECT i.v FROM inside i WHERE i.b = o.b) z) FROM outside o;
SELECT o.id, (WITH q AS MATERIALIZED (SELECT i.v FROM inside i WHERE i.a = o.a) SELECT count(*) FROM q, q p WHERE q.v < p.v) FROM outside o WHERE o.id < 12;
SELECT o.id, (SELECT count(*) + o.id FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT o.t || count(i.t) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, EXISTS (SELECT FROM inside i WHERE i.a = o.a AND i.v > 8) AND o.id > 3 FROM outside o;
SELECT o.id, o.a IN (SELECT i.a FROM inside i WHERE i.b = o.b) FROM outside o;
SELECT o.id, o.a NOT IN (SELECT i.a FROM inside i WHERE i.b = o.b) FROM outside o;
SELECT o.id, o.a = ALL (SELECT i.a FROM inside i WHERE i.b = o.b AND i.s = o.s) FROM outside o;
SELECT o.id, count_of(o.a), count_in_plpgsql(o.a) FROM outside o;
-- In other places of the outer statement.
SELECT o.id FROM outside o WHERE (SELECT count(*) FROM inside i WHERE i.a = o.a) > 18;
SELECT o.id FROM outside o WHERE EXISTS (SELECT FROM inside i WHERE i.a = o.a AND i.t = o.t);
SELECT o.id FROM outside o WHERE NOT EXISTS (SELECT FROM inside i WHERE i.a = o.a AND i.t = o.t AND i.v > o.b);
SELECT o.id FROM outside o WHERE o.id > (SELECT avg(i.id) / 3 FROM inside i WHERE i.a = o.a);
SELECT o.id FROM outside o WHERE o.b IS NULL OR o.b = (SELECT min(i.v) FROM inside i WHERE i.a = o.a AND i.b = o.b);
SELECT o.id FROM outside o WHERE CASE WHEN o.id < 9 THEN (SELECT count(*) FROM inside i WHERE i.a = o.a) > 18 ELSE o.a = 1 END;
SELECT o.a, sum((SELECT count(*) FROM inside i WHERE i.b = o.b)) FROM outside o GROUP BY o.a;
SELECT o.a, (SELECT count(*) FROM inside i WHERE i.b = o.a) FROM outside o GROUP BY o.a;
SELECT o.a, (SELECT count(*) FROM inside i WHERE i.b = max(o.b)) FROM outside o GROUP BY o.a;
SELECT (SELECT count(*) FROM inside i WHERE i.a = o.a) AS n, count(*) FROM outside o GROUP BY 1;
SELECT o.a FROM outside o GROUP BY o.a HAVING (SELECT count(*) FROM inside i WHERE i.a = o.a) > count(*) * 3;
-- @ordered
SELECT o.id FROM outside o ORDER BY (SELECT max(i.v) FROM inside i WHERE i.n = o.n) DESC NULLS LAST, o.id, o.a LIMIT 12;
SELECT o.id, sum((SELECT count(*) FROM inside i WHERE i.a = o.a)) OVER (ORDER BY o.id, o.a RANGE UNBOUNDED PRECEDING) FROM outside o WHERE o.id < 44;
SELECT DISTINCT (SELECT count(*) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT v.x, (SELECT count(*) FROM inside i WHERE i.a = v.x) FROM (VALUES (1), (1), (NULL), (7), (77)) v(x);
SELECT g, (SELECT count(*) FROM inside i WHERE i.a = g) FROM generate_series(0, 9) g;
SELECT r.id, (SELECT count(*) FROM inside i WHERE i.a = r.a) FROM ref r;
SELECT n.id, (SELECT count(*) FROM inside i WHERE i.a = n.k) FROM names n WHERE n.id < 20;
SELECT i.id, (SELECT count(*) FROM inside j WHERE j.a = i.b AND j.id < i.id) FROM inside i WHERE i.id < 30;
-- Nested.
SELECT o.id, (SELECT sum((SELECT count(*) FROM names n WHERE n.id = i.id)) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT sum((SELECT count(*) FROM names n WHERE n.id = i.v AND n.k <> o.a)) FROM inside i WHERE i.a = o.a AND i.b = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND EXISTS (SELECT FROM names n WHERE n.id = i.id AND n.name = 'name ' || o.s)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = (SELECT max(n.k) FROM names n WHERE n.id = o.id)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = (SELECT min(j.v) FROM inside j WHERE j.b = o.b)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM (SELECT i.id FROM inside i WHERE i.a = o.a OFFSET 0) z WHERE EXISTS (SELECT FROM names n WHERE n.id = z.id)) FROM outside o;
SELECT o.id, (SELECT max((SELECT max((SELECT count(*) FROM edges e WHERE e.src = n.k)) FROM names n WHERE n.id = i.v)) FROM inside i WHERE i.a = o.a) FROM outside o WHERE o.id < 10;
-- Inner joins inside.
SELECT o.id, (SELECT count(*) FROM inside i JOIN names n ON n.id = i.id WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT string_agg(n.name, ',' ORDER BY n.id) FROM inside i JOIN names n ON n.id = i.v WHERE i.a = o.a AND i.b = o.b) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i JOIN names n ON n.id = i.v JOIN edges e ON e.src = n.k WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i, names n WHERE i.a = o.a AND n.id = o.id) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i JOIN ref r ON r.id = i.v WHERE i.a = o.a AND r.a = o.s) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i LEFT JOIN names n ON n.id = i.id AND n.k = o.a WHERE i.a = o.a AND n.id IS NULL) FROM outside o;
SELECT o.id, (SELECT count(n.id) FROM names n RIGHT JOIN inside i ON n.id = i.id AND i.v = o.b WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM (SELECT * FROM inside i WHERE i.a = o.a) i FULL JOIN (SELECT * FROM names n WHERE n.k = o.s) n ON n.id = i.id) FROM outside o;
SELECT o.id, (SELECT count(*) FROM pairs p WHERE p.a = o.a AND p.v > 3) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i JOIN inside j ON j.id = i.v WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i JOIN outside p ON p.a = i.b WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i JOIN (SELECT k, count(*) AS n FROM names GROUP BY k) z ON z.k = i.v WHERE i.a = o.a) FROM outside o;
-- LATERAL.
SELECT o.id, l.id FROM outside o, LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 2) l;
SELECT o.id, l.id FROM outside o LEFT JOIN LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a AND i.b = o.b ORDER BY i.id DESC LIMIT 1) l ON true;
SELECT o.id, l.* FROM outside o LEFT JOIN LATERAL (SELECT count(*) AS n, max(i.v) AS m FROM inside i WHERE i.t = o.t) l ON l.n > 19;
SELECT o.id, l.* FROM outside o JOIN LATERAL (SELECT i.v, count(*) AS n FROM inside i WHERE i.a = o.a GROUP BY i.v) l ON l.n > 2;
SELECT o.id, l.id, m.id FROM outside o, LATERAL (SELECT i.id, i.v FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 2) l, LATERAL (SELECT n.id FROM names n WHERE n.k = l.v ORDER BY n.id LIMIT 1) m;
SELECT o.id, l.id FROM outside o, LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a OFFSET 0) l WHERE o.id < 8;
SELECT o.id, l.x FROM outside o, LATERAL (SELECT i.v + o.a AS x FROM inside i WHERE i.a = o.a AND i.id < 30) l;
SELECT o.id, l.w FROM outside o, LATERAL (SELECT i AS w FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 1) l WHERE o.id < 9;
SELECT o.id, l.r, l.id FROM outside o, LATERAL (SELECT rank() OVER (ORDER BY i.v, i.id) AS r, i.id FROM inside i WHERE i.n = o.n) l WHERE l.r < 3;
SELECT o.id, l.g FROM outside o, LATERAL (SELECT generate_series(1, i.v) AS g FROM inside i WHERE i.a = o.a AND i.id < 15) l;
SELECT o.id, l.id FROM outside o, LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a AND i.id < 20 UNION ALL SELECT n.id FROM names n WHERE n.id = o.id) l;
SELECT o.id, l.id FROM outside o CROSS JOIN LATERAL (SELECT i.id FROM inside i JOIN names n ON n.id = i.id WHERE i.a = o.a ORDER BY i.id LIMIT 2) l;
SELECT count(*), sum(l.id) FROM outside o, LATERAL (SELECT DISTINCT ON (i.v) i.v, i.id FROM inside i WHERE i.a = o.a ORDER BY i.v, i.id) l;
SELECT i.id, l.id FROM inside i, LATERAL (SELECT j.id FROM inside j WHERE j.a = i.v AND j.id > i.id ORDER BY j.id LIMIT 1) l WHERE i.id < 40;
-- @ordered
SELECT o.id, l.id FROM outside o LEFT JOIN LATERAL (SELECT i.id FROM inside i WHERE i.c = o.c ORDER BY i.id LIMIT 2) l ON true ORDER BY o.id DESC, o.a, l.id LIMIT 11;
-- System columns and whole rows of what is looked up.
SELECT o.id, (SELECT i FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 1) FROM outside o WHERE o.id < 12;
SELECT o.id, (SELECT count(i) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(DISTINCT i.ctid) <= count(*) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT min(i.tableoid::regclass::text) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT bool_and(i.ctid IS NOT NULL) FROM inside i WHERE i.a = o.a AND i.b = o.b) FROM outside o;
SELECT o.id, (SELECT bool_and(i.xmin IS NOT NULL) FROM inside i WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT to_jsonb(i) ->> 't' FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 1) FROM outside o;
-- Recursion.
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n) SELECT n FROM r;
WITH RECURSIVE r(n, depth) AS (SELECT 1, 0 UNION ALL SELECT e.dst, depth + 1 FROM r JOIN edges e ON e.src = r.n WHERE depth < 4) SELECT depth, count(*), sum(n) FROM r GROUP BY depth;
WITH RECURSIVE r(n, path) AS (SELECT 2, ARRAY[2] UNION ALL SELECT e.dst, path || e.dst FROM r JOIN edges e ON e.src = r.n AND e.w > 0 WHERE e.dst <> ALL (path)) SELECT * FROM r;
WITH RECURSIVE r(n) AS (SELECT src FROM edges WHERE e = 5 UNION SELECT e.dst FROM edges e, r WHERE e.src = r.n) SELECT count(*), sum(n) FROM r;
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM r LEFT JOIN edges e ON e.src = r.n) SELECT n FROM r;
WITH RECURSIVE r(n, name) AS (SELECT 1, 'start' UNION SELECT e.dst, m.name FROM r JOIN edges e ON e.src = r.n JOIN names m ON m.id = e.dst) SELECT * FROM r;
WITH RECURSIVE r(n, m) AS (SELECT 1, 0::bigint UNION SELECT e.dst, (SELECT count(*) FROM inside i WHERE i.a = r.n) FROM r JOIN edges e ON e.src = r.n WHERE e.w < 3) SELECT * FROM r;
WITH RECURSIVE r(n) AS (SELECT 1::bigint UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n) SELECT count(*) FROM r;
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT e.dst FROM r JOIN edges e ON e.src = r.n WHERE r.n < 20) SEARCH DEPTH FIRST BY n SET o SELECT n FROM r ORDER BY o;
WITH RECURSIVE r(n) AS (SELECT 30 UNION ALL SELECT e.dst FROM r JOIN edges e ON e.src = r.n) CYCLE n SET looped USING path SELECT n, looped FROM r WHERE n < 12;
WITH RECURSIVE r(n) AS (SELECT 1 UNION (SELECT e.dst FROM r, LATERAL (SELECT * FROM edges e WHERE e.src = r.n ORDER BY e.dst LIMIT 2) e)) SELECT n FROM r;
SELECT o.id, (WITH RECURSIVE r(n) AS (SELECT o.a UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n WHERE e.dst < 25) SELECT count(*) FROM r) FROM outside o WHERE o.id < 12;
SELECT o.id, (WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n AND e.w = o.s) SELECT string_agg(n::text, ',' ORDER BY n) FROM r) FROM outside o WHERE o.id < 12;
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM edges e WHERE e.src IN (SELECT n FROM outside WHERE id = 1) ) SELECT count(*) FROM r;
WITH RECURSIVE a(n) AS (SELECT 1 UNION SELECT e.dst FROM a JOIN edges e ON e.src = a.n), b(n) AS (SELECT n FROM a WHERE n < 5 UNION SELECT i.v FROM b JOIN inside i ON i.a = b.n) SELECT (SELECT count(*) FROM a), n FROM b;
-- The inner side with a condition that an uncorrelated sub-query decides.
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v > (SELECT avg(v) FROM inside)) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.b = (SELECT max(a) FROM ref)) FROM outside o;
SELECT o.id, l.n FROM outside o, LATERAL (SELECT count(*) AS n FROM inside i WHERE i.a = o.a AND i.s = (SELECT max(s) FROM inside j WHERE j.a = o.a)) l;
SELECT p.id, (SELECT sum((SELECT count(*) FROM inside i WHERE i.a = o.a AND i.v > (SELECT max(r.id) FROM ref r WHERE r.a = p.a))) FROM outside o WHERE o.id < 9) FROM outside p WHERE p.id < 7;
-- More rows than are kept at once.
SELECT sum(n), count(*), max(n) FROM (SELECT (SELECT count(*) FROM bulk b WHERE b.g = a.g) AS n FROM askers a) z;
SELECT sum(n), count(n), max(n) FROM (SELECT (SELECT max(b.id) FROM bulk b WHERE b.h = a.h) AS n FROM askers a) z;
SELECT sum(n), count(n), max(n) FROM (SELECT (SELECT sum(b.id) FROM bulk b WHERE b.h = a.h AND b.v = a.g % 11) AS n FROM askers a) z;
SELECT a.id, (SELECT count(*) FROM bulk b WHERE b.g = a.g AND b.v > 5) FROM askers a WHERE a.id < 40;
SELECT a.id, (SELECT count(*) FROM bulk b WHERE b.g = a.g AND odd(b.v)) FROM askers a WHERE a.id < 40;
SELECT a.id, (SELECT count(*) FROM bulk b WHERE b.g = 5 AND b.v = a.id) FROM askers a WHERE a.id < 12;
SELECT a.id, l.id FROM askers a, LATERAL (SELECT b.id FROM bulk b WHERE b.g = a.g ORDER BY b.id DESC LIMIT 1) l WHERE a.id < 60 OR a.id > 880;
SELECT count(*), sum(l.id) FROM askers a, LATERAL (SELECT b.id FROM bulk b WHERE b.g = a.g ORDER BY b.id LIMIT 3) l;
SELECT count(*), sum(l.id) FROM askers a, LATERAL (SELECT b.id FROM bulk b JOIN names n ON n.id = b.v WHERE b.g = a.g OFFSET 0) l;
SELECT count(*) FROM askers a WHERE (SELECT count(*) FROM bulk b WHERE b.g = a.g AND b.k < a.id) > 4;
SELECT count(*) FROM askers a WHERE NOT EXISTS (SELECT FROM bulk b WHERE b.g = a.g AND b.v < a.id % 12 OFFSET 0);
SELECT sum(n), count(n) FROM (SELECT (SELECT b FROM bulk b WHERE b.g = a.g ORDER BY b.id LIMIT 1)::text AS w, (SELECT count(*) FROM bulk b WHERE b.g = a.g AND b.tableoid = 'bulk'::regclass) AS n FROM askers a) z;
SELECT sum((SELECT count(b.ctid) FROM bulk b WHERE b.g = a.g)) FROM askers a WHERE a.id < 50;
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT b.id FROM r JOIN bulk b ON b.g = r.n AND b.id < 5000) SELECT count(*), sum(n) FROM r;
WITH RECURSIVE r(n, d) AS (SELECT 2, 0 UNION SELECT b.v, d + 1 FROM r JOIN bulk b ON b.g = r.n WHERE d < 6) SELECT d, count(*), sum(n) FROM r GROUP BY d;
SET work_mem = '64kB';
SELECT sum(n), count(*), max(n) FROM (SELECT (SELECT count(*) FROM bulk b WHERE b.g = a.g) AS n FROM askers a) z;
SELECT sum(n), count(n), max(n) FROM (SELECT (SELECT sum(b.id + length(b.h)) FROM bulk b WHERE b.h = a.h) AS n FROM askers a) z;
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a) FROM outside o;
RESET work_mem;
SET enable_memoize = off;
SET enable_material = off;
SELECT o.id, (SELECT count(*) FROM inside i JOIN names n ON n.id = i.id WHERE i.a = o.a) FROM outside o;
SELECT o.id, l.id FROM outside o, LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT 2) l;
SELECT sum(n), count(*) FROM (SELECT (SELECT count(*) FROM bulk b JOIN names n ON n.id = b.v WHERE b.g = a.g) AS n FROM askers a) z;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT o.id, (SELECT count(*) FROM inside i JOIN names n ON n.id = i.v JOIN edges e ON e.src = n.k WHERE i.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM inside i LEFT JOIN names n ON n.id = i.v AND n.k = o.s WHERE i.a = o.a) FROM outside o;
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM r LEFT JOIN edges e ON e.src = r.n) SELECT n FROM r;
RESET enable_memoize;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
-- The rows themselves, in an order: no join can stand in for looking them up.
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.b = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.s = o.s ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.n = o.n ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.t = o.t ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.d = o.d ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.c = o.c ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.ts = o.ts ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.f = o.f ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.u = o.u ORDER BY i.id) FROM outside o;
SELECT o.id, o.nick, ARRAY(SELECT i.id FROM inside i WHERE i.nick = o.nick ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.nick COLLATE "C" = o.nick COLLATE "C" ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.t COLLATE nocase = upper(o.t) COLLATE nocase ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.k = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.v FROM gone i WHERE i.a = o.a ORDER BY i.v) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.b = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.s = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE o.s = i.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.n ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.d = o.ts ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.c = o.t ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.c::text = o.c ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.b = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.t = o.t AND i.d = o.d ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.a = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.b = i.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.k = o.a AND i.a = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.k = 3 AND i.a = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a OR i.b = o.b ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND false ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.v > 4 ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM guarded i WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM guarded i WHERE i.a = o.a AND odd(i.v) ORDER BY i.id) FROM outside o;
SELECT v.x, ARRAY(SELECT i.id FROM inside i WHERE i.a = v.x ORDER BY i.id) FROM (VALUES (1), (1), (NULL), (7), (77)) v(x);
SELECT g, ARRAY(SELECT i.id FROM inside i WHERE i.a = g ORDER BY i.id) FROM generate_series(0, 9) g;
SELECT r.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = r.a ORDER BY i.id) FROM ref r;
SELECT n.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = n.k ORDER BY i.id) FROM names n WHERE n.id < 20;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN names n ON n.id = i.id WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN names n ON n.id = i.v JOIN edges e ON e.src = n.k WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN ref r ON r.id = i.v WHERE i.a = o.a AND r.a = o.s ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT p.v FROM pairs p WHERE p.a = o.a AND p.v > 3 ORDER BY p.v) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN inside j ON j.id = i.v WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN outside p ON p.a = i.b WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN (SELECT k, count(*) AS n FROM names GROUP BY k) z ON z.k = i.v WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN names n ON n.id = i.id WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i JOIN names n ON n.id = i.v JOIN edges e ON e.src = n.k WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i.id FROM inside i WHERE i.a = o.a AND i.ctid IS NOT NULL ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT (i.tableoid::regclass::text, i.id)::text FROM inside i WHERE i.a = o.a AND i.id < 20 ORDER BY i.id) FROM outside o;
SELECT o.id, ARRAY(SELECT i FROM inside i WHERE i.a = o.a AND i.id < 15 ORDER BY i.id) FROM outside o;
SELECT o.id, (SELECT array_agg(i.id ORDER BY i.ctid IS NULL, i.id) FROM inside i WHERE i.t = o.t AND i.c = o.c) FROM outside o;
SELECT sum(cardinality(n)), count(*), max(n[1]) FROM (SELECT ARRAY(SELECT b.id FROM bulk b WHERE b.g = a.g ORDER BY b.id DESC) AS n FROM askers a) z;
SELECT sum(cardinality(n)), count(*), max(n[1]) FROM (SELECT ARRAY(SELECT b.id FROM bulk b WHERE b.h = a.h AND b.v < 9 ORDER BY b.id DESC) AS n FROM askers a) z;
SELECT sum(cardinality(n)), count(*), max(n[1]) FROM (SELECT ARRAY(SELECT b.id FROM bulk b WHERE b.h = a.h AND b.v = a.g % 11 ORDER BY b.id DESC) AS n FROM askers a) z;
SELECT sum(cardinality(n)), count(*), max(n[1]) FROM (SELECT ARRAY(SELECT b.id FROM bulk b WHERE b.g = a.g::bigint AND b.ctid IS NOT NULL ORDER BY b.id DESC) AS n FROM askers a WHERE a.id < 80) z;
SET work_mem = '64kB';
SELECT sum(cardinality(n)), count(*), max(n[1]) FROM (SELECT ARRAY(SELECT b.id + length(b.h) FROM bulk b WHERE b.g = a.g ORDER BY b.id DESC) AS n FROM askers a) z;
SELECT sum(length(n)), count(*), max(n) FROM (SELECT (SELECT string_agg(b.h, '/' ORDER BY b.id) FROM bulk b WHERE b.v = a.id % 13) AS n FROM askers a WHERE a.id < 60) z;
RESET work_mem;
-- Row security on the inner table.
SET ROLE diff_alice;
SELECT o.id, (SELECT count(*) FROM docs d WHERE d.a = o.a) FROM outside o;
SELECT o.id, (SELECT string_agg(d.body, ',' ORDER BY d.id) FROM docs d WHERE d.a = o.a AND odd(d.k)) FROM outside o;
SELECT o.id, l.id FROM outside o LEFT JOIN LATERAL (SELECT d.id FROM docs d WHERE d.a = o.a ORDER BY d.id LIMIT 1) l ON true;
SELECT o.id, (SELECT count(*) FROM docs d JOIN names n ON n.id = d.id WHERE d.a = o.a) FROM outside o;
SET ROLE diff_bob;
SELECT o.id, (SELECT count(*) FROM docs d WHERE d.a = o.a) FROM outside o;
SELECT o.id, (SELECT count(*) FROM docs d WHERE d.a::bigint = o.b AND d.owner = 'diff_alice') FROM outside o;
SELECT o.id, (SELECT count(*) FROM edges e WHERE e.src = o.a) FROM outside o;
RESET ROLE;
-- Prepared statements.
SET plan_cache_mode = force_generic_plan;
PREPARE p1(int) AS SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a AND i.b = $1) FROM outside o WHERE o.id < 20;
EXECUTE p1(2);
EXECUTE p1(NULL);
EXECUTE p1(5);
PREPARE p2(int, int) AS SELECT (SELECT count(*) FROM inside i WHERE i.a = $1 AND i.s = o.s AND i.v > $2) FROM outside o;
EXECUTE p2(3, 4);
EXECUTE p2(4, 0);
PREPARE p3(int) AS WITH RECURSIVE r(n) AS (SELECT $1 UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n) SELECT n FROM r;
EXECUTE p3(3);
EXECUTE p3(1);
PREPARE p4(int) AS SELECT o.id, l.id FROM outside o, LATERAL (SELECT i.id FROM inside i WHERE i.a = o.a ORDER BY i.id LIMIT $1) l;
EXECUTE p4(1);
EXECUTE p4(0);
RESET plan_cache_mode;
-- Changes of the own transaction, and functions that change what is read.
BEGIN;
UPDATE inside SET a = 2 WHERE k = 4;
DELETE FROM inside WHERE k = 5;
INSERT INTO inside (k, id, a, v) VALUES (6, 500, 99, 1);
SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a) FROM outside o;
ROLLBACK;
-- Cursors.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT o.id, (SELECT count(*) FROM inside i WHERE i.a = o.a) FROM outside o ORDER BY o.id, o.a;
-- @ordered
FETCH 5 FROM c;
-- @ordered
FETCH BACKWARD 3 FROM c;
-- @ordered
FETCH LAST FROM c;
-- @ordered
FETCH ABSOLUTE 4 FROM c;
-- @ordered
FETCH BACKWARD ALL FROM c;
-- @ordered
FETCH FORWARD ALL FROM c;
CLOSE c;
DECLARE d SCROLL CURSOR FOR SELECT v.x, l.id FROM (VALUES (1), (3), (NULL), (3), (5)) v(x) LEFT JOIN LATERAL (SELECT i.id FROM inside i WHERE i.a = v.x ORDER BY i.id LIMIT 2) l ON true;
-- @ordered
FETCH 3 FROM d;
-- @ordered
FETCH BACKWARD 2 FROM d;
-- @ordered
FETCH FIRST FROM d;
-- @ordered
FETCH ALL FROM d;
-- @ordered
FETCH BACKWARD 4 FROM d;
-- @ordered
FETCH RELATIVE -1 FROM d;
DECLARE e SCROLL CURSOR FOR WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT e.dst FROM r JOIN edges e ON e.src = r.n) SELECT n FROM r ORDER BY n;
-- @ordered
FETCH 4 FROM e;
-- @ordered
FETCH BACKWARD 2 FROM e;
-- @ordered
FETCH LAST FROM e;
-- @ordered
FETCH FIRST FROM e;
DECLARE f SCROLL CURSOR WITH HOLD FOR SELECT a.id, (SELECT max(b.id) FROM bulk b WHERE b.g = a.g) FROM askers a WHERE a.id < 30 ORDER BY a.id;
-- @ordered
FETCH 2 FROM f;
COMMIT;
-- @ordered
FETCH 3 FROM f;
-- @ordered
FETCH BACKWARD 4 FROM f;
-- @ordered
FETCH LAST FROM f;
CLOSE f;
