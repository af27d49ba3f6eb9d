-- MERGE into tables of many hundred columns with several actions.
-- @setup
CREATE TABLE s (k int, n int);
DO $$BEGIN
  EXECUTE 'CREATE TABLE t (k int, ' || (SELECT string_agg('c' || i || ' int DEFAULT ' || i, ', ') FROM generate_series(1, 900) i) || ')';
  EXECUTE 'CREATE TABLE u (k int, ' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 1599) i) || ')';
  EXECUTE 'CREATE FUNCTION upd() RETURNS void LANGUAGE sql AS $f$MERGE INTO t USING s ON s.k = t.k WHEN MATCHED AND s.k < 5 THEN UPDATE SET ' || (SELECT string_agg('c' || i || ' = s.n', ', ') FROM generate_series(1, 900) i) ||
    ' WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k)$f$';
END$$;
INSERT INTO t (k) SELECT i FROM generate_series(1, 10) i;
INSERT INTO u (k, c1599) SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO s SELECT i, i * 7 FROM generate_series(1, 14) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('u', 'k');
SELECT create_distributed_table('s', 'k');
-- @run
MERGE INTO t USING s ON s.k = t.k WHEN MATCHED THEN UPDATE SET c1 = s.n WHEN NOT MATCHED AND s.k < 12 THEN INSERT (k) VALUES (s.k) WHEN NOT MATCHED THEN INSERT (k, c900) VALUES (s.k, 1);
SELECT upd();
MERGE INTO u USING s ON s.k = u.k WHEN MATCHED THEN UPDATE SET k = u.k + 100, c5 = s.n WHEN NOT MATCHED THEN INSERT (k) VALUES (s.k);
SELECT count(*), sum(k), sum(c1), sum(c900) FROM t;
SELECT count(*), sum(k), sum(c5), sum(c1599) FROM u;
