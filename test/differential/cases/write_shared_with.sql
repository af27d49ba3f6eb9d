-- WITH queries that a data-modifying WITH query and others read.
-- @setup
CREATE TABLE q (id int PRIMARY KEY, state text, n int);
CREATE TABLE hist (what text, id int);
CREATE TABLE other (id int PRIMARY KEY, n int);
INSERT INTO q SELECT i, 'new', i * 2 FROM generate_series(1, 30) i;
INSERT INTO other SELECT i, i FROM generate_series(1, 30) i;
-- @distribute
SELECT create_distributed_table('q', 'id');
SELECT create_distributed_table('hist', 'what');
SELECT create_distributed_table('other', 'id');
-- @run
WITH x AS (DELETE FROM q WHERE id = 8 RETURNING *), y AS (INSERT INTO hist SELECT 'deleted', id FROM x RETURNING *) SELECT x.id, y.what FROM x JOIN y USING (id);
WITH x AS (DELETE FROM q WHERE id BETWEEN 10 AND 14 RETURNING id, n), y AS (INSERT INTO hist SELECT 'gone', id FROM x), z AS (UPDATE other SET n = other.n + x.n FROM x WHERE x.id = other.id RETURNING other.id, other.n) SELECT (SELECT count(*) FROM x), (SELECT sum(n) FROM z);
WITH s AS (SELECT id FROM q WHERE n > 50), y AS (INSERT INTO hist SELECT 'seen', id FROM s RETURNING id), z AS (DELETE FROM other USING s WHERE s.id = other.id RETURNING other.id) SELECT y.id, z.id FROM y JOIN z USING (id);
WITH x AS (UPDATE q SET n = 0 WHERE id < 5 RETURNING id), y AS (MERGE INTO other USING x ON x.id = other.id WHEN MATCHED THEN UPDATE SET n = -1) SELECT count(*) FROM x;
WITH x AS (UPDATE q SET n = 0 WHERE id < 5 RETURNING id), y AS (UPDATE other SET n = -1 FROM x WHERE x.id = other.id) SELECT count(*) FROM x;
WITH x AS (SELECT random() AS r, id FROM other WHERE id < 4), y AS (INSERT INTO hist SELECT (r >= 0)::text, id FROM x RETURNING id) SELECT count(*) FROM x JOIN y USING (id);
WITH x AS (DELETE FROM other WHERE id = 20 RETURNING id), y AS (INSERT INTO other SELECT id + 1000, id FROM x RETURNING id) SELECT x.id, y.id FROM x, y;
WITH x AS (INSERT INTO other VALUES (500, 1), (501, 2) RETURNING id, n), y AS (INSERT INTO q SELECT id, 'more', n FROM x ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id) INSERT INTO hist SELECT 'both', x.id FROM x JOIN y USING (id) RETURNING *;
SELECT * FROM q;
SELECT * FROM hist;
SELECT * FROM other;
