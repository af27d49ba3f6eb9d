-- Data-modifying WITH queries that foreign keys tie together: PostgreSQL checks them at the end of the statement.
-- @setup
CREATE TABLE orders (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE lines (tenant int, ord int, nr int, FOREIGN KEY (tenant, ord) REFERENCES orders (tenant, id));
CREATE TABLE kinds (code int PRIMARY KEY, name text);
CREATE TABLE things (k int, kind int REFERENCES kinds);
INSERT INTO orders SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO lines SELECT i, i, 1 FROM generate_series(1, 10) i;
INSERT INTO kinds SELECT i, 'k' || i FROM generate_series(1, 5) i;
INSERT INTO things SELECT i, 1 FROM generate_series(1, 10) i;
-- @distribute
SELECT create_distributed_table('orders', 'tenant');
SELECT create_distributed_table('lines', 'tenant');
SELECT create_reference_table('kinds');
SELECT create_distributed_table('things', 'k');
-- @run
WITH o AS (INSERT INTO orders VALUES (1, 100), (2, 101) RETURNING *) INSERT INTO lines SELECT tenant, id, 1 FROM o RETURNING *;
WITH l AS (INSERT INTO lines VALUES (3, 102, 1) RETURNING *) INSERT INTO orders SELECT tenant, ord FROM l RETURNING *;
WITH o AS (DELETE FROM orders WHERE id = 4 RETURNING *) DELETE FROM lines USING o WHERE lines.tenant = o.tenant AND lines.ord = o.id RETURNING lines.*;
WITH n AS (INSERT INTO kinds VALUES (9, 'new') RETURNING code) INSERT INTO things SELECT 50, code FROM n RETURNING *;
WITH n AS (INSERT INTO kinds VALUES (10, 'new') RETURNING code) UPDATE things SET kind = n.code FROM n WHERE things.k = 3 RETURNING things.*;
SELECT * FROM orders;
SELECT * FROM lines;
SELECT * FROM things;
SELECT * FROM kinds;
