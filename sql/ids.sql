-- Unique ids: what they are made of, where they can be used, and by whom.
SET shardext.shard_count = 4;
SELECT provolatile, proparallel, proisstrict FROM pg_proc WHERE proname = 'shardext_next_id';

-- The parts of an id.
SET timezone = 'UTC';
SELECT id, shardext_id_time(id), shardext_id_shard(id)
  FROM unnest(ARRAY[0, 1023, 1024, 8388607, 8388608, (1::bigint << 23) * 1000 + 5 * 1024 + 7, 9223372036854775807, NULL]) id;
SELECT shardext_id_time(-1);
SELECT shardext_id_shard(-9223372036854775808);
SELECT shardext_id_time(id) BETWEEN now() - interval '1 minute' AND clock_timestamp() + interval '1 minute' AS recent,
       id > 0 AS positive, shardext_id_shard(id) BETWEEN 0 AND 8191 AS shard
  FROM (SELECT shardext_next_id() AS id) x;

-- They grow, one by one, and spread over the logical shards.
SELECT count(*), count(DISTINCT id), bool_and(id > before) AS grow
  FROM (SELECT id, lag(id, 1, 0::bigint) OVER (ORDER BY n) AS before
          FROM (SELECT n, shardext_next_id() AS id FROM generate_series(1, 100000) n) x) y;
CREATE TABLE slow (id bigint);
DO $$ BEGIN FOR i IN 1..50 LOOP PERFORM pg_sleep(0.002); INSERT INTO slow VALUES (shardext_next_id()); END LOOP; END $$;
SELECT count(DISTINCT shardext_id_shard(id)) > 40 AS spread, max(shardext_id_shard(id)) - min(shardext_id_shard(id)) > 4000 AS wide FROM slow;

-- One flush for many: the mark moves every five seconds at most.
CREATE TABLE marks AS SELECT last_value FROM shardext.id_mark;
SELECT count(shardext_next_id()) FROM generate_series(1, 1000);
INSERT INTO marks SELECT last_value FROM shardext.id_mark;
SELECT count(DISTINCT last_value) <= 2 AS few FROM marks;
SELECT last_value > shardext_next_id() AS ahead FROM shardext.id_mark;

-- A default.
CREATE TABLE made (id bigint PRIMARY KEY DEFAULT shardext_next_id(), v int);
SELECT create_distributed_table('made', 'id');
INSERT INTO made (v) VALUES (1), (2), (3);
INSERT INTO made VALUES (DEFAULT, 4);
INSERT INTO made (v) SELECT v + 10 FROM made ORDER BY v;
INSERT INTO made SELECT shardext_next_id(), n FROM generate_series(21, 1000) n;
COPY made (v) FROM STDIN;
1001
1002
\.
PREPARE one(int) AS INSERT INTO made (v) VALUES ($1);
EXECUTE one(2001); EXECUTE one(2002); EXECUTE one(2003); EXECUTE one(2004); EXECUTE one(2005); EXECUTE one(2006); EXECUTE one(2007);
CREATE FUNCTION make(v int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE made_id bigint := shardext_next_id();
BEGIN
    INSERT INTO made VALUES (made_id, v);
    RETURN made_id;
END $$;
SELECT count(DISTINCT make(n)) FROM generate_series(3001, 3010) n;
INSERT INTO made (v) VALUES (4001) ON CONFLICT (id) DO NOTHING;
INSERT INTO made VALUES (1, 4002), (1 + 0 * shardext_next_id(), 4003) ON CONFLICT (id) DO NOTHING;
DELETE FROM made WHERE id = 1;
SELECT count(*), count(DISTINCT id), count(DISTINCT v) FROM made;
SELECT bool_and(v > before) AS in_order FROM (SELECT v, lag(v, 1, 0) OVER (ORDER BY id) AS before FROM made WHERE v BETWEEN 21 AND 1002) x;
SELECT count(*) = count(*) FILTER (WHERE shardext_id_time(id) > now() - interval '1 hour') AS all FROM made;
-- Rows of the last hour, found by the primary key on the nodes.
SELECT count(*) FROM made WHERE id >= ((extract(epoch FROM now() - interval '1 hour') - 1735689600) * 1000)::bigint << 23;
BEGIN;
INSERT INTO made (v) VALUES (5001);
ROLLBACK;
SELECT count(*) FROM made WHERE v = 5001;
CREATE TABLE made_ref (id bigint PRIMARY KEY DEFAULT shardext_next_id(), v int);
SELECT create_reference_table('made_ref');
INSERT INTO made_ref (v) VALUES (1), (2);
SELECT count(*), count(DISTINCT id) FROM made_ref;
SELECT undistribute_table('made');
INSERT INTO made (v) VALUES (6001);

-- Transactions that may not write, and parallel workers.
BEGIN READ ONLY;
SELECT shardext_next_id() > 0;
COMMIT;
BEGIN;
SELECT shardext_next_id() > 0;
SELECT pg_current_xact_id_if_assigned();
COMMIT;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT shardext_next_id() FROM made WHERE v % 2 = 0;
SELECT count(*), count(DISTINCT id) FROM (SELECT shardext_next_id() AS id FROM made WHERE v % 2 = 0 OFFSET 0) x;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- Nodes do not have the functions.
CREATE TABLE refused (id bigint PRIMARY KEY, CHECK (shardext_id_shard(id) >= 0));
SELECT create_distributed_table('refused', 'id');
DROP TABLE refused;
CREATE TABLE refused (id bigint PRIMARY KEY);
CREATE INDEX ON refused (shardext_id_time(id));
SELECT create_distributed_table('refused', 'id');
DROP TABLE refused;
CREATE TABLE instead (id bigint PRIMARY KEY, shard int GENERATED ALWAYS AS (((id >> 10) & 8191)::int) STORED);
SELECT create_distributed_table('instead', 'id');
INSERT INTO instead VALUES (shardext_next_id()), (shardext_next_id());
SELECT count(*) FROM instead WHERE shard = shardext_id_shard(id);

-- Users need no rights for it, and cannot touch the mark or the clock.
CREATE ROLE ids_user;
SET ROLE ids_user;
SELECT shardext_next_id() > 0;
SELECT last_value FROM shardext.id_mark;
SELECT nextval('shardext.id_mark');
SELECT setval('shardext.id_mark', 1);
SET shardext.clock_offset = 5;
RESET ROLE;
DROP ROLE ids_user;

DROP TABLE made, made_ref, instead, slow, marks;
DROP FUNCTION make;

-- Each database has its own. One whose extension is dropped and created again goes on, and so does one whose mark is set.
SELECT current_database() AS origin \gset
CREATE DATABASE ids_other;
\c ids_other
CREATE EXTENSION shardext;
SELECT shardext_next_id() AS newest \gset
BEGIN;
DROP EXTENSION shardext;
CREATE EXTENSION shardext;
SELECT shardext_next_id() > :newest AS larger, shardext_next_id() AS newest \gset before_
SELECT :'before_larger' AS larger;
ROLLBACK;
SELECT shardext_next_id() > :before_newest AS larger, shardext_next_id() AS newest \gset after_
SELECT :'after_larger' AS larger;
DROP EXTENSION shardext;
CREATE EXTENSION shardext;
SELECT shardext_next_id() > :after_newest AS larger;
SELECT setval('shardext.id_mark', last_value - 1000) > 0 AS lowered FROM shardext.id_mark;
SELECT shardext_next_id() > :after_newest AS larger;
\c :origin
DROP DATABASE ids_other;
