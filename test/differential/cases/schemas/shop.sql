-- A shop: users, orders and items share their key; events and visits have other keys;
-- countries and products are reference tables; notes stays a local table.
-- @setup
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, continent text);
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL, tags text[], parent int);
CREATE TABLE users (
  user_id bigint PRIMARY KEY, name text, country text, born date,
  score double precision, active boolean, nick text COLLATE "en-x-icu");
CREATE TABLE orders (
  user_id bigint NOT NULL, order_id int NOT NULL, product_id int, quantity int,
  amount numeric(12,2), placed timestamptz, status text, PRIMARY KEY (user_id, order_id));
CREATE TABLE items (user_id bigint, order_id int, line smallint, product_id int, price numeric(10,2), comment text);
CREATE TABLE events (event_id bigint, kind text, user_id bigint, payload jsonb, at timestamp);
CREATE TABLE visits (site text, user_id bigint, seconds int, day date);
CREATE TABLE nothing (id bigint, v text, n int);
CREATE TABLE notes (id int, user_id bigint, body text);
INSERT INTO countries VALUES ('de','Germany','Europe'), ('fr','France','Europe'), ('jp','Japan','Asia'),
  ('br','Brazil','South America'), ('xx','Nowhere',NULL), ('us','United States','North America');
INSERT INTO products SELECT i, 'product ' || i, (i * 37 % 100) + 0.99, CASE WHEN i % 4 = 0 THEN NULL ELSE ARRAY['t' || i % 3, 'all'] END,
  nullif(i / 3, 0) FROM generate_series(1, 20) i;
INSERT INTO users SELECT i, CASE WHEN i % 11 = 0 THEN NULL ELSE 'user ' || i END,
  (ARRAY['de','fr','jp','br',NULL,'zz'])[i % 6 + 1], date '1950-01-01' + i * 97, i * 1.25 / 7, i % 3 = 0,
  (ARRAY['ada','Ada','bob','Bob','émile','Emile','zoe','Zoë','_x','x-y'])[i % 10 + 1] FROM generate_series(1, 60) i;
INSERT INTO orders SELECT (i * i) % 70 + 1, i, CASE WHEN i % 13 = 0 THEN NULL ELSE i % 25 + 1 END, i % 5,
  CASE WHEN i % 17 = 0 THEN NULL ELSE (i * 7919 % 10000) / 100.0 END,
  timestamptz '2024-01-01 00:00:00+00' + i * interval '7 hours 13 minutes',
  (ARRAY['new','paid','sent','done'])[i % 4 + 1] FROM generate_series(1, 300) i;
INSERT INTO items SELECT (i * i) % 70 + 1, i, l, (i + l) % 22 + 1, (i * 31 + l * 7) % 900 / 10.0, CASE WHEN l = 2 THEN NULL ELSE 'c' || i % 9 END
  FROM generate_series(1, 300) i, generate_series(1, 2) l WHERE i % 2 = 0;
INSERT INTO items VALUES (NULL, NULL, 1, 3, 9.90, 'no owner'), (NULL, 7, 2, NULL, NULL, NULL);
INSERT INTO events SELECT i, (ARRAY['view','click','buy'])[i % 3 + 1], CASE WHEN i % 10 = 0 THEN NULL ELSE i % 65 + 1 END,
  jsonb_build_object('n', i, 'tag', 't' || i % 4, 'deep', jsonb_build_object('list', jsonb_build_array(i % 5, 'x', NULL))),
  timestamp '2024-03-01' + i * interval '3 minutes' FROM generate_series(1, 250) i;
INSERT INTO visits SELECT 'site' || i % 7, i % 64 + 1, i * 13 % 301, date '2024-02-01' + i % 40 FROM generate_series(1, 200) i;
INSERT INTO visits VALUES (NULL, 5, 10, NULL), ('site1', NULL, NULL, '2024-02-29'), ('', 6, 1, '2024-12-31');
INSERT INTO notes SELECT i, i * 3, 'note ' || i FROM generate_series(1, 30) i;
-- @distribute
SELECT create_reference_table('countries');
SELECT create_reference_table('products');
SELECT create_distributed_table('users', 'user_id');
SELECT create_distributed_table('orders', 'user_id');
SELECT create_distributed_table('items', 'user_id');
SELECT create_distributed_table('events', 'event_id');
SELECT create_distributed_table('visits', 'site');
SELECT create_distributed_table('nothing', 'id');
-- Other keys: hardly any join meets on one shard.
-- @distribute other-keys
SELECT create_distributed_table('countries', 'code');
SELECT create_distributed_table('products', 'id');
SELECT create_distributed_table('users', 'user_id');
SELECT create_distributed_table('orders', 'order_id');
SELECT create_distributed_table('items', 'product_id');
SELECT create_distributed_table('events', 'kind');
SELECT create_distributed_table('visits', 'day');
SELECT create_distributed_table('notes', 'user_id');
-- Everything is a reference table but orders.
-- @distribute references
SELECT create_reference_table('countries');
SELECT create_reference_table('users');
SELECT create_reference_table('items');
SELECT create_reference_table('events');
SELECT create_distributed_table('orders', 'user_id');
