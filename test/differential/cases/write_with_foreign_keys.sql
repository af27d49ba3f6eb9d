-- Data-modifying WITH queries that foreign keys tie together: PostgreSQL checks them at the end of the statement.
-- @setup
CREATE TABLE orders (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE lines (tenant int, ord int, nr int, FOREIGN KEY (tenant, ord) REFERENCES orders (tenant, id));
INSERT INTO orders SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO lines SELECT i, i, 1 FROM generate_series(1, 10) i;
-- @distribute
SELECT create_distributed_table('orders', 'tenant');
SELECT create_distributed_table('lines', 'tenant');
-- @run
WITH o AS (INSERT INTO orders VALUES (1, 100), (2, 101) RETURNING *) INSERT INTO lines SELECT tenant, id, 1 FROM o RETURNING *;
WITH l AS (INSERT INTO lines VALUES (3, 102, 1) RETURNING *) INSERT INTO orders SELECT tenant, ord FROM l RETURNING *;
WITH o AS (DELETE FROM orders WHERE id = 4 RETURNING *) DELETE FROM lines USING o WHERE lines.tenant = o.tenant AND lines.ord = o.id RETURNING lines.*;
SELECT * FROM orders;
SELECT * FROM lines;
