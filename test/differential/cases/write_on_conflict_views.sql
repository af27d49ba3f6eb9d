-- ON CONFLICT DO UPDATE under CHECK OPTION.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, n bigint, v text);
INSERT INTO t SELECT i, 0, 'v' || i FROM generate_series(1, 20) i;
CREATE VIEW small AS SELECT * FROM t WHERE n < 1000 WITH CHECK OPTION;
-- @distribute
SELECT create_distributed_table('t', 'k');
-- @run
INSERT INTO small VALUES (1, 5, 'a') ON CONFLICT (k) DO UPDATE SET n = 5000;
