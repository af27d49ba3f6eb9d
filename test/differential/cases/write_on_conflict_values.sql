-- ON CONFLICT DO UPDATE with values that the coordinator works out and of the distribution column.
-- @setup
CREATE SEQUENCE sq;
CREATE TABLE t (k int PRIMARY KEY, n bigint, v text);
CREATE TABLE o (a int, b int);
INSERT INTO o VALUES (1, 5), (2, 7);
CREATE FUNCTION vol(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN x + 1; END$$;
INSERT INTO t SELECT i, 0, 'v' || i FROM generate_series(1, 20) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('o', 'a');
-- @run
INSERT INTO t VALUES (1, 5), (50, 6) ON CONFLICT (k) DO UPDATE SET n = nextval('sq') RETURNING k, n;
INSERT INTO t VALUES (2, 5) ON CONFLICT (k) DO UPDATE SET n = vol(t.k), v = left(gen_random_uuid()::text, 0) || 'u' RETURNING n, v;
INSERT INTO t VALUES (3, 5) ON CONFLICT (k) DO UPDATE SET k = 555 RETURNING k, n, v;
INSERT INTO t VALUES (4, 5) ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET n = (SELECT max(b) FROM o) WHERE t.n < 3 RETURNING k, n, v;
INSERT INTO t VALUES (4, 5) ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET n = (SELECT max(b) FROM o) WHERE t.n < 3 RETURNING k, n, v;
INSERT INTO t VALUES (4, 5), (4, 6) ON CONFLICT (k) DO UPDATE SET n = vol(1);
INSERT INTO t VALUES (404, 5), (404, 6) ON CONFLICT (k) DO UPDATE SET n = vol(1);
WITH w AS (SELECT b, a + 7 AS a FROM o) INSERT INTO t SELECT a, b FROM w ON CONFLICT (k) DO UPDATE SET n = (SELECT sum(b) FROM w), v = vol(7) RETURNING *;
INSERT INTO t VALUES ((random() * 0)::int + 5, 1) ON CONFLICT (k) DO UPDATE SET n = vol(77) RETURNING *;
INSERT INTO t (k) SELECT i FROM generate_series(1, 3000) i ON CONFLICT (k) DO UPDATE SET n = vol(t.k);
SELECT count(*), sum(n) FROM t;
PREPARE p(int) AS INSERT INTO t VALUES ($1, 1) ON CONFLICT (k) DO UPDATE SET n = vol($1) RETURNING *;
EXECUTE p(6);
EXECUTE p(6000);
EXECUTE p(6000);
EXECUTE p(7);
EXECUTE p(8);
EXECUTE p(9);
EXECUTE p(10);
INSERT INTO t VALUES (11, 1) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO t AS x VALUES (11, 1), (12, 2) ON CONFLICT (k) DO UPDATE SET (n, v) = (SELECT b, vol(b) FROM o WHERE a = 1) WHERE x.k < 12 RETURNING *;
SELECT * FROM t WHERE k < 30;
