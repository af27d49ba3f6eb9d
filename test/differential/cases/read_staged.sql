-- Sides of joins that travel to the nodes in staging tables: in transactions of all kinds, loops, cursors and prepared statements.
-- @setup
CREATE TABLE big (k int, id int, v int, t text);
CREATE TABLE oth (o int, id int, y int, name text);
CREATE TABLE few (id int, x int, name text COLLATE "C");
CREATE TABLE log (k int, note text);
CREATE TABLE ref (id int, name text);
CREATE TABLE long_rows (id int, body text, more bytea);
CREATE TABLE nothing (id int, x int);
CREATE TABLE "rows of b" ("c1" int, "c2" int, "select" text, "c1 " text);
CREATE TABLE by_key (id bigint, k smallint, n text, k2 int);
CREATE TABLE pair_big (a int, b int, c int, v int);
CREATE TABLE pair_side (a int, b int, c int, v int, PRIMARY KEY (a, b));
CREATE TABLE words (w varchar(9), n int);
CREATE TABLE texts (t text, c char(5), n int);
INSERT INTO by_key SELECT i, i % 31, 'n' || i % 6, i % 23 FROM generate_series(1, 120) i;
INSERT INTO by_key VALUES (NULL, NULL, 'none', NULL), (3, NULL, 'half', 3);
INSERT INTO pair_big SELECT i, i % 9, i % 40, i FROM generate_series(1, 300) i;
INSERT INTO pair_side SELECT i, i % 9, i % 7, i % 5 FROM generate_series(1, 250, 2) i;
INSERT INTO words SELECT 'w' || i % 12, i FROM generate_series(1, 40) i;
INSERT INTO texts SELECT 'w' || i % 15, 'w' || i % 4, i FROM generate_series(1, 60) i;
INSERT INTO big SELECT i % 23, i, i % 7, 't' || i % 9 FROM generate_series(1, 400) i;
INSERT INTO oth SELECT i % 11, i, nullif(i % 7, 0), 'n' || i % 8 FROM generate_series(1, 90) i;
INSERT INTO few SELECT i, i % 3, (ARRAY['b','B','a','Z'])[i % 4 + 1] FROM generate_series(1, 12) i;
INSERT INTO ref SELECT i, 'n' || i FROM generate_series(1, 6) i;
INSERT INTO long_rows SELECT i, repeat(md5(i::text), 20000), decode(repeat(md5(i::text), 3000), 'hex') FROM generate_series(1, 12) i;
INSERT INTO "rows of b" SELECT i, i % 3, 'v' || i, NULL FROM generate_series(1, 5) i;
CREATE FUNCTION add_up(int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r record; total bigint := 0;
BEGIN
  FOR r IN SELECT b.id, o.y FROM big b JOIN oth o ON b.v = o.y AND b.id < $1 ORDER BY 1, 2 LOOP
    total := total + r.id * r.y;
  END LOOP;
  RETURN total;
END $$;
CREATE FUNCTION note_each(int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r record; n int := 0;
BEGIN
  FOR r IN SELECT b.k, b.id, f.name FROM big b JOIN few f ON f.id = b.v WHERE b.id < $1 ORDER BY b.id, f.name LOOP
    INSERT INTO log VALUES (r.k, r.id || r.name);
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;
CREATE FUNCTION try_dividing(int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; n int := 0;
BEGIN
  BEGIN
    FOR r IN SELECT 10 / (b.v - $1) AS q FROM big b JOIN oth o ON o.id = b.id LOOP
      n := n + r.q;
    END LOOP;
    RETURN 'sum ' || n;
  EXCEPTION WHEN division_by_zero THEN
    RETURN 'caught, ' || (SELECT count(*) FROM big b JOIN oth o ON o.id = b.id);
  END;
END $$;
CREATE FUNCTION try_many(int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE total bigint := 0;
BEGIN
  FOR i IN 1..$1 LOOP
    BEGIN
      total := total + (SELECT sum(b.id / (f.x - i % 3)) FROM big b JOIN few f ON f.id = b.v);
    EXCEPTION WHEN division_by_zero THEN
      INSERT INTO log VALUES (i, 'zero');
    END;
  END LOOP;
  RETURN total;
END $$;
ANALYZE;
-- @distribute
SELECT create_distributed_table('big', 'k');
SELECT create_distributed_table('oth', 'o', colocate_with => 'none');
SELECT create_distributed_table('log', 'k', colocate_with => 'none');
SELECT create_distributed_table('long_rows', 'id', colocate_with => 'none');
SELECT create_distributed_table('pair_big', 'c');
SELECT create_distributed_table('pair_side', 'a', colocate_with => 'none');
SELECT create_distributed_table('words', 'w', colocate_with => 'none');
SELECT create_reference_table('ref');
ANALYZE;
SET shardext.always_ship = on;
SET shardext.max_shipped_rows = 0;
-- Some rows more than parameters may hold.
-- @distribute five
SELECT create_distributed_table('big', 'k');
SELECT create_distributed_table('oth', 'o', colocate_with => 'none');
SELECT create_distributed_table('few', 'id', colocate_with => 'none');
SELECT create_distributed_table('log', 'k');
SELECT create_distributed_table('long_rows', 'id', colocate_with => 'none');
SELECT create_distributed_table('pair_big', 'c');
SELECT create_distributed_table('pair_side', 'a', colocate_with => 'none');
SELECT create_distributed_table('words', 'w', colocate_with => 'none');
SELECT create_reference_table('ref');
SELECT create_distributed_table('"rows of b"', 'c1', colocate_with => 'none');
ANALYZE;
SET shardext.always_ship = on;
SET shardext.max_shipped_rows = 5;
-- Rows are counted: the planner's guesses are wrong without statistics.
-- @distribute guessed
SELECT create_distributed_table('big', 'k');
SELECT create_distributed_table('oth', 'o', colocate_with => 'none');
SELECT create_distributed_table('log', 'k', colocate_with => 'none');
SELECT create_distributed_table('"rows of b"', 'c1', colocate_with => 'none');
SELECT create_distributed_table('pair_big', 'a');
SELECT create_distributed_table('words', 'w', colocate_with => 'none');
SELECT create_distributed_table('by_key', 'id', colocate_with => 'none');
SET shardext.always_ship = on;
SET shardext.max_shipped_rows = 20;
-- @run
SELECT count(*), sum(b.id), sum(o.y) FROM big b JOIN oth o ON o.id = b.id;
SELECT b.v, count(*), max(f.name), min(f.name COLLATE "en-x-icu") FROM big b JOIN few f ON f.id = b.v GROUP BY b.v ORDER BY 1;
SELECT count(*), count(n.x) FROM big b LEFT JOIN nothing n ON n.id = b.id;
SELECT b.id FROM big b JOIN nothing n ON n.id = b.id;
SELECT b.id, r."select", r."c1 " FROM big b JOIN "rows of b" r ON r.c1 = b.v AND r.c2 = b.v WHERE b.id < 40;
SELECT b.id, length(l.body), md5(l.body), length(l.more) FROM big b JOIN long_rows l ON l.id = b.v WHERE b.id < 20;
SELECT count(*) FROM big b JOIN oth o ON o.id = b.id JOIN few f ON f.id = o.y JOIN few g ON g.id = b.v AND g.x = f.x;
SELECT count(*) FROM big b WHERE b.id IN (SELECT id FROM oth WHERE y > 2) AND NOT EXISTS (SELECT FROM few f WHERE f.id = b.v);
SELECT b.id, 100 / (o.y - 3) FROM big b JOIN oth o ON o.id = b.id;
SELECT count(*) FROM big b JOIN oth o ON o.id = b.id;
-- Rows that go to one shard group: what they are joined on is the distribution column.
SELECT b.id, y.n FROM big b JOIN by_key y ON y.k = b.k WHERE b.id < 60;
SELECT count(*), sum(b.id), sum(y.id) FROM big b JOIN by_key y ON b.k = y.id;
SELECT count(*), sum(b.id), sum(y.id) FROM big b LEFT JOIN by_key y ON b.k = y.k AND y.id > 20;
SELECT count(*), sum(b.id), sum(y.id) FROM by_key y RIGHT JOIN big b ON b.k = y.k2 WHERE y.n IS DISTINCT FROM 'n1';
SELECT count(*), sum(y.id) FROM by_key y LEFT JOIN big b ON b.k = y.k;
SELECT count(*), sum(y.id) FROM by_key y FULL JOIN big b ON b.k = y.k;
SELECT count(*), sum(y.id) FROM big b JOIN by_key y ON y.k = b.k WHERE b.k IN (3, 5, 21);
SELECT count(*), sum(y.id) FROM big b JOIN by_key y ON y.k = b.k AND b.k = 7;
SELECT count(*), sum(y.id), sum(z.id) FROM big b JOIN by_key y ON y.k = b.k JOIN by_key z ON z.k = y.k AND z.id = b.id;
SELECT count(*), sum(y.id), sum(z.id) FROM big b JOIN by_key y ON y.k = b.k LEFT JOIN by_key z ON z.k2 = b.k AND z.n = y.n;
SELECT count(*), sum(y.id) FROM big b JOIN big c ON c.id = b.v JOIN by_key y ON y.k = c.k;
SELECT count(*), sum(y.id), sum(c.id) FROM big b JOIN big c ON c.v = b.k JOIN by_key y ON y.k = b.k AND y.id = c.id;
SELECT count(*), sum(y.id), sum(c.id) FROM big b JOIN big c ON c.id = b.v JOIN by_key y ON y.k = b.k AND y.k2 > c.v;
SELECT count(*), sum(y.id), sum(c.id) FROM big b JOIN big c ON c.id = b.v JOIN by_key y ON y.k = c.k AND y.k2 > b.v;
SELECT count(*), sum(y.id) FROM big b LEFT JOIN big c ON c.k = b.k AND c.id = b.id + 23 LEFT JOIN by_key y ON y.k = c.k;
SELECT count(*), sum(y.id) FROM big b LEFT JOIN (big c JOIN by_key y ON y.k = c.k AND y.id = c.id) ON c.k = b.k;
SELECT count(*) FROM big b WHERE EXISTS (SELECT FROM by_key y WHERE y.k = b.k AND y.id = b.id);
SELECT count(*) FROM big b WHERE NOT EXISTS (SELECT FROM by_key y JOIN big c ON c.k = y.k WHERE c.k = b.k AND y.n = 'n3');
SELECT b.k, (SELECT count(*) FROM by_key y WHERE y.k = b.k) AS n FROM big b WHERE b.id < 30;
SELECT count(*), sum(x.s) FROM big b JOIN (SELECT k, sum(id) AS s FROM by_key GROUP BY k) x ON x.k = b.k;
SELECT w.w, count(*), sum(t.n) FROM words w JOIN texts t ON t.t = w.w GROUP BY w.w;
SELECT count(*), sum(t.n) FROM words w JOIN texts t ON t.c = w.w;
-- Keys of several columns.
SELECT count(*), sum(p.v), sum(s.v) FROM pair_big p JOIN pair_side s ON s.a = p.a AND s.b = p.b;
SELECT count(*), sum(p.v), sum(s.v) FROM pair_big p JOIN pair_side s ON s.a = p.a AND s.b = p.b AND s.c = p.c;
SELECT count(*), sum(p.v), sum(s.v) FROM pair_big p LEFT JOIN pair_side s ON s.a = p.a AND p.c = s.b AND s.v > 1;
SELECT p.b, count(*), sum(s.v) FROM pair_big p, pair_side s WHERE p.a = s.a AND p.b = s.b AND p.c < s.c GROUP BY p.b;
SELECT count(*) FROM pair_big p FULL JOIN pair_side s ON s.a = p.a AND s.b = p.b;
SELECT count(*) FROM pair_big p WHERE (p.a, p.b) IN (SELECT s.a, s.b FROM pair_side s);
-- Writes before and after.
BEGIN;
INSERT INTO log SELECT k, 'before' FROM big WHERE id < 30;
SELECT count(*), sum(b.id), count(l.note) FROM big b JOIN oth o ON o.id = b.id LEFT JOIN log l ON l.k = b.k;
INSERT INTO log SELECT b.k, 'during ' || o.name FROM big b JOIN oth o ON b.v = o.y WHERE b.id < 15;
UPDATE big b SET t = o.name FROM oth o WHERE o.id = b.id AND o.y = 2;
SELECT count(*), max(b.t), min(f.name) FROM big b JOIN few f ON f.id = b.v WHERE b.id < 90;
SELECT count(*), sum(y.id), max(l.note) FROM big b JOIN by_key y ON y.k = b.k LEFT JOIN log l ON l.k = y.k2;
INSERT INTO log VALUES (1, 'after'), (2, 'after'), (3, 'after');
COMMIT;
SELECT note, count(*) FROM log GROUP BY note ORDER BY 1;
SELECT l.note, count(*) FROM log l JOIN oth o ON o.y = l.k GROUP BY 1 ORDER BY 1;
BEGIN;
SELECT count(*) FROM big b JOIN oth o ON o.id = b.id;
UPDATE big SET v = v + 1;
SAVEPOINT a;
SELECT count(*), sum(b.v) FROM big b JOIN oth o ON o.id = b.id;
ROLLBACK TO a;
SELECT count(*), sum(b.v) FROM big b JOIN oth o ON o.y = b.v;
SAVEPOINT a;
SELECT sum(1 / (b.v - 3)) FROM big b JOIN oth o ON o.id = b.id;
ROLLBACK TO a;
SELECT count(*), sum(b.v) FROM big b JOIN few f ON f.id = b.v;
RELEASE a;
DELETE FROM log WHERE k = 1;
ROLLBACK;
-- Transactions that only read, and such with one snapshot.
BEGIN READ ONLY;
SELECT count(*), sum(b.id) FROM big b JOIN oth o ON o.id = b.id;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
SELECT count(*), max(f.name) FROM big b JOIN few f ON f.id = b.v;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*), sum(b.id) FROM big b JOIN oth o ON o.id = b.id;
UPDATE big SET t = 'again' WHERE id % 10 = 0;
SELECT count(*), max(b.t) FROM big b JOIN oth o ON o.id = b.id;
SELECT b.k, count(*), sum(y.id) FROM big b LEFT JOIN by_key y ON y.k = b.k GROUP BY b.k;
INSERT INTO log SELECT b.k, 'repeatable' FROM big b JOIN few f ON f.id = b.v WHERE b.id < 30;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*), sum(b.id) FROM big b JOIN oth o ON o.id = b.id;
SAVEPOINT a;
SELECT count(*), min(b.t) FROM big b JOIN oth o ON o.y = b.v;
ROLLBACK TO a;
SELECT count(*), min(b.t) FROM big b JOIN oth o ON o.y = b.v;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*), sum(b.id) FROM big b JOIN oth o ON o.id = b.id;
INSERT INTO log VALUES (7, 'serializable');
SELECT count(*), min(b.t) FROM big b JOIN few f ON f.id = b.v;
COMMIT;
SET default_transaction_read_only = on;
SELECT count(*), sum(b.id) FROM big b JOIN oth o ON o.id = b.id;
RESET default_transaction_read_only;
SELECT count(*), max(note) FROM log;
-- Prepared statements, functions, loops.
PREPARE joined(int, text) AS SELECT count(*), max(o.name), min($2) FROM big b JOIN oth o ON o.id = b.id WHERE b.v < $1;
EXECUTE joined(3, 'a');
EXECUTE joined(5, NULL);
EXECUTE joined(2, 'b');
EXECUTE joined(1, 'c');
EXECUTE joined(4, 'd');
EXECUTE joined(6, 'e');
EXECUTE joined(NULL, 'f');
SELECT add_up(50), add_up(10);
SELECT note_each(60);
SELECT count(*), min(note), max(note) FROM log;
SELECT try_dividing(3), try_dividing(100);
SELECT try_many(7);
BEGIN;
INSERT INTO log VALUES (8, 'first');
SELECT try_many(5), note_each(20), try_dividing(2);
SELECT count(*), min(note), max(note) FROM log;
COMMIT;
SELECT f.id, (SELECT count(*) FROM big b JOIN oth o ON o.id = b.id WHERE b.v = f.id) AS n FROM few f ORDER BY 1;
SELECT f.id, (SELECT sum(o.y) FROM big b JOIN oth o ON o.id = b.id) AS n FROM few f ORDER BY 1;
WITH j AS MATERIALIZED (SELECT b.v, o.name FROM big b JOIN oth o ON o.id = b.id) SELECT v, max(name) FROM j GROUP BY v ORDER BY 1;
WITH gone AS (DELETE FROM log WHERE note LIKE 'after%' RETURNING k) SELECT count(*), sum(b.id) FROM gone g JOIN big b ON b.v = g.k JOIN oth o ON o.id = b.id;
-- @ordered
SELECT b.id, o.name FROM big b JOIN oth o ON o.id = b.id ORDER BY b.id DESC LIMIT 7;
-- Cursors.
BEGIN;
DECLARE c CURSOR FOR SELECT b.id, o.y FROM big b JOIN oth o ON o.id = b.id ORDER BY 1;
-- @ordered
FETCH 3 FROM c;
INSERT INTO log VALUES (9, 'while open');
SELECT count(*) FROM big b JOIN few f ON f.id = b.v;
-- @ordered
FETCH 3 FROM c;
COMMIT;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT b.id, o.y FROM big b JOIN oth o ON o.id = b.id ORDER BY 1;
UPDATE big SET t = NULL WHERE id = 5;
COMMIT;
-- @ordered
FETCH 4 FROM h;
CLOSE h;
-- Temporary tables of the session as a side.
CREATE TEMP TABLE mine AS SELECT generate_series(1, 30) AS id, 'm' AS m;
SELECT count(*), max(m) FROM big b JOIN mine ON mine.id = b.id;
CREATE TABLE more AS SELECT b.k, b.id, o.name FROM big b JOIN oth o ON o.id = b.id;
SELECT count(*), sum(id), max(name) FROM more;
COPY (SELECT b.id, o.name FROM big b JOIN oth o ON o.id = b.id WHERE b.id < 5 ORDER BY 1) TO STDOUT;
