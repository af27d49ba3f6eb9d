-- PL/pgSQL: DO blocks, exception blocks, loops that write, procedures with COMMIT.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, n int CHECK (n < 100), v text);
CREATE TABLE errors (k int, state text, message text);
CREATE TABLE r (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, i, 'v' || i FROM generate_series(1, 20) i;
CREATE FUNCTION put(a int, b int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO t VALUES (a, b);
  RETURN 'inserted';
EXCEPTION
  WHEN unique_violation THEN
    UPDATE t SET n = b WHERE k = a;
    RETURN 'updated';
  WHEN check_violation THEN
    INSERT INTO errors VALUES (a, SQLSTATE, SQLERRM);
    RETURN 'refused';
END$$;
CREATE FUNCTION pay(a int, b int, amount int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE rows int;
BEGIN
  UPDATE t SET n = n - amount WHERE k = a;
  GET DIAGNOSTICS rows = ROW_COUNT;
  UPDATE t SET n = n + amount WHERE k = b;
  IF NOT FOUND OR rows = 0 THEN
    RAISE EXCEPTION 'no such account' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN true;
EXCEPTION WHEN no_data_found OR check_violation THEN
  RETURN false;
END$$;
CREATE FUNCTION sql_put(a int, b text) RETURNS int LANGUAGE sql AS 'INSERT INTO r VALUES (a, b) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v || r.v RETURNING id';
CREATE PROCEDURE steps(upto int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..upto LOOP
    INSERT INTO t VALUES (1000 + i, i, 'proc');
    IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
  END LOOP;
END$$;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('errors', 'k');
SELECT create_reference_table('r');
-- @run
SELECT put(21, 21), put(1, 50), put(22, 200), put(2, 300);
SELECT put(30 + g, g) FROM generate_series(1, 5) g;
SELECT pay(3, 4, 1), pay(3, 999, 1), pay(999, 3, 1), pay(3, 5, 99);
SELECT k, n FROM t WHERE k IN (3, 4, 5);
SELECT sql_put(1, 'a'), sql_put(2, 'b');
SELECT sql_put(1, 'c');
-- @notices
DO $$
DECLARE i int; n int;
BEGIN
  FOR i IN 1..8 LOOP
    BEGIN
      INSERT INTO t VALUES (100 + i, i * 20);
      RAISE NOTICE 'row % in', i;
    EXCEPTION WHEN check_violation THEN
      RAISE NOTICE 'row %: % %', i, SQLSTATE, SQLERRM;
    END;
  END LOOP;
  SELECT count(*) INTO n FROM t WHERE k > 100;
  RAISE NOTICE 'rows %', n;
END$$;
DO $$
BEGIN
  INSERT INTO t VALUES (200, 1);
  INSERT INTO t VALUES (201, 1);
  INSERT INTO t VALUES (200, 1);
END$$;
SELECT count(*) FROM t WHERE k >= 200 AND k < 300;
DO $$
DECLARE row record; x int;
BEGIN
  FOR row IN SELECT k, n FROM t WHERE k < 10 ORDER BY k LOOP
    UPDATE t SET v = 'loop ' || row.n WHERE k = row.k RETURNING n INTO x;
    IF x IS DISTINCT FROM row.n THEN RAISE 'changed'; END IF;
  END LOOP;
  DELETE FROM t WHERE k > 100 AND k < 105;
  IF NOT FOUND THEN RAISE 'none'; END IF;
  EXECUTE 'UPDATE t SET v = $1 WHERE k = $2' USING 'dynamic', 11;
  EXECUTE format('INSERT INTO %I VALUES (%L, %L)', 't', 300, 3);
END$$;
SELECT * FROM t WHERE k < 12 OR k = 300;
-- @notices
DO $$
DECLARE msg text; con text; tab text; det text;
BEGIN
  INSERT INTO t VALUES (1, 1);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS msg = MESSAGE_TEXT, con = CONSTRAINT_NAME, tab = TABLE_NAME, det = PG_EXCEPTION_DETAIL;
  RAISE NOTICE '% / % / % / %', msg, con, tab, det;
END$$;
-- @notices
DO $$
BEGIN
  BEGIN
    UPDATE t SET n = n + 1;
    BEGIN
      UPDATE t SET n = n + 1 WHERE k = 5;
      RAISE EXCEPTION 'inner';
    EXCEPTION WHEN raise_exception THEN
      UPDATE t SET v = 'caught' WHERE k = 5;
    END;
    RAISE EXCEPTION 'outer';
  EXCEPTION WHEN raise_exception THEN
    RAISE NOTICE 'n %, v %', (SELECT n FROM t WHERE k = 5), (SELECT v FROM t WHERE k = 5);
  END;
END$$;
SELECT sum(n) FROM t;
CALL steps(4);
SELECT k FROM t WHERE k > 1000;
BEGIN;
CALL steps(2);
ROLLBACK;
BEGIN;
SELECT put(400, 1);
SELECT put(400, 500);
SELECT put(400, 2);
SAVEPOINT s;
SELECT put(401, 1), 1 / 0;
ROLLBACK TO s;
SELECT put(402, 2);
COMMIT;
SELECT k, n FROM t WHERE k BETWEEN 400 AND 410;
CREATE FUNCTION bulk(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE total int := 0; one int;
BEGIN
  FOR i IN 1..n LOOP
    INSERT INTO t VALUES (2000 + i, i % 50, 'bulk') RETURNING k INTO one;
    total := total + one;
  END LOOP;
  RETURN total;
END$$;
SELECT bulk(60);
SELECT count(*), sum(n) FROM t WHERE v = 'bulk';
DO $$ DECLARE c CURSOR FOR SELECT * FROM t WHERE k BETWEEN 12 AND 15 ORDER BY k FOR UPDATE; BEGIN FOR x IN c LOOP UPDATE t SET v = 'for update' WHERE k = x.k; END LOOP; END $$;
SELECT k, v FROM t WHERE v = 'for update';
DO $$ BEGIN PERFORM put(k, 7) FROM t WHERE k < 4; END $$;
DO $$ BEGIN ASSERT (SELECT count(*) FROM t) < 5, 'too many rows'; END $$;
SELECT * FROM errors;
