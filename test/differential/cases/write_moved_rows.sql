-- UPDATE of the distribution column of an order book: what moves keeps identity, generated, dropped and default columns.
-- @setup
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, region text);
CREATE TABLE orders (
  gone int, order_no bigint GENERATED ALWAYS AS IDENTITY, customer int, qty int NOT NULL DEFAULT 1 CHECK (qty > 0), price numeric(8,2),
  total numeric GENERATED ALWAYS AS (qty * price) STORED, tag text DEFAULT 'none', gone2 text, placed timestamptz DEFAULT '2024-01-01 00:00+00',
  who text GENERATED ALWAYS AS ('c' || customer::text) STORED, UNIQUE (customer, order_no));
INSERT INTO customers SELECT i, 'customer ' || i, (ARRAY['north','south','east'])[i % 3 + 1] FROM generate_series(1, 25) i;
INSERT INTO orders (customer, qty, price, tag) SELECT i % 25 + 1, i % 4 + 1, i * 1.5, CASE WHEN i % 5 = 0 THEN NULL ELSE 't' || i % 6 END FROM generate_series(1, 80) i;
INSERT INTO orders (customer, qty, price) VALUES (NULL, 2, 3), (NULL, 5, NULL);
ALTER TABLE orders DROP COLUMN gone, DROP COLUMN gone2;
ALTER TABLE orders ADD COLUMN late int DEFAULT 42;
-- @distribute
SELECT create_distributed_table('customers', 'id');
SELECT create_distributed_table('orders', 'customer');
-- @distribute references
SELECT create_reference_table('customers');
SELECT create_distributed_table('orders', 'customer');
-- @distribute by-tag
SELECT create_distributed_table('customers', 'id');
ALTER TABLE orders DROP CONSTRAINT orders_customer_order_no_key;
SELECT create_distributed_table('orders', 'tag');
-- @run
UPDATE orders SET customer = customer + 100 WHERE customer = 3 RETURNING *;
UPDATE orders SET customer = 7 WHERE customer IS NULL RETURNING order_no, customer, total, who, late;
UPDATE orders SET customer = NULL WHERE customer = 7 AND qty = 5 RETURNING orders;
UPDATE orders SET customer = CASE WHEN qty > 2 THEN customer + 1 ELSE customer END WHERE customer < 6 RETURNING order_no, customer, who;
UPDATE orders SET customer = -customer, tag = tag || '!', price = price + 1 WHERE order_no % 7 = 0 RETURNING order_no, customer, tag, price, total, who;
UPDATE orders SET tag = 'moved' WHERE tag = 't1' RETURNING order_no, tag, who;
UPDATE orders SET tag = NULL WHERE tag = 't2' RETURNING order_no, tag;
UPDATE orders SET (customer, tag) = (tag::text::int, customer::text) WHERE order_no = 3;
UPDATE orders SET (customer, tag) = (qty * 10, customer::text) WHERE order_no = 3 RETURNING *;
UPDATE orders SET (customer, qty) = (SELECT max(id), min(id) FROM customers WHERE region = 'east') WHERE order_no IN (4, 5) RETURNING customer, qty, total;
UPDATE orders o SET customer = c.id + 200 FROM customers c WHERE c.id = o.customer AND c.region = 'north' AND o.qty = 1 RETURNING o.order_no, o.customer, c.name, o.who;
UPDATE orders o SET customer = p.customer FROM orders p WHERE p.order_no = o.order_no - 1 AND o.order_no BETWEEN 40 AND 50 RETURNING o.order_no, o.customer, p.order_no;
UPDATE orders SET order_no = 5 WHERE order_no = 6;
UPDATE orders SET order_no = DEFAULT, customer = customer + 1 WHERE order_no = 80 RETURNING customer, order_no > 80;
UPDATE orders SET total = 5, customer = 4 WHERE order_no = 9;
UPDATE orders SET total = DEFAULT, customer = 4 WHERE order_no = 9 RETURNING *;
UPDATE orders SET who = DEFAULT WHERE customer > (SELECT avg(id) FROM customers) RETURNING order_no;
UPDATE orders SET qty = DEFAULT, tag = DEFAULT, placed = DEFAULT, late = DEFAULT, customer = customer * 2 WHERE order_no = 11 RETURNING *;
UPDATE orders SET qty = 0, customer = 4 WHERE order_no = 12;
UPDATE orders SET qty = NULL, customer = 4 WHERE order_no = 12;
UPDATE orders SET qty = 0 WHERE order_no = 12 AND price < (SELECT max(price) FROM orders);
UPDATE orders SET price = 99999999, customer = 4 WHERE order_no = 13;
UPDATE orders SET price = 1 / (qty - qty), customer = 4 WHERE order_no = 13;
UPDATE orders SET price = 12.345, customer = 4, tag = 'x' WHERE order_no = 13 RETURNING price, total;
UPDATE orders SET customer = 99999999999;
UPDATE orders SET customer = 'x';
UPDATE orders SET customer = 5, customer = 6;
UPDATE orders SET missing = 5, customer = 6;
UPDATE orders SET customer = customer WHERE order_no < 5 RETURNING order_no, customer;
UPDATE orders SET customer = customer + 0, tag = tag || '' WHERE order_no BETWEEN 20 AND 25 RETURNING *;
UPDATE orders SET customer = random() * 0 + 3 WHERE order_no = 30 RETURNING customer;
UPDATE orders SET customer = (SELECT count(*) FROM orders x WHERE x.tag = orders.tag) WHERE order_no BETWEEN 31 AND 36 RETURNING order_no, customer, who;
UPDATE orders SET customer = (SELECT id FROM customers);
UPDATE orders SET customer = (SELECT id FROM customers WHERE id < 0) WHERE order_no = 37 RETURNING customer, who;
UPDATE orders SET customer = abs(customer) WHERE customer < 0 RETURNING order_no, tableoid::regclass;
BEGIN;
UPDATE orders SET customer = customer + 1;
SELECT customer, count(*), sum(total) FROM orders GROUP BY customer;
SAVEPOINT a;
UPDATE orders SET customer = customer + 1, tag = 'twice' RETURNING order_no;
SELECT count(*) FROM orders WHERE tag = 'twice';
ROLLBACK TO a;
UPDATE orders SET customer = customer - 1;
SELECT customer, count(*) FROM orders GROUP BY customer;
COMMIT;
BEGIN;
UPDATE orders SET customer = 1000 WHERE order_no = 1;
UPDATE orders SET customer = 1001 WHERE order_no = 1 RETURNING who;
DELETE FROM orders WHERE customer = 1001 RETURNING order_no;
UPDATE orders SET customer = 1002 WHERE order_no = 1 RETURNING who;
ROLLBACK;
BEGIN;
DELETE FROM orders WHERE order_no = 2;
INSERT INTO orders (customer, order_no, price) OVERRIDING SYSTEM VALUE VALUES (500, 2, 7) RETURNING *;
UPDATE orders SET customer = 501 WHERE customer = 500 RETURNING *;
UPDATE orders SET qty = -1, customer = 502 WHERE customer = 501;
SELECT 1;
COMMIT;
SELECT count(*) FROM orders WHERE customer = 501;
BEGIN;
INSERT INTO orders (customer, price) SELECT id + 600, id FROM customers WHERE id < 4 ORDER BY id;
UPDATE orders SET customer = customer + 1 WHERE customer > 600 RETURNING customer, price, who;
SAVEPOINT s1;
-- @nodetail
UPDATE orders SET customer = NULL, qty = qty - 1 WHERE customer > 600;
ROLLBACK TO s1;
UPDATE orders SET customer = NULL WHERE customer > 600 RETURNING who, price;
RELEASE s1;
COMMIT;
SELECT * FROM orders WHERE customer IS NULL;
SELECT order_no, customer, qty, price, total, tag, placed, who, late FROM orders WHERE order_no <= 80;
