-- ON CONFLICT DO UPDATE that the coordinator works out, where the unique key is partial, has expressions, classes or collations.
-- @setup
CREATE SCHEMA "My Schema";
CREATE TABLE p (k int, id int, active bool DEFAULT true, v text, n int DEFAULT 0);
CREATE UNIQUE INDEX p_active ON p (k, id) WHERE active;
CREATE TABLE e (k int, v text, n int DEFAULT 0);
CREATE UNIQUE INDEX e_lower ON e (k, lower(v));
CREATE TABLE "My Schema"."Names" ("Tenant" text, "Name" varchar(20), n int, CONSTRAINT "The Key" UNIQUE ("Tenant", "Name"));
CREATE TABLE c (k text COLLATE "C", v text, n int);
CREATE UNIQUE INDEX c_pattern ON c (k, v text_pattern_ops);
CREATE TABLE g (k int, v text, low text GENERATED ALWAYS AS (lower(v)) STORED, n int DEFAULT 0, UNIQUE (k, low));
CREATE TABLE nn (k int, id int, n int DEFAULT 0, UNIQUE NULLS NOT DISTINCT (k, id));
CREATE TABLE a (k int[], n int, UNIQUE (k));
CREATE TABLE two (k int, id int, n int DEFAULT 0, UNIQUE (k, id));
CREATE UNIQUE INDEX two_part ON two (k, id) WHERE n > 5;
CREATE TABLE soft (k int, n int, UNIQUE (k) DEFERRABLE);
CREATE TABLE o (a int, b int);
CREATE FUNCTION vol(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN x + 1; END$$;
INSERT INTO p SELECT i, i % 3, i % 2 = 0, 'v' || i FROM generate_series(1, 10) i;
INSERT INTO e SELECT i, 'Name ' || i FROM generate_series(1, 10) i;
INSERT INTO "My Schema"."Names" SELECT 'T' || i, 'N' || i, i FROM generate_series(1, 10) i;
INSERT INTO c SELECT 'k' || i, 'v' || i, i FROM generate_series(1, 10) i;
INSERT INTO g (k, v) SELECT i, 'Word' || i FROM generate_series(1, 10) i;
INSERT INTO nn SELECT i, CASE WHEN i > 5 THEN i END FROM generate_series(1, 10) i;
INSERT INTO a SELECT ARRAY[i, i + 1], i FROM generate_series(1, 10) i;
INSERT INTO two SELECT i, i, i FROM generate_series(1, 10) i;
INSERT INTO soft SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO o VALUES (1, 5), (2, 7);
-- @distribute
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('e', 'k');
SELECT create_distributed_table('"My Schema"."Names"', 'Tenant');
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('g', 'k');
SELECT create_distributed_table('nn', 'k');
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('two', 'k');
SELECT create_distributed_table('soft', 'k');
SELECT create_distributed_table('o', 'a');
-- @run
-- a partial index
INSERT INTO p VALUES (2, 2, true, 'x') ON CONFLICT (k, id) WHERE active DO UPDATE SET n = vol(p.n), v = excluded.v RETURNING *;
INSERT INTO p VALUES (3, 0, true, 'x') ON CONFLICT (k, id) WHERE active DO UPDATE SET n = vol(p.n) RETURNING *;
INSERT INTO p VALUES (2, 2, false, 'second') ON CONFLICT (k, id) WHERE active DO UPDATE SET n = vol(p.n) RETURNING *;
INSERT INTO p VALUES (20, 1, true, 'a'), (20, 1, false, 'b'), (20, 1, false, 'c') ON CONFLICT (k, id) WHERE active DO UPDATE SET n = vol(1) RETURNING *;
INSERT INTO p VALUES (21, 1, true, 'a'), (21, 1, true, 'b') ON CONFLICT (k, id) WHERE active DO UPDATE SET n = vol(1);
INSERT INTO p VALUES (4, 1, true, 'x') ON CONFLICT (k, id) WHERE active AND k > 0 DO UPDATE SET n = (SELECT sum(b) FROM o), k = 400 RETURNING *;
INSERT INTO p VALUES (6, 0, true, 'x') ON CONFLICT (k, id) WHERE active = true DO UPDATE SET v = (SELECT max(b)::text FROM o) WHERE p.n = 0 RETURNING *;
INSERT INTO p VALUES (6, 0, true, 'x') ON CONFLICT (k, id) DO UPDATE SET n = vol(1);
INSERT INTO p VALUES (6, 0, true, 'x') ON CONFLICT (k, id) WHERE n > 0 DO UPDATE SET n = vol(1);
-- expressions
INSERT INTO e VALUES (1, 'NAME 1') ON CONFLICT (k, lower(v)) DO UPDATE SET n = vol(e.n), v = excluded.v RETURNING *;
INSERT INTO e VALUES (2, 'other') ON CONFLICT (k, lower(v)) DO UPDATE SET n = vol(e.n) RETURNING *;
INSERT INTO e VALUES (30, 'Aa'), (30, 'aA') ON CONFLICT (lower(v), k) DO UPDATE SET n = vol(1);
INSERT INTO e VALUES (3, NULL), (3, NULL) ON CONFLICT (k, lower(v)) DO UPDATE SET n = vol(1) RETURNING *;
INSERT INTO e SELECT i, 'nAmE ' || i FROM generate_series(1, 2500) i ON CONFLICT (k, lower(v)) DO UPDATE SET n = vol(e.k);
INSERT INTO e VALUES (1, 'x') ON CONFLICT (k, upper(v)) DO UPDATE SET n = vol(1);
-- names, constraints, operator classes, collations
INSERT INTO "My Schema"."Names" AS x VALUES ('T1', 'N1', 0) ON CONFLICT ON CONSTRAINT "The Key" DO UPDATE SET n = vol(x.n) RETURNING *;
INSERT INTO "My Schema"."Names" VALUES ('T1', 'N99', 0) ON CONFLICT ("Name", "Tenant") DO UPDATE SET n = vol(1) RETURNING *;
INSERT INTO c VALUES ('k2', 'v2', 0) ON CONFLICT (k COLLATE "C", v) DO UPDATE SET n = vol(c.n) RETURNING *;
INSERT INTO c VALUES ('k2', 'v2', 0) ON CONFLICT (k COLLATE "POSIX", v) DO UPDATE SET n = vol(c.n) RETURNING *;
-- generated columns
INSERT INTO g (k, v) VALUES (1, 'WORD1') ON CONFLICT (k, low) DO UPDATE SET n = vol(g.n), v = excluded.low || '!' RETURNING *;
INSERT INTO g (k, v) VALUES (2, 'new') ON CONFLICT (k, low) DO UPDATE SET n = vol(g.n) RETURNING *;
-- NULLS NOT DISTINCT, arrays, several indexes
INSERT INTO nn VALUES (1, NULL), (7, 7), (8, NULL) ON CONFLICT (k, id) DO UPDATE SET n = vol(nn.n) RETURNING *;
INSERT INTO nn VALUES (NULL, NULL) ON CONFLICT (k, id) DO UPDATE SET n = vol(nn.n) RETURNING *;
INSERT INTO nn VALUES (NULL, NULL) ON CONFLICT (k, id) DO UPDATE SET n = vol(nn.n) RETURNING *;
INSERT INTO a VALUES ('{1,2}', 0), ('{1,3}', 0) ON CONFLICT (k) DO UPDATE SET n = vol(a.n) RETURNING *;
INSERT INTO two VALUES (1, 1), (9, 9), (11, 11) ON CONFLICT (k, id) WHERE n > 6 DO UPDATE SET n = vol(two.n) RETURNING *;
-- deferrable
INSERT INTO soft VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET n = vol(1);
INSERT INTO soft VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET n = 1;
-- prepared
PREPARE u(int, text) AS INSERT INTO e VALUES ($1, $2) ON CONFLICT (k, lower(v)) DO UPDATE SET n = vol($1) RETURNING *;
SET plan_cache_mode = force_generic_plan;
EXECUTE u(4, 'NAME 4');
EXECUTE u(4, 'NAME 5');
RESET plan_cache_mode;
SELECT * FROM p;
SELECT * FROM e WHERE k < 50;
SELECT * FROM "My Schema"."Names";
SELECT * FROM c;
SELECT * FROM g;
SELECT * FROM nn;
SELECT * FROM a;
SELECT * FROM two;
