-- Data-modifying WITH queries whose rows several parts of the statement read.
-- @setup
CREATE TABLE jobs (id int PRIMARY KEY, state text NOT NULL, prio int);
CREATE TABLE archive (id int, state text);
CREATE TABLE log (what text, id int);
INSERT INTO jobs SELECT i, CASE WHEN i % 3 = 0 THEN 'done' ELSE 'new' END, i % 5 FROM generate_series(1, 40) i;
-- @distribute
SELECT create_distributed_table('jobs', 'id');
SELECT create_distributed_table('archive', 'id');
SELECT create_distributed_table('log', 'what');
-- @run
WITH d AS (DELETE FROM jobs WHERE id < 7 RETURNING *), a AS (INSERT INTO archive SELECT id, state FROM d RETURNING id) SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM a);
WITH d AS (DELETE FROM jobs WHERE id < 14 RETURNING *), a AS (INSERT INTO archive SELECT id, state FROM d), l AS (INSERT INTO log SELECT state, id FROM d) SELECT * FROM d;
WITH pick AS (SELECT id FROM jobs WHERE state = 'new' ORDER BY prio, id LIMIT 3), u AS (UPDATE jobs SET state = 'run' FROM pick WHERE pick.id = jobs.id RETURNING jobs.id) SELECT pick.id, u.id FROM pick FULL JOIN u USING (id);
WITH x AS (SELECT max(id) AS m FROM jobs), i AS (INSERT INTO log SELECT 'max', m FROM x) UPDATE jobs SET state = 'max' FROM x WHERE jobs.id = x.m RETURNING *;
WITH u AS (UPDATE jobs SET prio = 9 WHERE id = 20 RETURNING id), v AS (UPDATE jobs SET prio = 8 WHERE id = 21 RETURNING id) SELECT u.id, v.id FROM u, v;
SELECT * FROM jobs;
SELECT * FROM archive;
SELECT * FROM log;
