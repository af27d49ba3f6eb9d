-- Rows of the general write path in loops, cursors, arrays, set-returning and SECURITY DEFINER functions; early exits, nested writes, errors half-way.
-- @setup
CREATE TABLE a (k int PRIMARY KEY, n int CHECK (n < 1000), v text);
CREATE TABLE b (x int, k int, w text);
CREATE TABLE trail (step int, what text);
INSERT INTO a SELECT i, i % 5, 'a' || i FROM generate_series(1, 30) i;
INSERT INTO b SELECT i, i % 40, 'b' || i FROM generate_series(1, 60) i;
CREATE FUNCTION early() RETURNS int LANGUAGE plpgsql AS $$DECLARE r record; c int := 0; BEGIN
  FOR r IN UPDATE a SET n = n + 10 WHERE k IN (SELECT k FROM b) RETURNING k LOOP c := c + 1; EXIT WHEN c = 2; END LOOP; RETURN c; END$$;
CREATE FUNCTION nested() RETURNS SETOF int LANGUAGE plpgsql AS $$DECLARE r record; BEGIN
  FOR r IN SELECT a.k, b.x FROM a JOIN b ON b.k = a.k WHERE a.k < 6 ORDER BY 1, 2 LOOP
    RETURN QUERY UPDATE a SET n = n + 1 FROM b WHERE b.x = r.x AND a.k = b.k RETURNING a.n;
    DELETE FROM b WHERE x = r.x AND k IN (SELECT k FROM a WHERE n > 12);
  END LOOP; END$$;
CREATE FUNCTION collect() RETURNS int[] LANGUAGE plpgsql AS $$DECLARE ks int[]; BEGIN
  WITH u AS (UPDATE a SET v = b.w FROM b WHERE b.x = a.k + 1 AND a.k < 9 RETURNING a.k) SELECT array_agg(k ORDER BY k) INTO ks FROM u; RETURN ks; END$$;
CREATE FUNCTION halfway() RETURNS text LANGUAGE plpgsql AS $$DECLARE i int; BEGIN
  FOR i IN 1..5 LOOP
    BEGIN
      UPDATE a SET k = k + 100 WHERE k = i; INSERT INTO trail VALUES (i, 'moved');
      IF i % 2 = 0 THEN UPDATE a SET n = 5000 FROM b WHERE b.k = a.n AND a.k = i + 100; UPDATE a SET n = 5000 WHERE k = i + 100; END IF;
    EXCEPTION WHEN OTHERS THEN INSERT INTO trail VALUES (i, SQLSTATE);
    END;
  END LOOP; RETURN (SELECT string_agg(step || what, ' ' ORDER BY step) FROM trail); END$$;
CREATE FUNCTION cur() RETURNS refcursor LANGUAGE plpgsql AS $$DECLARE c refcursor := 'mine'; BEGIN OPEN c FOR SELECT k, n FROM a WHERE k IN (SELECT k FROM b) ORDER BY k; UPDATE a SET n = -n, k = k + 500 WHERE k % 2 = (SELECT 0); RETURN c; END$$;
CREATE FUNCTION def(i int) RETURNS SETOF a LANGUAGE sql SECURITY DEFINER AS $$UPDATE a SET v = 'definer' FROM b WHERE b.k = a.k AND a.k = i RETURNING a.*$$;
CREATE FUNCTION fn_into(i int, OUT k2 int, OUT n2 int) LANGUAGE plpgsql AS $$BEGIN UPDATE a SET k = a.k + 1000, n = a.n + b.x FROM b WHERE b.x = i AND a.k = i RETURNING a.k, a.n INTO k2, n2; END$$;
CREATE FUNCTION strict_into() RETURNS int LANGUAGE plpgsql AS $$DECLARE x int; BEGIN UPDATE a SET n = n + 0 WHERE k IN (SELECT k FROM b) RETURNING k INTO STRICT x; RETURN x; END$$;
CREATE FUNCTION counts() RETURNS text LANGUAGE plpgsql AS $$DECLARE c bigint; t text := ''; BEGIN
  UPDATE a SET n = 1 FROM b WHERE b.k = a.k AND b.x < 0; t := t || FOUND::text; GET DIAGNOSTICS c = ROW_COUNT; t := t || c;
  DELETE FROM b USING a WHERE a.k = b.k AND b.x < 3; t := t || FOUND::text; GET DIAGNOSTICS c = ROW_COUNT; t := t || c;
  MERGE INTO a USING b ON b.x = a.k AND b.x < 20 WHEN MATCHED THEN UPDATE SET v = b.w WHEN NOT MATCHED THEN DO NOTHING; t := t || FOUND::text; GET DIAGNOSTICS c = ROW_COUNT; t := t || c;
  INSERT INTO trail SELECT k, v FROM a WHERE k > 100000; t := t || FOUND::text; RETURN t; END$$;
CREATE FUNCTION rec(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN IF i = 0 THEN RETURN 0; END IF; UPDATE a SET n = n + i WHERE k = i AND k IN (SELECT k FROM b); RETURN rec(i - 1) + 1; END$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO diff_alice;
-- @distribute
SELECT create_distributed_table('a', 'k');
SELECT create_distributed_table('b', 'x');
SELECT create_distributed_table('trail', 'step');
-- @distribute references
SELECT create_distributed_table('a', 'k', shard_count => 1);
SELECT create_reference_table('b');
-- @run
SELECT early();
SELECT count(*) FROM a WHERE n >= 10;
SELECT * FROM nested();
SELECT count(*) FROM b;
SELECT collect();
SELECT halfway();
SELECT * FROM a WHERE k > 100;
BEGIN;
SELECT cur();
FETCH 4 FROM mine;
UPDATE a SET k = k - 500 WHERE k > 500 AND k NOT IN (SELECT x FROM b WHERE x > 500) RETURNING k, n;
FETCH 4 FROM mine;
SAVEPOINT s;
DELETE FROM a USING b WHERE b.k = a.k;
FETCH 2 FROM mine;
ROLLBACK TO s;
FETCH 2 FROM mine;
COMMIT;
SELECT * FROM def(11);
SELECT a.k, d.v FROM a, LATERAL def(a.k) d WHERE a.k BETWEEN 12 AND 14;
SELECT * FROM fn_into(15);
SELECT * FROM fn_into(999);
SELECT strict_into();
SELECT counts();
SELECT rec(8);
SET ROLE diff_alice;
SELECT * FROM def(16);
-- @nomessage
SELECT counts();
RESET ROLE;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM a WHERE k IN (SELECT k FROM b) ORDER BY k FOR UPDATE;
FETCH 2 FROM c;
UPDATE a SET v = 'while open' WHERE k = (SELECT min(k) FROM a) RETURNING k;
FETCH 2 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT k FROM a ORDER BY k;
MOVE 3 IN c;
SAVEPOINT s;
UPDATE a SET k = k + 3000 WHERE n < (SELECT avg(n) FROM a);
-- @nodetail
UPDATE a SET k = NULL WHERE k > 3000;
ROLLBACK TO s;
FETCH 3 FROM c;
UPDATE a SET k = k + 3000 WHERE k > (SELECT max(x) / 2 FROM b) RETURNING k;
FETCH 3 FROM c;
COMMIT;
DO $$DECLARE r record; BEGIN
  FOR r IN DELETE FROM b USING a WHERE a.k = b.k AND b.x > 50 RETURNING b.x, a.v LOOP INSERT INTO trail VALUES (r.x, r.v); END LOOP;
  FOR r IN WITH m AS (UPDATE a SET k = k - 3000 WHERE k > 3000 RETURNING k) SELECT * FROM m LOOP INSERT INTO trail VALUES (r.k, 'back'); END LOOP; END$$;
SELECT * FROM trail;
DO $$BEGIN FOR i IN 1..12 LOOP UPDATE a SET k = k + 1, n = n + 1 WHERE k = (SELECT max(k) FROM a); END LOOP; END$$;
SELECT * FROM a;
SELECT * FROM b;
