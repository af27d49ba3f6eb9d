-- Types and collations that no distributed table uses, in queries over distributed tables; unread WITH queries over other tables.
-- @setup
CREATE SCHEMA fz;
CREATE TYPE fz.pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN fz.even AS int CHECK (VALUE % 2 = 0);
CREATE COLLATION fz.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (k int, r int, v text);
CREATE TABLE m (k int, m mood);
INSERT INTO t SELECT i, i % 5, CASE WHEN i % 2 = 0 THEN 'Ab' ELSE 'aB' END FROM generate_series(1, 20) i;
INSERT INTO m SELECT i, (ARRAY['sad', 'ok'])[1 + i % 2]::mood FROM generate_series(1, 20) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('m', 'k', colocate_with => 'none');
-- @run
SELECT '(1,a)'::fz.pair, k FROM t WHERE k < 4;
SELECT count(*) FROM t WHERE '(1,a)'::fz.pair IS NOT NULL;
SELECT ROW(k, v)::fz.pair FROM t WHERE k < 4;
SELECT (ROW(k, v)::fz.pair).b, count(*) FROM t GROUP BY 1;
SELECT (k * 2)::fz.even FROM t;
SELECT k::fz.even FROM t;
SELECT k FROM t WHERE (k * 2)::fz.even = 4;
-- @ordered
SELECT r::text COLLATE fz.ci AS c, k FROM t ORDER BY 1, 2;
SELECT count(*) FROM t WHERE v COLLATE fz.ci = 'AB';
SELECT v COLLATE fz.ci, count(*) FROM (SELECT 'x' AS v FROM t) s GROUP BY 1;
WITH w2 AS (SELECT '(1,a)'::fz.pair FROM t), w3 AS (SELECT 1 FROM w2) SELECT 5 FROM t WHERE k = 1;
WITH w2 AS (SELECT k FROM m), w3 AS (SELECT 1 FROM w2) SELECT 5 FROM t WHERE k < 3;
PREPARE q (mood) AS WITH w AS (SELECT 1 FROM m WHERE m <> $1) SELECT 1.50 FROM t WHERE k < 3;
EXECUTE q ('sad');
SELECT 2 FROM (WITH w2 (c) AS (WITH w3 AS (SELECT '(1,a)'::fz.pair AS c3) SELECT 'a'::text AS c) SELECT 1::bigint AS c FROM t) s;
SELECT m, count(*) FROM m WHERE m = 'ok' GROUP BY m;
SELECT m.m, t.v FROM t, m WHERE t.k = m.k AND m.m > 'sad' AND t.r = 1;
SELECT enum_range(NULL::mood), k FROM t WHERE k = 1;
SELECT array_agg(DISTINCT m), 'ok'::mood = ANY (array_agg(m)) FROM m;
SELECT ('a'::text COLLATE fz.ci) || ('a'::text COLLATE fz.ci), k FROM t WHERE k < 3;
SELECT k FROM t WHERE v = ('a'::text COLLATE fz.ci) || 'B';
SELECT k FROM t WHERE length(('a'::text COLLATE fz.ci) || 'B') = 2 AND k < 3;
SELECT count(*) FROM t WHERE lower(v COLLATE fz.ci) = 'AB';
SELECT v COLLATE "C" AS v, count(*) FROM t GROUP BY 1;
SELECT k FROM t WHERE (('(1,a)'::fz.pair)).a = 1 AND k < 3;
SELECT (('(1,a)'::fz.pair)).b, k FROM t WHERE k < 3;
SELECT k FROM t WHERE k = (('(4,a)'::fz.pair)).a + length((('(1,a)'::fz.pair)).b) - 1;
SELECT k FROM t WHERE '4'::fz.even = k;
SELECT count(*) FROM t WHERE '{sad,ok}'::mood[] @> ARRAY['ok'::mood];
