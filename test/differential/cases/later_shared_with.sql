-- WITH queries that a data-modifying WITH query and others read, and tables that two parts change.
-- @setup
CREATE TABLE q (id int PRIMARY KEY, state text, n int);
CREATE TABLE hist (what text, id int);
INSERT INTO q SELECT i, 'new', i * 2 FROM generate_series(1, 30) i;
-- @distribute
SELECT create_distributed_table('q', 'id');
SELECT create_distributed_table('hist', 'what');
-- @run
WITH x AS (DELETE FROM q WHERE id = 8 RETURNING *), y AS (INSERT INTO hist SELECT 'deleted', id FROM x RETURNING *) SELECT x.id, y.what FROM x JOIN y USING (id);
WITH x AS (UPDATE q SET n = 0 WHERE id < 5 RETURNING id), y AS (UPDATE q SET n = 1 WHERE id > 20 RETURNING id) SELECT count(*) FROM x, y;
