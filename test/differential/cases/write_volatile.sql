-- Volatile functions in writes: once per row, on the coordinator.
-- @setup
CREATE SEQUENCE sq;
CREATE TABLE t (k int PRIMARY KEY, n bigint, v text, tz timestamptz);
CREATE TABLE calls (k int);
CREATE TABLE ident (k int, id bigint GENERATED ALWAYS AS IDENTITY, n int DEFAULT nextval('sq'));
INSERT INTO t SELECT i, 0, 'v' || i FROM generate_series(1, 20) i;
CREATE FUNCTION vol(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN x + 1; END$$;
CREATE FUNCTION logs(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN INSERT INTO calls VALUES (x); RETURN x; END$$;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('calls', 'k');
SELECT create_distributed_table('ident', 'k');
-- @run
UPDATE t SET n = nextval('sq');
SELECT count(DISTINCT n), min(n), max(n) FROM t;
UPDATE t SET n = vol(k) WHERE k < 5 RETURNING k, n;
UPDATE t SET n = logs(k) WHERE k BETWEEN 3 AND 8 RETURNING n;
SELECT * FROM calls;
UPDATE t SET n = random() * 0 WHERE random() >= 0;
UPDATE t SET v = clock_timestamp()::text WHERE k = 3 RETURNING v IS NOT NULL;
DELETE FROM t WHERE vol(k) = 5 RETURNING k;
UPDATE t SET n = currval('sq') + k WHERE k = 6 RETURNING n;
INSERT INTO t SELECT k + 100, nextval('sq') FROM t WHERE k < 4 ORDER BY k RETURNING k, n;
INSERT INTO t SELECT vol(k + 200), 1 FROM t WHERE k < 4 RETURNING k;
INSERT INTO t VALUES (300, vol(5), timeofday()) RETURNING n;
SELECT k, vol(k) FROM t WHERE vol(k) < 6;
SELECT count(*) FROM t WHERE random() < 2;
INSERT INTO ident (k) VALUES (1), (2);
UPDATE ident SET id = DEFAULT, n = DEFAULT WHERE k = 1 RETURNING *;
UPDATE t SET v = NULL;
