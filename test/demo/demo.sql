-- A shop that many companies use: tables spread by user, small ones on every node, about 180,000 rows.
-- Everything follows from the row numbers, so that each load gives the same data.

-- A number below n that looks random: the same for the same row and purpose.
CREATE FUNCTION pick(row_number bigint, purpose int, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
    'SELECT (((hashint8extended(row_number, purpose) % n) + n) % n)::int';

-- Small tables that every query joins: a copy on every node.
CREATE TABLE tenants (
    id int PRIMARY KEY,
    name text NOT NULL,
    country char(2) NOT NULL
);
CREATE TABLE products (
    id int PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    price numeric(10,2) NOT NULL CHECK (price > 0)
);
SELECT create_reference_table('tenants');
SELECT create_reference_table('products');

-- Large tables: the rows of one user lie together, whatever table they belong to.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    tenant_id int NOT NULL,
    email text NOT NULL,
    credit numeric(12,2) NOT NULL DEFAULT 0,
    joined_at timestamptz NOT NULL
);
SELECT create_distributed_table('users', 'id');
CREATE TABLE orders (
    user_id bigint NOT NULL,
    id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'returned')),
    ordered_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX orders_ordered_at_idx ON orders (ordered_at);
SELECT create_distributed_table('orders', 'user_id');
CREATE TABLE order_items (
    user_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line int NOT NULL,
    product_id int NOT NULL,
    quantity int NOT NULL,
    PRIMARY KEY (user_id, order_id, line),
    FOREIGN KEY (user_id, order_id) REFERENCES orders (user_id, id)
);
SELECT create_distributed_table('order_items', 'user_id');
CREATE TABLE events (
    user_id bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    kind text NOT NULL,
    details jsonb NOT NULL
);
CREATE INDEX events_user_id_happened_at_idx ON events (user_id, happened_at);
SELECT create_distributed_table('events', 'user_id');

INSERT INTO tenants
    SELECT n, 'Company ' || n, (ARRAY['DE', 'FR', 'US', 'JP', 'BR'])[1 + pick(n, 1, 5)]
    FROM generate_series(1, 20) n;
INSERT INTO products
    SELECT n, initcap(kind) || ' ' || n, kind, (100 + pick(n, 3, 19900)) / 100.0
    FROM generate_series(1, 200) n,
        LATERAL (SELECT (ARRAY['book', 'tool', 'toy', 'lamp', 'chair'])[1 + pick(n, 2, 5)] AS kind) k;
INSERT INTO users
    SELECT n, 1 + pick(n, 4, 20), 'user' || n || '@example.com', 100,
        timestamptz '2023-01-01 00:00+00' + pick(n, 5, 31536000) * interval '1 second'
    FROM generate_series(1, 5000) n;
INSERT INTO orders
    SELECT 1 + pick(n, 6, 5000), n, (ARRAY['open', 'paid', 'shipped', 'shipped', 'returned'])[1 + pick(n, 7, 5)],
        timestamptz '2024-01-01 00:00+00' + pick(n, 8, 31536000) * interval '1 second'
    FROM generate_series(1, 30000) n;
INSERT INTO order_items
    SELECT 1 + pick(n, 6, 5000), n, line, 1 + pick(n * 10 + line, 9, 200), 1 + pick(n * 10 + line, 10, 4)
    FROM generate_series(1, 30000) n, LATERAL generate_series(1, 1 + pick(n, 11, 4)) line;
INSERT INTO events
    SELECT 1 + pick(n, 12, 5000), timestamptz '2024-01-01 00:00+00' + n * interval '7 minutes', kind,
        jsonb_build_object('product', 1 + pick(n, 14, 200), 'seconds', pick(n, 15, 300))
    FROM generate_series(1, 70000) n,
        LATERAL (SELECT (ARRAY['view', 'view', 'view', 'search', 'cart', 'buy'])[1 + pick(n, 13, 6)] AS kind) k;

ANALYZE tenants, products, users, orders, order_items, events;
