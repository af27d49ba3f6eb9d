-- Functions in an UPDATE or DELETE that change the rows which the statement itself changes: an error, and no endless loop.
-- @setup
CREATE TABLE queue (id int PRIMARY KEY, tries int DEFAULT 0);
CREATE FUNCTION meddle(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN UPDATE queue SET tries = tries + 100 WHERE id = i; RETURN i; END$$;
CREATE FUNCTION removes(i int) RETURNS int LANGUAGE plpgsql AS $$BEGIN DELETE FROM queue WHERE id = i; RETURN i; END$$;
INSERT INTO queue SELECT i FROM generate_series(1, 9) i;
-- @distribute
SELECT create_distributed_table('queue', 'id');
-- @run
UPDATE queue SET tries = meddle(id) WHERE id = 3;
UPDATE queue SET tries = meddle(id + 1) WHERE id = 5 RETURNING *;
UPDATE queue SET tries = removes(id) WHERE id = 7;
DELETE FROM queue WHERE id = 8 AND meddle(id) = 8;
DELETE FROM queue WHERE id = 9 AND removes(id) = 9;
SELECT * FROM queue;
