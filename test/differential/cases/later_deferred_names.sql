-- The schema that an error of a deferred constraint names, when the shards are on the coordinator.
-- @setup
CREATE TABLE soft (k int, id int, UNIQUE (k, id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO soft SELECT i, 1 FROM generate_series(1, 20) i;
-- @distribute
SELECT create_distributed_table('soft', 'k');
-- @run
UPDATE soft SET k = 2 WHERE k = 5;
INSERT INTO soft VALUES (3, 1);
SELECT * FROM soft;
