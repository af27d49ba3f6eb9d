-- Values of INSERT have no collation; here they are sorted before they restrict the table.
-- @setup
CREATE TABLE c (k text COLLATE "C", v text, n int);
CREATE UNIQUE INDEX c_pattern ON c (k, v text_pattern_ops);
CREATE FUNCTION vol(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN x + 1; END$$;
INSERT INTO c SELECT 'k' || i, 'v' || i, i FROM generate_series(1, 10) i;
-- @distribute
SELECT create_distributed_table('c', 'k');
-- @run
SET shardext.always_ship = on;
INSERT INTO c VALUES ('k1', 'v1', 0), ('k1', 'v2', 0) ON CONFLICT (k, v text_pattern_ops) DO UPDATE SET n = vol(c.n) RETURNING *;
SELECT * FROM c;
