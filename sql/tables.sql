-- Distributed and reference tables: making them, looking at them, undoing them.
SET shardext.shard_count = 4;
\set VERBOSITY terse

-- a distributed table, empty and with rows
CREATE TABLE users (id int PRIMARY KEY, name text);
SELECT create_distributed_table('users', 'id');
CREATE TABLE orders (user_id int, id int, total numeric, PRIMARY KEY (user_id, id), FOREIGN KEY (user_id) REFERENCES users);
INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 20) n;
INSERT INTO orders SELECT 1 + n % 20, n, n * 1.5 FROM generate_series(1, 100) n;
SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users');
SELECT count(*), sum(total) FROM orders;
SELECT count(*) FROM ONLY orders WHERE user_id = 7;
INSERT INTO orders VALUES (99, 1, 1);
INSERT INTO orders VALUES (7, 6, 1);

-- a reference table
CREATE TABLE colors (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO colors VALUES (1, 'red'), (2, 'green');
SELECT create_reference_table('colors');
INSERT INTO colors VALUES (3, 'blue');
SELECT * FROM colors ORDER BY id;

-- other groups: of its own, of another key type, of another count
CREATE TABLE alone (k int);
SELECT create_distributed_table('alone', 'k', colocate_with => 'none');
CREATE TABLE words (word text, n int);
SELECT create_distributed_table('words', 'word', shard_count => 2);
CREATE SCHEMA shop;
CREATE TABLE shop."Odd ""name""" (k int, v text);
SELECT create_distributed_table('shop."Odd ""name"""', 'k', 'public.users');

-- what is refused
CREATE TABLE plain (id int PRIMARY KEY, v text, j json, p point, twice int GENERATED ALWAYS AS (id * 2) STORED);
SELECT create_distributed_table('users', 'id');
SELECT create_reference_table('users');
SELECT create_distributed_table('no_such_table', 'id');
SELECT create_distributed_table('plain', 'no_such_column');
SELECT create_distributed_table('plain', 'ctid');
SELECT create_distributed_table('plain', 'v');
SELECT create_distributed_table('plain', 'j');
SELECT create_distributed_table('plain', 'p');
SELECT create_distributed_table('plain', 'twice');
SELECT create_distributed_table('plain', NULL);
SELECT create_distributed_table(NULL, 'id');
SELECT create_distributed_table('plain', 'id', shard_count => 0);
SELECT create_distributed_table('plain', 'id', shard_count => 65537);
SELECT create_distributed_table('plain', 'id', colocate_with => 'no_such_table');
SELECT create_distributed_table('plain', 'id', colocate_with => 'plain');
SELECT create_distributed_table('plain', 'id', colocate_with => 'colors');
SELECT create_distributed_table('plain', 'id', colocate_with => 'words');
SELECT create_distributed_table('plain', 'id', colocate_with => 'users', shard_count => 8);
SELECT create_distributed_table('pg_class', 'oid');
CREATE TEMPORARY TABLE fleeting (id int);
SELECT create_distributed_table('fleeting', 'id');
CREATE VIEW seen AS SELECT 1 AS id;
SELECT create_distributed_table('seen', 'id');
CREATE TABLE parts (id int) PARTITION BY HASH (id);
SELECT create_distributed_table('parts', 'id');
SELECT undistribute_table('plain');
SELECT * FROM shardext_shard_of('plain', '1');
SELECT * FROM shardext_shard_of('users', 'x');
\set VERBOSITY default
SELECT create_distributed_table('plain', 'v');
\set VERBOSITY terse
DROP TABLE plain, parts;
DROP VIEW seen;

-- looking at them
SELECT table_name, kind, distribution_column, shard_count, owner FROM shardext_tables;
SELECT a.table_name, b.table_name, a.colocation_id = b.colocation_id AS together
FROM shardext_tables a, shardext_tables b
WHERE a.kind = 'distributed' AND b.kind = 'distributed' AND a.table_name::text < b.table_name::text
ORDER BY a.table_name::text, b.table_name::text;
SELECT table_name, range_min, range_max, node, size_bytes > 0 AS has_size,
    regexp_replace(shard, '\d+', 'N') AS shard
FROM shardext_shards WHERE table_name IN ('users'::regclass, 'words'::regclass, 'colors'::regclass, 'shop."Odd ""name"""'::regclass);
SELECT k.key, o.node, o.shard_group = s.shard_group AND o.shard = s.shard AS agrees,
    hash_array_extended(ARRAY[k.key], 0) BETWEEN s.range_min AND s.range_max AS in_range
FROM (VALUES (1), (2), (3), (-1), (2147483647)) k(key),
    LATERAL shardext_shard_of('users', k.key::text) o
    JOIN shardext_shards s ON s.table_name = 'users'::regclass AND s.shard_group = o.shard_group;
SELECT a.shard_group = b.shard_group AS together
FROM shardext_shard_of('users', '42') a, shardext_shard_of('orders', '42') b;
SELECT node IS NOT NULL AS null_has_a_place FROM shardext_shard_of('alone', NULL);

-- undistributing gives the rows back
SELECT undistribute_table('users'); -- orders refers to it
CREATE TABLE notes (id int PRIMARY KEY, note text, length int GENERATED ALWAYS AS (length(note)) STORED, no serial);
INSERT INTO notes (id, note) SELECT n, repeat('x', n) FROM generate_series(1, 20) n;
SELECT create_distributed_table('notes', 'id');
INSERT INTO notes (id, note) VALUES (21, NULL);
BEGIN;
SELECT undistribute_table('notes');
ROLLBACK;
SELECT count(*) FROM shardext_shards WHERE table_name = 'notes'::regclass;
SELECT undistribute_table('notes');
SELECT count(*) FROM shardext_shards WHERE table_name = 'notes'::regclass;
EXPLAIN (COSTS OFF) SELECT * FROM notes;
SELECT count(*), sum(id), sum(length), sum(no) FROM notes;
INSERT INTO notes (id, note) VALUES (22, 'xy');
SELECT * FROM notes WHERE id > 20 ORDER BY id;
SELECT create_distributed_table('notes', 'id');
SELECT count(*), sum(id), sum(length), sum(no) FROM notes;
DROP TABLE notes;
SELECT undistribute_table('colors');
SELECT * FROM colors ORDER BY id;
INSERT INTO colors VALUES (4, 'black');
SELECT create_reference_table('colors');
DELETE FROM colors WHERE id = 4;
SELECT count(*) FROM users u JOIN colors c USING (id);

-- truncate
TRUNCATE users;
TRUNCATE orders;
SELECT count(*) FROM orders;
BEGIN;
TRUNCATE users, colors CASCADE;
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM colors) AS colors;
ROLLBACK;
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM colors) AS colors;
INSERT INTO orders VALUES (1, 1, 1);
TRUNCATE users CASCADE;
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM orders) AS orders;

-- drop, and what is left on the nodes
BEGIN;
DROP TABLE orders;
ROLLBACK;
SELECT count(*) FROM orders;
DROP TABLE orders;
DROP SCHEMA shop;
DROP SCHEMA shop CASCADE;
DROP TABLE users, colors, alone, words;
SELECT * FROM shardext_tables;
SELECT * FROM shardext_shards;
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
SELECT conninfo AS node2 FROM shardext.nodes WHERE node_name = 'w2' \gset
\c :node1
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'shardext\_%';
\c :node2
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'shardext\_%';
