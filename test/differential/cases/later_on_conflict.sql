-- ON CONFLICT DO UPDATE with values that the coordinator works out, of the distribution column, and under CHECK OPTION.
-- @setup
CREATE SEQUENCE sq;
CREATE TABLE t (k int PRIMARY KEY, n bigint, v text);
CREATE FUNCTION vol(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN x + 1; END$$;
INSERT INTO t SELECT i, 0, 'v' || i FROM generate_series(1, 20) i;
CREATE VIEW small AS SELECT * FROM t WHERE n < 1000 WITH CHECK OPTION;
-- @distribute
SELECT create_distributed_table('t', 'k');
-- @run
INSERT INTO t VALUES (1, 5), (50, 6) ON CONFLICT (k) DO UPDATE SET n = nextval('sq') RETURNING k, n;
INSERT INTO t VALUES (2, 5) ON CONFLICT (k) DO UPDATE SET n = vol(t.k), v = gen_random_uuid()::text RETURNING n, length(v);
INSERT INTO t VALUES (3, 5) ON CONFLICT (k) DO UPDATE SET k = 555 RETURNING k, n, v;
INSERT INTO small VALUES (1, 5, 'a') ON CONFLICT (k) DO UPDATE SET n = 5000;
