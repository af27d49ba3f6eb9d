-- MERGE and ON CONFLICT under row-level security, with policies of all kinds.
-- @setup
CREATE TABLE docs (tenant int, id int, owner text, body text, size int GENERATED ALWAYS AS (length(body)) STORED, PRIMARY KEY (tenant, id));
INSERT INTO docs SELECT i % 5, i, CASE i % 3 WHEN 0 THEN 'diff_alice' ELSE 'diff_bob' END, 'body ' || i FROM generate_series(1, 40) i;
CREATE TABLE feed (tenant int, id int, body text);
INSERT INTO feed SELECT i % 5, i, 'fed ' || i FROM generate_series(30, 50) i;
GRANT ALL ON docs, feed TO diff_alice;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON docs FOR SELECT USING (true);
CREATE POLICY added ON docs FOR INSERT WITH CHECK (owner = current_user AND size < 20);
CREATE POLICY changed ON docs FOR UPDATE USING (owner = current_user) WITH CHECK (owner = current_user AND body <> 'bad');
CREATE POLICY removed ON docs FOR DELETE USING (owner = current_user AND tenant < 4);
CREATE VIEW shorts AS SELECT * FROM docs WHERE size < 10 WITH CHECK OPTION;
-- @distribute
SELECT create_distributed_table('docs', 'tenant');
SELECT create_distributed_table('feed', 'id');
-- @run
INSERT INTO shorts (tenant, id, owner, body) VALUES (3, 3, 'x', 'long long long') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body;
INSERT INTO shorts (tenant, id, owner, body) VALUES (3, 3, 'x', 'shorter') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body RETURNING *;
SET ROLE diff_alice;
INSERT INTO docs (tenant, id, owner, body) VALUES (3, 3, 'diff_alice', 'mine') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body RETURNING *;
INSERT INTO docs (tenant, id, owner, body) VALUES (4, 4, 'diff_alice', 'not mine') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body;
INSERT INTO docs (tenant, id, owner, body) VALUES (3, 3, 'diff_bob', 'mine') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body;
INSERT INTO docs (tenant, id, owner, body) VALUES (3, 3, 'diff_alice', 'bad') ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body;
INSERT INTO docs (tenant, id, owner, body) VALUES (3, 333, 'diff_alice', 'fresh'), (1, 6, 'diff_alice', 'again') ON CONFLICT (tenant, id) DO UPDATE SET body = docs.body || '!' RETURNING id, body, size;
INSERT INTO docs (tenant, id, owner, body) VALUES (1, 666, 'diff_alice', repeat('x', 30)) ON CONFLICT (tenant, id) DO UPDATE SET body = 'y';
MERGE INTO docs d USING feed f ON d.tenant = f.tenant AND d.id = f.id WHEN MATCHED AND d.owner = 'diff_alice' THEN UPDATE SET body = f.body WHEN NOT MATCHED THEN INSERT (tenant, id, owner, body) VALUES (f.tenant, f.id, 'diff_alice', f.body);
MERGE INTO docs d USING feed f ON d.tenant = f.tenant AND d.id = f.id WHEN MATCHED THEN UPDATE SET body = f.body || '?';
MERGE INTO docs d USING feed f ON d.tenant = f.tenant AND d.id = f.id WHEN MATCHED AND d.owner = 'diff_alice' AND d.tenant < 4 THEN DELETE;
MERGE INTO docs d USING feed f ON d.tenant = f.tenant AND d.id = f.id WHEN MATCHED THEN DELETE;
MERGE INTO docs d USING (SELECT 3 AS t, 3 AS i) f ON d.tenant = f.t AND d.id = f.i WHEN MATCHED THEN UPDATE SET body = 'bad';
MERGE INTO docs d USING (SELECT 3 AS t, 999 AS i) f ON d.tenant = f.t AND d.id = f.i WHEN NOT MATCHED THEN INSERT (tenant, id, owner, body) VALUES (3, 999, 'nobody', 'x');
UPDATE docs SET body = 'bad' WHERE owner = current_user AND random() >= 0;
UPDATE docs SET tenant = tenant + 10 WHERE id < 20 RETURNING *;
DELETE FROM docs WHERE id > 20 AND random() >= 0 RETURNING tenant, id;
RESET ROLE;
SELECT * FROM docs;
