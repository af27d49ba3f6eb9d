-- Upserts under row security or through a view, and updates of a view joined with another table.
-- @setup
CREATE TABLE docs (tenant int, id int, owner text, body text, PRIMARY KEY (tenant, id));
INSERT INTO docs SELECT i % 5, i, CASE i % 2 WHEN 0 THEN 'diff_alice' ELSE 'diff_bob' END, 'body ' || i FROM generate_series(1, 40) i;
GRANT ALL ON docs TO diff_alice;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON docs USING (owner = current_user) WITH CHECK (owner = current_user);
CREATE TABLE people (id int PRIMARY KEY, name text, city text DEFAULT 'here');
INSERT INTO people SELECT i, 'name ' || i, CASE i % 3 WHEN 0 THEN 'paris' ELSE 'rome' END FROM generate_series(1, 30) i;
CREATE TABLE visits (id int, place text);
INSERT INTO visits SELECT i % 25, 'p' || i % 4 FROM generate_series(1, 60) i;
CREATE VIEW paris AS SELECT * FROM people WHERE city = 'paris';
-- @distribute
SELECT create_distributed_table('docs', 'tenant');
SELECT create_distributed_table('people', 'id');
SELECT create_distributed_table('visits', 'id');
-- @run
INSERT INTO paris (id, name) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING name;
INSERT INTO paris (id, name) VALUES (4, 'x') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING name;
UPDATE paris SET name = 'seen' FROM visits v WHERE v.id = paris.id AND v.place = 'p1' RETURNING paris.id;
SET ROLE diff_alice;
INSERT INTO docs VALUES (2, 2, 'diff_alice', 'dup') ON CONFLICT (tenant, id) DO UPDATE SET body = EXCLUDED.body RETURNING body;
INSERT INTO docs VALUES (1, 1, 'diff_alice', 'bobs') ON CONFLICT (tenant, id) DO UPDATE SET body = EXCLUDED.body;
RESET ROLE;
