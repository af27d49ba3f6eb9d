-- Who may see what: the coordinator's rules hold for rows that are on other servers.
SET shardext.shard_count = 4;
CREATE ROLE alice;
CREATE ROLE bob;
CREATE TABLE docs (id int, owner text, title text, secret text, PRIMARY KEY (id));
SELECT create_distributed_table('docs', 'id');
INSERT INTO docs SELECT n, CASE n WHEN 2 THEN 'alice' ELSE 'bob' END, 'title ' || n, 'secret ' || n FROM generate_series(1, 6) n;
CREATE TABLE colors (id int PRIMARY KEY, name text);
SELECT create_reference_table('colors');
INSERT INTO colors VALUES (1, 'red');

-- A function that tells what it sees, and looks so cheap that the planner calls it first.
CREATE FUNCTION leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE NOTICE 'leak: %', value;
    RETURN true;
END $$;

-- tables
SET ROLE alice;
SELECT count(*) FROM docs;
SELECT * FROM docs WHERE id = 1;
INSERT INTO docs VALUES (7);
UPDATE docs SET title = '' WHERE id = 1;
DELETE FROM docs;
TRUNCATE docs;
COPY docs TO STDOUT;
COPY docs FROM STDIN;
\.
SELECT count(*) FROM colors;
INSERT INTO colors VALUES (2, 'blue');
SELECT undistribute_table('docs');
SELECT * FROM shardext_shard_of('docs', '1');
SELECT create_distributed_table('docs', 'id');
SET shardext.fault_points = 'before-begin=error';
SELECT conninfo FROM shardext.nodes;
INSERT INTO shardext.tables VALUES (1, 'h', 1, 'id');
RESET ROLE;

-- columns
GRANT SELECT (id, title), UPDATE (title) ON docs TO alice;
SET ROLE alice;
SELECT id, title FROM docs ORDER BY id LIMIT 2;
SELECT count(*) FROM docs WHERE title LIKE 'title%';
SELECT secret FROM docs WHERE id = 1;
SELECT title FROM docs WHERE secret = 'secret 1';
SELECT * FROM docs;
SELECT docs FROM docs;
UPDATE docs SET title = 'new ' || id WHERE id = 1;
UPDATE docs SET title = secret;
UPDATE docs SET title = 'x' RETURNING secret;
UPDATE docs SET secret = '';
SELECT id, title FROM docs WHERE id = 1;
RESET ROLE;

-- views have their owner's rights
CREATE VIEW titles AS SELECT id, title FROM docs WHERE owner = 'bob';
CREATE VIEW titles_of_invoker WITH (security_invoker) AS SELECT id, owner FROM docs;
GRANT SELECT ON titles, titles_of_invoker TO bob;
SET ROLE bob;
SELECT * FROM titles ORDER BY id;
SELECT t.title, count(*) FROM titles t JOIN titles u USING (id) WHERE id = 1 GROUP BY 1;
SELECT * FROM titles_of_invoker;
SELECT * FROM docs;
RESET ROLE;
REVOKE ALL (id, title) ON docs FROM alice;

-- a security barrier
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, title, secret FROM docs WHERE owner = 'alice';
GRANT SELECT ON barrier TO bob;
SET ROLE bob;
SELECT id FROM barrier WHERE leak(secret) ORDER BY id;
SELECT id FROM barrier WHERE id = 1 AND leak(secret);
SELECT id FROM barrier WHERE id = 2 AND leak(secret);
SELECT count(*) FROM barrier WHERE leak(secret);
SELECT secret FROM barrier WHERE leak(secret) AND id < 4 ORDER BY secret LIMIT 1;
SELECT id FROM barrier WHERE 1 / (id - 1) > -5 ORDER BY id; -- id 1 is not to be seen
RESET ROLE;

-- row-level security
GRANT SELECT, INSERT, UPDATE, DELETE ON docs TO alice, bob;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_docs ON docs USING (owner = current_user);
SET ROLE alice;
SELECT id, secret FROM docs ORDER BY id;
SELECT id FROM docs WHERE leak(secret) ORDER BY id;
SELECT id FROM docs WHERE id = 1 AND leak(secret);
SELECT id FROM docs WHERE id = 2 AND leak(secret);
SELECT count(*) FROM docs WHERE leak(secret);
SELECT count(*) FROM docs a JOIN docs b USING (id) WHERE leak(b.secret);
SELECT id FROM docs WHERE 1 / (id - 1) > -5 ORDER BY id; -- id 1 is not to be seen
UPDATE docs SET title = 'theirs' WHERE id = 1;
UPDATE docs SET owner = 'bob' WHERE id = 2;
INSERT INTO docs VALUES (7, 'bob', 'x', 'x');
INSERT INTO docs VALUES (8, 'alice', 'x', 'x');
\set VERBOSITY terse
INSERT INTO docs VALUES (1, 'alice', 'x', 'x');
\set VERBOSITY default
DELETE FROM docs WHERE id IN (1, 8);
COPY docs (id) TO STDOUT;
RESET ROLE;
SELECT id, owner, title FROM docs ORDER BY id;

-- one plan, several users
PREPARE mine AS SELECT id FROM docs ORDER BY id;
PREPARE one(int) AS SELECT id, owner FROM docs WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE mine;
SET ROLE alice;
EXECUTE mine;
EXECUTE one(1);
EXECUTE one(2);
SET ROLE bob;
EXECUTE mine;
EXECUTE one(1);
EXECUTE one(2);
RESET ROLE;
REVOKE ALL ON docs FROM bob;
SET ROLE bob;
EXECUTE mine;
EXECUTE one(1);
RESET ROLE;
EXECUTE one(1);

-- the owner is not held by policies unless they are forced
ALTER TABLE docs OWNER TO alice;
SET ROLE alice;
SELECT count(*) FROM docs;
ALTER TABLE docs FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM docs;
SET row_security = off;
SELECT count(*) FROM docs;
RESET row_security;
RESET ROLE;

-- functions with the rights of their owner
CREATE FUNCTION count_docs() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM docs';
SET ROLE bob;
SELECT count_docs();
RESET ROLE;

DROP FUNCTION count_docs;
DROP VIEW titles, titles_of_invoker, barrier;
DROP TABLE docs, colors;
DROP FUNCTION leak;
DROP ROLE alice, bob;
