-- UPDATE, DELETE and MERGE row by row: what a statement may not do to its own rows, and rows that change their shard.
SET shardext.shard_count = 4;
CREATE TABLE item (id int PRIMARY KEY, n int);
SELECT create_distributed_table('item', 'id');
INSERT INTO item SELECT i, 0 FROM generate_series(1, 8) i;

-- A function changes the rows that the statement is about to change: an error, as on one server.
CREATE FUNCTION bump(which int) RETURNS int LANGUAGE plpgsql VOLATILE AS
$$ BEGIN UPDATE item SET n = n + 1 WHERE id = which; RETURN 1; END $$;
UPDATE item SET n = bump(id) WHERE id < 4;
DELETE FROM item WHERE id < 4 AND bump(id) = 1;
MERGE INTO item USING (VALUES (1)) v(k) ON id = k WHEN MATCHED THEN UPDATE SET n = bump(id);
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE item SET n = bump(id) WHERE id = 1;
ROLLBACK;
-- Others it may change.
UPDATE item SET n = bump(8) WHERE id < 4;
SELECT * FROM item ORDER BY id;

-- Rows that others refer to take these along; ON DELETE does not strike them.
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN 1; END $$;
CREATE TABLE part (id int, item int CONSTRAINT part_of REFERENCES item ON UPDATE CASCADE ON DELETE CASCADE);
SELECT create_distributed_table('part', 'item');
INSERT INTO part SELECT i, i FROM generate_series(1, 6) i;
UPDATE item SET id = id + 100;
UPDATE item SET id = id + 100 * one();
MERGE INTO item USING (VALUES (202)) v(k) ON item.id = k WHEN MATCHED THEN UPDATE SET id = item.id + 100;
SELECT count(*) FROM part;
UPDATE item SET id = id - 200 WHERE id BETWEEN 203 AND 206;
DELETE FROM item WHERE id = 200 + one();
SELECT item.id, part.id FROM item LEFT JOIN part ON part.item = item.id ORDER BY 1;
DROP TABLE part;
CREATE TABLE part (id int, item int CONSTRAINT part_of REFERENCES item ON DELETE CASCADE);
SELECT create_distributed_table('part', 'item');
INSERT INTO part VALUES (1, 3);
\set VERBOSITY terse
UPDATE item SET id = id + 100 WHERE id IN (3, 4);
\set VERBOSITY default
UPDATE item SET id = id + 100 WHERE id = 4;
SELECT item.id, part.id FROM item LEFT JOIN part ON part.item = item.id ORDER BY 1;

DROP TABLE part, item;
DROP FUNCTION bump, one;
