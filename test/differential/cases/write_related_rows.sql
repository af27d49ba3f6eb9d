-- The general write path and foreign keys: orders, lines and parcels of one tenant, every action, deferral, self-references, reference tables.
-- @setup
CREATE TABLE kinds (code text PRIMARY KEY, name text);
CREATE TABLE tenants (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE orders (tenant int, id int, kind text REFERENCES kinds, parent int, total int CHECK (total < 5000), PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, parent) REFERENCES orders (tenant, id));
CREATE TABLE lines (tenant int, ord int, nr int, qty int DEFAULT 1, PRIMARY KEY (tenant, ord, nr), FOREIGN KEY (tenant, ord) REFERENCES orders (tenant, id) ON DELETE CASCADE);
CREATE TABLE parcels (tenant int, id int, ord int, note text, FOREIGN KEY (tenant, ord) REFERENCES orders (tenant, id) ON DELETE SET NULL (ord));
CREATE TABLE audits (tenant int, ord int, FOREIGN KEY (tenant, ord) REFERENCES orders (tenant, id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO kinds VALUES ('a', 'A'), ('b', 'B'), ('c', 'C'), ('d', 'unused');
INSERT INTO tenants SELECT i, 'tenant ' || i FROM generate_series(1, 9) i;
INSERT INTO orders SELECT i % 6, i, (ARRAY['a', 'b', 'c'])[i % 3 + 1], CASE WHEN i > 24 THEN i - 6 END, i * 10 FROM generate_series(1, 42) i;
INSERT INTO lines SELECT i % 6, i, n, n FROM generate_series(1, 30) i, generate_series(1, 2) n;
INSERT INTO parcels SELECT i % 6, i, i, 'p' || i FROM generate_series(1, 36, 2) i;
INSERT INTO audits SELECT i % 6, i FROM generate_series(10, 20) i;
-- @distribute
SELECT create_reference_table('kinds');
ALTER TABLE tenants DROP CONSTRAINT tenants_name_key;
SELECT create_distributed_table('tenants', 'id');
SELECT create_distributed_table('orders', 'tenant');
SELECT create_distributed_table('lines', 'tenant');
SELECT create_distributed_table('parcels', 'tenant');
SELECT create_distributed_table('audits', 'tenant');
-- @distribute references
SELECT create_reference_table('kinds');
SELECT create_reference_table('tenants');
SELECT create_reference_table('orders');
SELECT create_distributed_table('lines', 'ord');
SELECT create_reference_table('parcels');
SELECT create_reference_table('audits');
-- @run
-- @nodetail
UPDATE orders SET kind = t.name FROM tenants t WHERE t.id = orders.id;
UPDATE orders SET kind = 'b' FROM tenants t WHERE t.id = orders.id RETURNING orders.id, kind;
UPDATE orders SET total = total + l.q FROM (SELECT ord, sum(qty) AS q FROM lines GROUP BY ord) l WHERE l.ord = orders.id RETURNING id, total;
UPDATE orders SET total = total * (SELECT max(nr) * 100 FROM lines) WHERE id = 42;
UPDATE orders SET total = 10000 WHERE id = (SELECT max(id) FROM orders);
UPDATE orders SET parent = 41 WHERE id = (SELECT max(id) FROM orders);
UPDATE orders SET parent = o.id FROM orders o WHERE o.tenant = orders.tenant AND o.id = orders.id - 6 AND orders.id BETWEEN 13 AND 15 RETURNING orders.id, orders.parent;
UPDATE orders SET tenant = 7 WHERE id = 42 RETURNING *;
UPDATE orders SET tenant = 7, parent = NULL WHERE id = 42 RETURNING *;
UPDATE orders SET tenant = 8, parent = 42 WHERE id = 41;
UPDATE orders SET id = 142 WHERE id = 42 AND id IN (SELECT max(id) FROM orders) RETURNING *;
UPDATE lines SET tenant = 8 WHERE ord = 1;
UPDATE lines SET ord = 7 WHERE ord = 1 AND nr = 1;
UPDATE lines SET ord = 7, nr = nr + 10 WHERE ord = 1 RETURNING *;
UPDATE lines SET tenant = o.tenant, ord = o.id, nr = 50 FROM orders o WHERE o.id = 142 AND lines.ord = 2 AND lines.nr = 1 RETURNING lines.*;
UPDATE lines SET ord = (SELECT max(id) + 1 FROM orders) WHERE ord = 3;
UPDATE parcels SET tenant = 3, ord = NULL WHERE id = 1 RETURNING *;
UPDATE parcels SET tenant = tenant + 1 WHERE id = 3;
UPDATE parcels SET tenant = NULL WHERE id = 3 RETURNING *;
UPDATE parcels SET (tenant, ord) = (SELECT tenant, id FROM orders WHERE kind = 'c' ORDER BY id LIMIT 1) WHERE id IN (5, 7) RETURNING *;
DELETE FROM orders USING tenants t WHERE t.id = orders.id AND t.id < 4 RETURNING orders.id;
SELECT count(*), sum(ord) FROM lines;
SELECT * FROM parcels WHERE ord IS NULL;
DELETE FROM orders WHERE id = (SELECT min(parent) FROM orders);
DELETE FROM orders WHERE id > (SELECT avg(id) FROM orders) + 12 RETURNING id;
DELETE FROM kinds WHERE code IN (SELECT kind FROM orders);
DELETE FROM kinds WHERE code NOT IN (SELECT kind FROM orders) RETURNING *;
UPDATE kinds SET code = 'z' WHERE code = (SELECT min(kind) FROM orders);
UPDATE kinds SET name = name || (SELECT count(*) FROM orders WHERE kind = code) RETURNING *;
INSERT INTO lines SELECT tenant, id, 99, total FROM orders WHERE id > 28 RETURNING ord;
-- @nodetail
INSERT INTO lines SELECT tenant, id + 500, 99, total FROM orders WHERE id > 28;
INSERT INTO lines SELECT o.tenant, o.id, 98 FROM orders o JOIN tenants t ON t.id = o.tenant WHERE o.id > 28 ON CONFLICT DO NOTHING;
MERGE INTO lines USING orders ON orders.id = lines.ord AND orders.tenant = lines.tenant AND lines.nr < 3 WHEN MATCHED AND orders.total > 100 THEN DELETE WHEN NOT MATCHED AND orders.id > 30 THEN INSERT VALUES (orders.tenant, orders.id, 1, 0);
-- @nodetail
MERGE INTO orders USING tenants ON tenants.id = orders.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (tenant, id, kind) VALUES (tenants.id, tenants.id + 300, 'nokind');
-- @nodetail
MERGE INTO orders USING tenants ON tenants.id = orders.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (tenant, id, kind) VALUES (tenants.id, tenants.id + 300, 'a');
BEGIN;
UPDATE audits SET ord = ord + 1000 WHERE ord = (SELECT max(ord) FROM audits);
INSERT INTO orders (tenant, id) SELECT tenant, ord FROM audits WHERE ord > 1000;
COMMIT;
BEGIN;
UPDATE audits SET ord = ord + 1000 WHERE ord = (SELECT min(ord) FROM audits);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
DELETE FROM orders WHERE id = (SELECT max(ord) FROM audits);
UPDATE audits SET ord = NULL WHERE ord = (SELECT max(ord) FROM audits);
COMMIT;
BEGIN;
DELETE FROM orders WHERE id IN (SELECT ord FROM audits);
COMMIT;
BEGIN;
UPDATE orders SET parent = NULL;
SAVEPOINT s;
DELETE FROM orders USING audits a WHERE a.ord = orders.id;
-- @nodetail
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO s;
DELETE FROM audits USING orders o WHERE o.id = audits.ord;
DELETE FROM orders WHERE id > (SELECT 20) AND id < 300 RETURNING id;
SELECT count(*) FROM lines;
COMMIT;
WITH o AS (INSERT INTO orders VALUES (1, 700, 'b', NULL, 1), (2, 701, 'c', NULL, 1) RETURNING *) INSERT INTO lines SELECT tenant, id, 2, 1 FROM o RETURNING *;
WITH n AS (INSERT INTO kinds VALUES ('n', 'new') RETURNING code) INSERT INTO orders SELECT i, 800 + i, code FROM n, generate_series(1, 8) i RETURNING *;
WITH n AS (INSERT INTO kinds VALUES ('o', 'new') RETURNING code) UPDATE orders SET kind = n.code FROM n WHERE orders.id > 805 RETURNING orders.id, kind;
WITH o AS (UPDATE orders SET total = 2 WHERE id > 699 RETURNING *) INSERT INTO lines SELECT tenant, id, 1, 1 FROM o WHERE id < 800 RETURNING *;
WITH d AS (DELETE FROM lines WHERE ord = 700 RETURNING *) DELETE FROM orders USING d WHERE d.ord = orders.id RETURNING orders.*;
WITH u AS (UPDATE kinds SET name = 'u' WHERE code = 'b' RETURNING code) UPDATE orders SET kind = u.code FROM u WHERE orders.id = 701 RETURNING orders.*;
SELECT * FROM orders;
SELECT * FROM lines;
SELECT * FROM audits;
