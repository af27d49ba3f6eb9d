-- INSERT ... SELECT: same key, other key, from reference and local tables, from itself, with everything on top.
-- @setup
CREATE TABLE src (k int, v int, t text, PRIMARY KEY (k, v));
CREATE TABLE dst (k int, v int, t text, s serial, at date DEFAULT '2024-06-01');
CREATE TABLE other (t text, n bigint, extra int DEFAULT 9);
CREATE TABLE agg (k int PRIMARY KEY, n bigint, total bigint, names text[]);
CREATE TABLE refd (id int PRIMARY KEY, label text);
CREATE TABLE loc (id int, label text);
CREATE TABLE big (k bigint, v text);
INSERT INTO src SELECT i % 13, i, 't' || i % 5 FROM generate_series(1, 80) i;
INSERT INTO refd SELECT i, 'label ' || i FROM generate_series(1, 8) i;
INSERT INTO loc SELECT i, 'local ' || i FROM generate_series(1, 8) i;
-- @distribute
SELECT create_distributed_table('src', 'k');
SELECT create_distributed_table('dst', 'k');
SELECT create_distributed_table('other', 't');
SELECT create_distributed_table('agg', 'k');
SELECT create_reference_table('refd');
SELECT create_distributed_table('big', 'k');
-- @run
INSERT INTO dst (k, v, t, s) SELECT k, v, t, 0 FROM src;
INSERT INTO dst (t, v, k, s) SELECT t, v, k, -1 FROM src WHERE v < 10 RETURNING k, v;
INSERT INTO dst (k, v, s) SELECT v, k, 1 FROM src WHERE k = 4;
INSERT INTO dst (k, v) SELECT k, v FROM src WHERE v < 6 ORDER BY v RETURNING k, v, s, at;
INSERT INTO dst (k, v, s) SELECT k + 1, v, 2 FROM src WHERE k = 3;
INSERT INTO dst (k, v, s) SELECT 5, v, 3 FROM src WHERE k = 5;
INSERT INTO dst SELECT k, v, t, 4, at FROM dst WHERE v = 3;
INSERT INTO dst (k, v, s) SELECT k, v + 1000, 5 FROM dst WHERE t = 't1';
INSERT INTO other SELECT t, count(*) FROM src GROUP BY t;
INSERT INTO other (t, n) SELECT DISTINCT t, 0 FROM src;
INSERT INTO other SELECT label, id FROM refd;
INSERT INTO other SELECT label, id FROM loc RETURNING *;
INSERT INTO other (t) SELECT t FROM other WHERE n > 3;
INSERT INTO agg SELECT k, count(*), sum(v), array_agg(t ORDER BY v) FROM src GROUP BY k;
INSERT INTO agg SELECT v, 1, k FROM src WHERE v > 70 RETURNING *;
INSERT INTO agg SELECT k, 1, 1 FROM src WHERE k = 3;
INSERT INTO agg (k, n) SELECT k + 100, rank() OVER (ORDER BY sum(v)) FROM src GROUP BY k;
INSERT INTO agg (k, n) SELECT d.k + 200, count(*) FROM dst d JOIN src s ON s.v = d.v GROUP BY d.k;
INSERT INTO agg (k, n) SELECT id + 300, (SELECT count(*) FROM src WHERE k = id) FROM refd;
INSERT INTO agg (k, n) SELECT g + 400, g FROM generate_series(1, 20) g;
INSERT INTO agg (k, n) VALUES (501, (SELECT count(*) FROM src)), (502, (SELECT count(*) FROM dst WHERE k = 2)) RETURNING *;
INSERT INTO agg (k, n) SELECT s.k + 600, r.id FROM src s JOIN refd r ON r.id = s.k WHERE s.v < 12;
INSERT INTO agg (k, n) SELECT k + 700, v FROM src UNION SELECT 750, 1 LIMIT 0;
INSERT INTO agg (k, n) (SELECT DISTINCT k + 800, 8 FROM src UNION ALL SELECT 850, 1);
INSERT INTO agg (k, n) SELECT k, n FROM (SELECT k + 900 AS k, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM src) x WHERE n = 1;
INSERT INTO agg (k, n) WITH w AS (SELECT max(k) AS m FROM src) SELECT m + 1000, m FROM w;
WITH w AS (SELECT max(k) AS m FROM src) INSERT INTO agg (k, n) SELECT m + 1001, m FROM w RETURNING *;
-- @nodetail
INSERT INTO agg (k, n) SELECT k, v FROM src;
INSERT INTO agg (k, n) SELECT NULL, 1 FROM src WHERE k = 1;
INSERT INTO agg (k, n) SELECT t, v FROM src;
INSERT INTO agg (k, n) SELECT 90000 + v, v / (k - 3) FROM src;
INSERT INTO agg (k) SELECT 3000000000 FROM src;
INSERT INTO refd SELECT k + 100, min(t) FROM src GROUP BY k RETURNING *;
-- @nodetail
INSERT INTO refd SELECT id, 'dup' FROM loc;
INSERT INTO loc SELECT k, t FROM src WHERE k IN (2, 3);
INSERT INTO loc SELECT a.k, b.label FROM agg a JOIN refd b ON b.id = a.k RETURNING id;
INSERT INTO big SELECT k, t FROM src;
INSERT INTO big SELECT k::bigint * 10000000000, t FROM src WHERE v < 4 RETURNING *;
INSERT INTO big (v, k) SELECT 'w' || v, v FROM src s WHERE EXISTS (SELECT FROM dst d WHERE d.k = s.k AND d.v = s.v AND d.s = 1);
INSERT INTO big SELECT id, label FROM refd WHERE id < 4 UNION ALL SELECT k, 'agg' FROM agg WHERE k < 3;
INSERT INTO dst (k, v, s) SELECT k, v, 100 FROM src ORDER BY v LIMIT 5;
INSERT INTO dst (k, v, s) SELECT NULL, v, 101 FROM src WHERE v < 5;
INSERT INTO dst (k, v, t, s) SELECT k, v, lower(upper(t)) || '/' || (SELECT max(label) FROM refd), 102 FROM src WHERE k = 7 RETURNING t;
INSERT INTO dst (s) SELECT 103 FROM src WHERE k = 1;
INSERT INTO dst DEFAULT VALUES RETURNING k, v;
-- @nodetail
INSERT INTO src SELECT * FROM src;
INSERT INTO src SELECT k, v + 500, t FROM src WHERE k < 4 RETURNING v;
-- @nodetail
INSERT INTO src SELECT k, v + 500, t FROM src WHERE k < 6;
SELECT count(*), sum(k), sum(v) FROM dst;
PREPARE ins(int, int) AS INSERT INTO dst (k, v, s) SELECT k, v + $2, $1 FROM src WHERE k = $1 RETURNING v;
EXECUTE ins(1, 10);
EXECUTE ins(2, 10);
EXECUTE ins(3, 10);
EXECUTE ins(4, 10);
EXECUTE ins(5, 10);
EXECUTE ins(6, 10);
EXECUTE ins(77, 10);
SELECT s, count(*) FROM dst WHERE s BETWEEN 0 AND 200 AND at = '2024-06-01' AND v < 100 AND s IN (0, 2, 4, 100, 102) GROUP BY s;
BEGIN;
INSERT INTO other SELECT t, 77 FROM src;
SELECT count(*) FROM other WHERE n = 77;
INSERT INTO src SELECT k + 20, v, t FROM src WHERE k = 2;
INSERT INTO agg (k, n) SELECT DISTINCT k + 5000, 1 FROM src;
ROLLBACK;
SELECT count(*), sum(n) FROM other;
