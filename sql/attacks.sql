-- Attacks that must not succeed: rights, policies, names, savepoints, and what users could forge.
-- First on tables whose shards are on nodes, then on tables whose shards are on this server.
\set VERBOSITY terse
\set coordinator 'dbname=' :DBNAME ' user=' :USER ' host=' :HOST ' port=' :PORT
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
SELECT conninfo AS node2 FROM shardext.nodes WHERE node_name = 'w2' \gset
CREATE ROLE attacks_owner;
CREATE ROLE attacks_reader;
CREATE ROLE attacks_other;
CREATE SCHEMA attacks;
GRANT USAGE, CREATE ON SCHEMA attacks TO attacks_owner;
GRANT USAGE ON SCHEMA attacks TO attacks_reader, attacks_other;
SET search_path = attacks;
SET shardext.shard_count = 4;

-- Runs a statement on table plain and on the distributed table spread, which must end in the same way, and tells how.
CREATE FUNCTION same(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcomes text[] := '{}';
    name text;
    n bigint;
BEGIN
    FOREACH name IN ARRAY ARRAY['plain', 'spread'] LOOP
        BEGIN
            EXECUTE replace(statement, 'TBL', name);
            GET DIAGNOSTICS n = ROW_COUNT;
            outcomes := outcomes || CASE WHEN statement LIKE 'EXPLAIN%' THEN 'explained' ELSE n || ' rows' END;
        EXCEPTION WHEN OTHERS THEN
            outcomes := outcomes || (SQLSTATE || ' ' || regexp_replace(SQLERRM, name, 'TBL', 'g'));
        END;
    END LOOP;
    RETURN CASE WHEN outcomes[1] = outcomes[2] THEN outcomes[1] ELSE 'DIFFERENT: ' || outcomes::text END;
END $$;

-- Runs a statement and tells the error without numbers, which differ from run to run.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;

-- Runs a statement that may be refused for now, and undoes it.
CREATE PROCEDURE harmless(statement text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE triggered_action_exception;
EXCEPTION WHEN triggered_action_exception OR feature_not_supported THEN
    NULL;
END $$;

-- A function that tells of values which are not to be seen, and looks so cheap that the planner calls it first.
CREATE FUNCTION look(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF value LIKE 'hidden%' THEN
        RAISE NOTICE 'seen: %', value;
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION look(value text, again text) RETURNS boolean LANGUAGE sql COST 0.0000001 AS 'SELECT look(value)';
CREATE OPERATOR ?! (FUNCTION = look, LEFTARG = text, RIGHTARG = text);

-- === TRUNCATE asks for its own privilege ===
CREATE TABLE plain (k int PRIMARY KEY, v text);
CREATE TABLE spread (k int PRIMARY KEY, v text);
CREATE TABLE spread_child (k int REFERENCES spread);
SELECT create_distributed_table('spread', 'k');
SELECT create_distributed_table('spread_child', 'k');
INSERT INTO plain SELECT n, 'v' || n FROM generate_series(1, 8) n;
INSERT INTO spread TABLE plain;
INSERT INTO spread_child SELECT k FROM spread;
SET ROLE attacks_reader;
TRUNCATE spread CASCADE;
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON plain, spread, spread_child TO attacks_reader;
SET ROLE attacks_reader;
TRUNCATE plain;
TRUNCATE spread;
TRUNCATE spread_child;
TRUNCATE spread CASCADE;
TRUNCATE spread, spread_child;
TRUNCATE ONLY spread_child RESTART IDENTITY;
RESET ROLE;
-- what CASCADE reaches counts as well
GRANT TRUNCATE ON plain, spread TO attacks_reader;
REVOKE SELECT ON spread FROM attacks_reader;
SET ROLE attacks_reader;
TRUNCATE spread;
TRUNCATE spread CASCADE;
RESET ROLE;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
GRANT TRUNCATE ON spread_child TO attacks_reader;
SET ROLE attacks_reader;
TRUNCATE spread CASCADE;
SELECT count(*) FROM spread;
RESET ROLE;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
DROP TABLE plain, spread, spread_child;

-- === functions that only the extension calls ===
CREATE TABLE spread (k int PRIMARY KEY, secret text);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, 'hidden ' || n FROM generate_series(1, 8) n;
GRANT SELECT (k) ON spread TO attacks_reader;
CREATE VIEW forged AS SELECT * FROM shardext.fragment_rows(0) AS f (k int, secret text);
GRANT SELECT ON forged TO attacks_reader;
SET ROLE attacks_reader;
SELECT * FROM shardext.fragment_rows(0) AS f (k int, secret text);
SELECT shardext.fragment_rows(1);
SELECT s.k, f.* FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text);
SELECT count(*) FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text) WHERE s.k = 1;
SELECT count(*) FROM (SELECT k, count(*) FROM spread GROUP BY k) s LEFT JOIN shardext.fragment_rows(-1) AS f (k int) ON true;
SELECT k FROM spread WHERE EXISTS (SELECT FROM shardext.fragment_rows(0) AS f (k int, secret text) WHERE f.k = spread.k);
SELECT f.secret FROM spread s JOIN forged f USING (k);
-- trigger functions
CREATE TEMPORARY TABLE own (k int PRIMARY KEY, secret text);
CREATE TRIGGER t AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION shardext.reference_row_change();
CREATE TRIGGER t AFTER INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION shardext.after_restore();
SELECT * FROM shardext.node_state(0);
-- metadata
INSERT INTO shardext.commit_log VALUES (1, 1, '{0}');
UPDATE shardext.placements SET node_id = 0;
DELETE FROM shardext.tables;
SELECT nextval('shardext.shard_group_id_seq');
SELECT shardext_adopt_nodes();
-- nonsense
SELECT shardext.shard_name(1, 0) IS NULL AS a, shardext.shard_name(1, 4294967295) IS NULL AS b, shardext.shard_name(NULL, NULL) IS NULL AS c,
    shardext.shard_name(0, 'own') IS NOT NULL AS d, shardext.shard_name(-1, 'spread') IS NOT NULL AS e,
    shardext.shard_name(9223372036854775807, 'pg_class') IS NOT NULL AS f, shardext.shard_name(-9223372036854775808, 'spread') IS NOT NULL AS g;
SELECT shardext.shard_name(1, 'no_such_table');
SELECT shardext.node_name(-1), shardext.node_name(0), shardext.node_name(2147483647);
SELECT shardext.show_conninfo(''), shardext.show_conninfo('='), shardext.show_conninfo('host=h password=''a b'' sslpassword=c'),
    shardext.show_conninfo('postgres://u:p@h/d?sslpassword=c');
SELECT * FROM shardext_shard_of(0::oid::regclass, '1');
SELECT * FROM shardext_shard_of(4294967295::oid::regclass, '1');
SELECT * FROM shardext_shard_of(NULL, NULL);
SELECT * FROM shardext_shard_of('own', '1');
SELECT * FROM shardext_shard_of('pg_class', '1');
SELECT node IS NOT NULL AS has_place FROM shardext_shard_of('spread', NULL);
SELECT * FROM shardext_shard_of('spread', '99999999999');
SELECT create_distributed_table(0::oid::regclass, 'k');
SELECT create_reference_table(4294967295::oid::regclass);
SELECT undistribute_table(0::oid::regclass);
DROP TABLE own;
RESET ROLE;
-- with the right to call it, it is still nobody's fragment
GRANT EXECUTE ON FUNCTION shardext.fragment_rows(bigint) TO attacks_reader;
SET ROLE attacks_reader;
SELECT count(*) FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text);
SELECT f.secret FROM spread s JOIN forged f USING (k);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION shardext.fragment_rows(bigint) FROM attacks_reader;
SELECT * FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text) WHERE s.k = 1;
DROP VIEW forged;
DROP TABLE spread;

-- === names ===
CREATE TABLE "DEFAULT VALUES" ("DEFAULT VALUES" int PRIMARY KEY, "VALUES (1)" text DEFAULT 'DEFAULT VALUES', "it's ""$1"" \" int DEFAULT 7);
CREATE TABLE "DEFAULT" (k int PRIMARY KEY, v text);
SELECT create_distributed_table('"DEFAULT VALUES"', 'DEFAULT VALUES');
SELECT create_distributed_table('"DEFAULT"', 'k');
INSERT INTO "DEFAULT" VALUES (1, 'untouched'), (4, 'untouched');
INSERT INTO "DEFAULT VALUES" VALUES (1, DEFAULT), (2, 'DEFAULT VALUES'), (3, '"DEFAULT VALUES') RETURNING *;
INSERT INTO "DEFAULT VALUES" DEFAULT VALUES;
ALTER TABLE "DEFAULT VALUES" ALTER "DEFAULT VALUES" SET DEFAULT 4;
INSERT INTO "DEFAULT VALUES" DEFAULT VALUES;
INSERT INTO "DEFAULT VALUES" DEFAULT VALUES;
INSERT INTO "DEFAULT VALUES" DEFAULT VALUES ON CONFLICT DO NOTHING;
INSERT INTO "DEFAULT VALUES" DEFAULT VALUES
    ON CONFLICT ("DEFAULT VALUES") DO UPDATE SET "VALUES (1)" = 'DEFAULT VALUES "' || excluded."it's ""$1"" \" RETURNING *;
UPDATE "DEFAULT VALUES" SET "it's ""$1"" \" = "DEFAULT VALUES" * 2, "VALUES (1)" = 'DEFAULT VALUES ''"$1' WHERE "VALUES (1)" = 'DEFAULT VALUES';
DELETE FROM "DEFAULT VALUES" WHERE "it's ""$1"" \" = 2;
COPY "DEFAULT VALUES" ("VALUES (1)", "DEFAULT VALUES") FROM STDIN;
\\.	5
\.
COPY "DEFAULT VALUES" FROM STDIN WITH (FORMAT csv, HEADER match);
DEFAULT VALUES,VALUES (1),"it's ""$1"" \"
6,"""",6
\.
COPY "DEFAULT VALUES" (" ") TO STDOUT;
COPY (SELECT * FROM "DEFAULT VALUES" ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER);
SELECT "DEFAULT VALUES"."DEFAULT VALUES", "it's ""$1"" \" FROM "DEFAULT VALUES" ORDER BY 1;
TRUNCATE "DEFAULT VALUES";
SELECT count(*) FROM "DEFAULT VALUES";
SELECT * FROM "DEFAULT" ORDER BY k;
DROP TABLE "DEFAULT VALUES";
SELECT * FROM "DEFAULT" ORDER BY k;
DROP TABLE "DEFAULT";

-- One name for a schema, a table, its key and a value; a neighbour in the same schema must stay as it is.
CREATE PROCEDURE use_name(name text) LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
    schema text := 'attacks ' || left(name, 30);
    relation text := format('%I.%I', schema, name);
    neighbour text := format('%I.neighbour', schema);
    n bigint;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', schema);
    EXECUTE format('CREATE TABLE %s (%I int PRIMARY KEY, v text DEFAULT %L, other int)', relation, name, name);
    EXECUTE format('CREATE TABLE %s (%I int PRIMARY KEY, v text DEFAULT %L, other int)', neighbour, name, name);
    PERFORM create_distributed_table(relation::regclass, name), create_distributed_table(neighbour::regclass, name);
    EXECUTE format('INSERT INTO %s VALUES (1), (2), (3)', relation);
    EXECUTE format('INSERT INTO %s SELECT * FROM %s', neighbour, relation);
    EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT 4', relation, name);
    EXECUTE format('INSERT INTO %s DEFAULT VALUES', relation);
    EXECUTE format('INSERT INTO %s DEFAULT VALUES ON CONFLICT DO NOTHING', relation);
    EXECUTE format('INSERT INTO %s DEFAULT VALUES ON CONFLICT (%I) DO UPDATE SET other = excluded.%I + 1 RETURNING other',
        relation, name, name) INTO n;
    ASSERT n = 5, 'on conflict';
    EXECUTE format('INSERT INTO %s AS %I (%I) VALUES (5) RETURNING %I.%I', relation, name, name, name, name) INTO n;
    ASSERT n = 5, 'returning';
    EXECUTE format('UPDATE %s SET other = %I * 2, v = v || %L WHERE %I = 2', relation, name, name, name);
    EXECUTE format('UPDATE %s AS x SET other = x.%I + 10 WHERE %I > 3', relation, name, name);
    EXECUTE format('DELETE FROM %s WHERE %I = 5', relation, name);
    EXECUTE format('SELECT count(*) * 1000 + sum(%I.other) FROM %s WHERE %I.%I IN (SELECT %I FROM %s)',
        name, relation, name, name, name, relation) INTO n;
    ASSERT n = 4018, 'update';
    EXECUTE format('SELECT count(*) FROM %s %I JOIN %s b USING (%I) WHERE %I.v IN (%L, %L)',
        relation, name, neighbour, name, name, name, name || name) INTO n;
    ASSERT n = 3, 'join';
    EXECUTE format('SELECT count(*) FROM (SELECT %I AS %I, max(v) AS %I FROM %s GROUP BY 1 ORDER BY %I LIMIT 3) AS %I',
        name, name, left(name, 40) || 'x', relation, name, name) INTO n;
    ASSERT n = 3, 'group';
    EXECUTE format('TRUNCATE %s', relation);
    EXECUTE format('SELECT count(*) FROM %s', relation) INTO n;
    ASSERT n = 0, 'truncate';
    EXECUTE format('SELECT count(*) FROM %s WHERE v = %L AND other IS NULL', neighbour, name) INTO n;
    ASSERT n = 3, 'neighbour';
    EXECUTE format('INSERT INTO %s SELECT * FROM %s', relation, neighbour);
    PERFORM undistribute_table(relation::regclass);
    PERFORM create_distributed_table(relation::regclass, name);
    EXECUTE format('SELECT count(*) FROM %s WHERE v = %L', relation, name) INTO n;
    ASSERT n = 3, 'undistribute';
    EXECUTE format('DROP TABLE %s', relation);
    EXECUTE format('SELECT count(*) FROM %s', neighbour) INTO n;
    ASSERT n = 3, 'drop';
    EXECUTE format('DROP SCHEMA %I CASCADE', schema);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'with the name [%]: % %', name, SQLSTATE, SQLERRM;
END $$;
CALL use_name('DEFAULT VALUES');
CALL use_name('it''s');
CALL use_name('"');
CALL use_name('""');
CALL use_name('a"b');
CALL use_name('a.b');
CALL use_name('"."');
CALL use_name('two words');
CALL use_name(' ');
CALL use_name('Upper');
CALL use_name('$1');
CALL use_name('$$');
CALL use_name('\');
CALL use_name('\''');
CALL use_name('a\nb');
CALL use_name(E'a\nb');
CALL use_name('%s %1$I');
CALL use_name('--');
CALL use_name('/*');
CALL use_name('*/');
CALL use_name('; DROP');
CALL use_name('?');
CALL use_name(':x');
CALL use_name('select');
CALL use_name('user');
CALL use_name('RETURNING');
CALL use_name('VALUES (1)');
CALL use_name('(SELECT 1)');
CALL use_name('_c1');
CALL use_name('shards');
CALL use_name('shardext_1');
CALL use_name('DEFAULT VALUES''"');
CALL use_name(repeat('x', 63));
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'attacks %' ORDER BY 1;
-- schemas whose names differ where the names of their shards' schemas have no room
CREATE SCHEMA attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_1;
CREATE SCHEMA attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2;
CREATE TABLE attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_1.t (k int);
CREATE TABLE attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2.t (k int);
SELECT create_distributed_table('attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_1.t', 'k');
SELECT create_distributed_table('attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2.t', 'k');
INSERT INTO attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_1.t VALUES (1);
SELECT * FROM attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2.t;
DROP SCHEMA attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_1 CASCADE;
SELECT * FROM attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2.t;
DROP SCHEMA attacks_a_very_long_name_of_a_schema_that_leaves_no_room_for_2 CASCADE;

-- === DROP TABLE and savepoints ===
CREATE TABLE gone (k int PRIMARY KEY, v text);
CREATE TABLE gone_child (k int REFERENCES gone);
SELECT create_distributed_table('gone', 'k');
SELECT create_distributed_table('gone_child', 'k');
INSERT INTO gone SELECT n, 'v' FROM generate_series(1, 10) n;
INSERT INTO gone_child SELECT k FROM gone;
BEGIN;
SAVEPOINT a;
DROP TABLE gone_child, gone;
ROLLBACK TO a;
SELECT count(*) FROM gone JOIN gone_child USING (k);
INSERT INTO gone VALUES (11, 'v');
SAVEPOINT b;
DROP TABLE gone_child;
SAVEPOINT c;
DROP TABLE gone;
RELEASE c;
ROLLBACK TO b;
COMMIT;
SELECT count(*), count(c.k) AS children FROM gone LEFT JOIN gone_child c USING (k);
-- an error rolls back, too
DO $$
BEGIN
    DROP TABLE gone_child;
    PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'rolled back';
END $$;
SELECT count(*) FROM gone_child;
-- dropped for good in one place, and not in another
BEGIN;
SAVEPOINT a;
DROP TABLE gone_child;
RELEASE a;
SAVEPOINT b;
DROP TABLE gone;
ROLLBACK TO b;
SELECT count(*) FROM gone;
COMMIT;
SELECT count(*) FROM gone;
SELECT to_regclass('gone_child') AS gone_child;
CREATE TABLE gone_child (k int REFERENCES gone, other text);
SELECT create_distributed_table('gone_child', 'k');
INSERT INTO gone_child VALUES (1, 'x');
SELECT * FROM gone_child;
-- dropped and made again in one transaction
BEGIN;
DROP TABLE gone_child;
SAVEPOINT a;
CREATE TABLE gone_child (k int, third int);
SELECT create_distributed_table('gone_child', 'k');
INSERT INTO gone_child VALUES (2, 2);
ROLLBACK TO a;
CREATE TABLE gone_child (k int, fourth int);
SELECT create_distributed_table('gone_child', 'k');
INSERT INTO gone_child VALUES (3, 3);
RELEASE a;
COMMIT;
SELECT * FROM gone_child;
-- undistributed in a savepoint
BEGIN;
SAVEPOINT a;
SELECT undistribute_table('gone_child');
INSERT INTO gone_child VALUES (4, 4);
ROLLBACK TO a;
SELECT * FROM gone_child;
COMMIT;
INSERT INTO gone_child VALUES (5, 5);
SELECT * FROM gone_child ORDER BY k;
BEGIN;
SAVEPOINT a;
DROP TABLE gone_child;
DROP TABLE gone;
RELEASE a;
COMMIT;
\c :node1
SELECT count(*) AS left_on_node FROM pg_class WHERE relname LIKE 'gone%';
\c :node2
SELECT count(*) AS left_on_node FROM pg_class WHERE relname LIKE 'gone%';
\c :coordinator
SET search_path = attacks;
SET shardext.shard_count = 4;
CREATE TABLE gone (k int PRIMARY KEY);
SELECT create_distributed_table('gone', 'k');
INSERT INTO gone VALUES (1);
DROP TABLE gone;

-- === reference tables and savepoints ===
CREATE TABLE ref (id int PRIMARY KEY, v text);
CREATE TABLE ref_plain (v text);
CREATE TABLE spread (k int PRIMARY KEY);
SELECT create_reference_table('ref');
SELECT create_reference_table('ref_plain');
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT generate_series(1, 32);
SELECT count(DISTINCT (shardext_shard_of('spread', k::text)).shard_group) AS shards_with_rows FROM spread;
-- Every shard reads its node's copies; this server's own copies are read apart from them.
CREATE FUNCTION copies_agree() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    own text := (SELECT string_agg(id || v, ',' ORDER BY id) FROM ref);
    own_plain text := (SELECT string_agg(v, ',' ORDER BY v) FROM ref_plain);
    agree boolean;
    agree_plain boolean;
BEGIN
    SELECT count(*) = 32 AND bool_and(copy = own) INTO agree
    FROM (SELECT k, string_agg(id || v, ',' ORDER BY id) AS copy FROM spread CROSS JOIN ref GROUP BY k) c;
    SELECT count(*) = 32 AND bool_and(copy = own_plain) INTO agree_plain
    FROM (SELECT k, string_agg(v, ',' ORDER BY v) AS copy FROM spread CROSS JOIN ref_plain GROUP BY k) c;
    RETURN agree AND agree_plain;
END $$;
DO $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT k, string_agg(id || v, ',' ORDER BY id) FROM spread CROSS JOIN ref GROUP BY k LOOP
        IF line ~ 'Strategy|Scan on' THEN
            RAISE NOTICE '%', trim(line);
        END IF;
    END LOOP;
END $$;
INSERT INTO ref SELECT n, 'v' FROM generate_series(1, 5) n;
INSERT INTO ref_plain VALUES ('a'), ('a'), ('b');
SELECT copies_agree();
BEGIN;
INSERT INTO ref VALUES (6, 'before');
SAVEPOINT a;
INSERT INTO ref VALUES (7, 'undone');
UPDATE ref SET v = 'undone' WHERE id = 1;
DELETE FROM ref WHERE id = 2;
UPDATE ref_plain SET v = 'undone';
ROLLBACK TO a;
SELECT copies_agree();
UPDATE ref SET v = 'after' WHERE id = 3;
DELETE FROM ref_plain WHERE v = 'b';
COMMIT;
SELECT copies_agree();
SELECT * FROM ref ORDER BY id;
SELECT * FROM ref_plain ORDER BY v;
-- nested, one level kept and one undone
BEGIN;
SAVEPOINT a;
UPDATE ref SET v = 'kept' WHERE id = 4;
SAVEPOINT b;
UPDATE ref SET v = 'undone';
SAVEPOINT c;
DELETE FROM ref WHERE id < 5;
RELEASE c;
ROLLBACK TO b;
INSERT INTO ref VALUES (8, 'kept');
RELEASE b;
RELEASE a;
COMMIT;
SELECT copies_agree();
SELECT * FROM ref ORDER BY id;
-- errors in the middle of statements and of blocks
BEGIN;
INSERT INTO ref VALUES (9, 'kept');
SAVEPOINT a;
INSERT INTO ref SELECT n, 'undone' FROM generate_series(20, 1, -1) n;
ROLLBACK TO a;
UPDATE ref SET id = 100 / (id - 5);
ROLLBACK TO a;
INSERT INTO ref VALUES (10, 'kept');
COMMIT;
DO $$
BEGIN
    FOR n IN 11..13 LOOP
        BEGIN
            INSERT INTO ref VALUES (n, 'loop');
            UPDATE ref SET v = v || n WHERE id = 9;
            PERFORM 1 / (n - 12);
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT copies_agree();
SELECT * FROM ref WHERE id > 8 ORDER BY id;
-- COPY, TRUNCATE, many rows
BEGIN;
SAVEPOINT a;
COPY ref FROM STDIN;
50	undone
\.
TRUNCATE ref_plain;
ROLLBACK TO a;
COPY ref FROM STDIN;
51	copied
\.
SAVEPOINT b;
INSERT INTO ref SELECT n, 'many' FROM generate_series(1001, 4000) n;
RELEASE b;
SAVEPOINT c;
DELETE FROM ref WHERE id > 2000;
ROLLBACK TO c;
SELECT copies_agree();
COMMIT;
SELECT copies_agree(), (SELECT count(*) FROM ref) AS rows;
-- a writer between statements of one
CREATE FUNCTION write_ref(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ref SET v = 'nested' WHERE id = n;
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    UPDATE ref SET v = v || '!' WHERE id = n + 1;
    RETURN n;
END $$;
DELETE FROM ref WHERE id > 1000;
BEGIN;
UPDATE ref SET v = 'outer' WHERE write_ref(5) = 5 AND id IN (1, 51);
COMMIT;
SELECT copies_agree();
SELECT * FROM ref ORDER BY id;
DROP FUNCTION write_ref;
DROP FUNCTION copies_agree;
DROP TABLE ref, ref_plain, spread;

-- === undistribute_table under a policy that hides rows ===
CREATE TABLE forced (k int PRIMARY KEY, v text);
INSERT INTO forced SELECT n, CASE n % 2 WHEN 0 THEN 'visible' ELSE 'hidden' END FROM generate_series(1, 10) n;
SELECT create_distributed_table('forced', 'k');
CREATE POLICY p ON forced USING (v = 'visible');
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
ALTER TABLE forced OWNER TO attacks_owner;
SET ROLE attacks_owner;
SELECT count(*) FROM forced;
SELECT undistribute_table('forced');
SELECT count(*) FROM forced;
RESET ROLE;
SELECT count(*) FROM forced;
SET ROLE attacks_owner;
ALTER TABLE forced NO FORCE ROW LEVEL SECURITY;
SELECT undistribute_table('forced');
SELECT count(*) FROM forced;
SHOW row_security;
-- and back
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
SELECT create_distributed_table('forced', 'k');
SELECT count(*) FROM forced;
RESET ROLE;
SELECT count(*) FROM forced;
SELECT undistribute_table('forced');
SELECT count(*) FROM forced;
DROP TABLE forced;

-- === what users write does not run on nodes, where it would have the rights of the node connection ===
SET ROLE attacks_owner;
CREATE FUNCTION own(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN n; END';
CREATE DOMAIN own_domain AS int CHECK (attacks.own(VALUE) > 0);
CREATE TYPE own_composite AS (n own_domain);
CREATE FUNCTION own_difference(a float8, b float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a - b; END';
CREATE TYPE own_range AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = own_difference);
CREATE OPERATOR +~ (FUNCTION = own, RIGHTARG = int);
CREATE TABLE t1 (k int CHECK (own(k) > 0));
CREATE TABLE t2 (k int, g int GENERATED ALWAYS AS (own(k)) STORED);
CREATE TABLE t3 (k int);
CREATE INDEX ON t3 (own(k));
CREATE TABLE t4 (k int);
CREATE INDEX ON t4 (k) WHERE own(k) > 0;
CREATE TABLE t5 (k int, d own_domain);
CREATE TABLE t6 (k int, d own_domain[]);
CREATE TABLE t7 (k int, d own_composite);
CREATE TABLE t8 (k int, r own_range);
CREATE TABLE t9 (k int CHECK (+~ k > 0));
CREATE TABLE t10 (k int, n int);
CREATE STATISTICS t10_statistics ON (own(k)), n FROM t10;
CREATE TABLE t11 (k int, EXCLUDE (k WITH =, (own(k)) WITH =));
SELECT n, attempt(format('SELECT create_distributed_table(%L, %L)', 't' || n, 'k')), attempt(format('SELECT create_reference_table(%L)', 't' || n))
FROM generate_series(1, 11) n ORDER BY n;
-- a cast of his
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE FUNCTION grade_number(g grade) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ascii(g::text) - 96; END';
CREATE CAST (grade AS int) WITH FUNCTION grade_number(grade) AS IMPLICIT;
CREATE TABLE parent (k int, n int, PRIMARY KEY (k, n));
CREATE TABLE child (k int, g grade, FOREIGN KEY (k, g) REFERENCES parent);
INSERT INTO parent VALUES (1, 1);
INSERT INTO child VALUES (1, 'a');
SELECT create_distributed_table('parent', 'k');
SELECT create_distributed_table('child', 'k');
DROP TABLE child, parent;
RESET ROLE;
DROP TABLE t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11;

-- === a plain table and a distributed one give the same answers ===
CREATE TABLE plain (k int PRIMARY KEY, title text, secret text);
CREATE TABLE spread (LIKE plain INCLUDING ALL);
SELECT create_distributed_table('spread', 'k');
INSERT INTO plain SELECT n, 'title ' || n, 'hidden ' || n FROM generate_series(1, 8) n;
INSERT INTO spread TABLE plain;
CREATE FUNCTION statements() RETURNS SETOF text LANGUAGE sql AS $$ VALUES
    ('SELECT * FROM TBL'), ('SELECT k FROM TBL'), ('SELECT k, title FROM TBL WHERE k = 1'), ('SELECT secret FROM TBL WHERE k = 1'),
    ('SELECT count(*) FROM TBL'), ('SELECT 1 FROM TBL'), ('SELECT count(*) FROM TBL WHERE secret = ''x'''),
    ('SELECT TBL FROM TBL'), ('SELECT (TBL).k FROM TBL'), ('SELECT tableoid FROM TBL'), ('SELECT ctid FROM TBL'),
    ('SELECT k FROM TBL ORDER BY secret'), ('SELECT count(*) FROM TBL GROUP BY secret'),
    ('SELECT count(*) FILTER (WHERE secret IS NULL) FROM TBL'), ('SELECT k FROM TBL a WHERE EXISTS (SELECT FROM TBL b WHERE b.secret = a.title)'),
    ('SELECT a.k FROM TBL a JOIN TBL b USING (k)'), ('SELECT a.k FROM TBL a JOIN TBL b ON a.secret = b.title'),
    ('SELECT k FROM TBL FOR UPDATE'), ('SELECT k FROM TBL WHERE k = 1 FOR SHARE'),
    ('WITH c AS (SELECT * FROM TBL) SELECT k FROM c'), ('SELECT k FROM (SELECT * FROM TBL) s'),
    ('SELECT k FROM (VALUES (1)) v(x) LEFT JOIN TBL ON k = x'), ('SELECT x FROM (VALUES (1)) v(x) LEFT JOIN LATERAL (SELECT secret FROM TBL WHERE k = x) l ON true'),
    ('TABLE TBL'), ('SELECT * FROM TBL TABLESAMPLE SYSTEM (100)'),
    ('INSERT INTO TBL VALUES (101)'), ('INSERT INTO TBL (k) VALUES (102)'), ('INSERT INTO TBL (k, title) VALUES (103, ''x'')'),
    ('INSERT INTO TBL (k, secret) VALUES (104, ''x'')'), ('INSERT INTO TBL DEFAULT VALUES'), ('INSERT INTO TBL (k) VALUES (105) RETURNING k'),
    ('INSERT INTO TBL (k) VALUES (106) RETURNING secret'), ('INSERT INTO TBL (k) VALUES (107) RETURNING *'),
    ('INSERT INTO TBL (k) SELECT k + 200 FROM TBL'), ('INSERT INTO TBL (k, title) SELECT k + 300, secret FROM TBL'),
    ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT DO NOTHING'), ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT (k) DO NOTHING'),
    ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET title = ''y'''),
    ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET secret = ''y'''),
    ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET title = TBL.secret'),
    ('INSERT INTO TBL (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET title = ''y'' WHERE TBL.secret IS NULL'),
    ('INSERT INTO TBL (k) VALUES (1)'),
    ('UPDATE TBL SET title = ''z'''), ('UPDATE TBL SET title = ''z'' WHERE k = 1'), ('UPDATE TBL SET title = title || ''z'' WHERE k = 1'),
    ('UPDATE TBL SET title = secret WHERE k = 1'), ('UPDATE TBL SET secret = NULL'), ('UPDATE TBL SET secret = NULL WHERE k = 1'),
    ('UPDATE TBL SET title = ''z'' WHERE secret = ''x'''), ('UPDATE TBL SET title = ''z'' WHERE k = 1 RETURNING k'), ('UPDATE TBL SET title = ''z'' WHERE k = 1 RETURNING secret'),
    ('UPDATE TBL SET title = ''z'' WHERE k = 1 RETURNING *'), ('UPDATE TBL t SET title = o.secret FROM TBL o WHERE o.k = t.k'),
    ('UPDATE TBL t SET title = ''z'' WHERE EXISTS (SELECT FROM TBL o WHERE o.k = t.k AND o.secret IS NULL)'),
    ('DELETE FROM TBL'), ('DELETE FROM TBL WHERE k = 8'), ('DELETE FROM TBL WHERE secret = ''x'''), ('DELETE FROM TBL WHERE k = 7 RETURNING k'),
    ('DELETE FROM TBL WHERE k = 7 RETURNING secret'), ('DELETE FROM TBL t USING TBL o WHERE o.k = t.k AND o.secret = ''x'''),
    ('EXPLAIN SELECT k FROM TBL'), ('EXPLAIN SELECT secret FROM TBL WHERE k = 1'), ('EXPLAIN (ANALYZE) SELECT k FROM TBL'),
    ('EXPLAIN UPDATE TBL SET title = secret'), ('EXPLAIN DELETE FROM TBL'), ('EXPLAIN INSERT INTO TBL (k, secret) VALUES (1, ''x'')'),
    ('EXPLAIN (ANALYZE) DELETE FROM TBL WHERE k = 6'), ('DECLARE c_TBL CURSOR FOR SELECT secret FROM TBL'),
    ('LOCK TABLE TBL'), ('LOCK TABLE TBL IN ACCESS SHARE MODE'), ('TRUNCATE TBL'), ('ALTER TABLE TBL OWNER TO attacks_reader'), ('ALTER TABLE TBL ALTER title SET DEFAULT ''x'''),
    ('ALTER TABLE TBL DISABLE ROW LEVEL SECURITY'), ('CREATE POLICY p ON TBL'),
    ('DROP TABLE TBL'), ('COMMENT ON TABLE TBL IS ''x'''),
    ('CREATE TEMPORARY TABLE x_TBL AS SELECT secret FROM TBL'), ('CREATE TEMPORARY VIEW v_TBL AS SELECT secret FROM TBL'), ('CREATE TEMPORARY TABLE y_TBL (k int REFERENCES TBL)') $$;
-- Each statement with both tables, undone afterwards.
CREATE PROCEDURE compare(rights text) LANGUAGE plpgsql AS $$
DECLARE
    s text;
    outcome text;
    done int := 0;
    refused int := 0;
    failed int := 0;
BEGIN
    REVOKE ALL ON plain, spread FROM attacks_reader;
    REVOKE ALL (k, title, secret) ON plain, spread FROM attacks_reader;
    IF rights <> '' THEN
        EXECUTE format('GRANT %s ON plain, spread TO attacks_reader', rights);
    END IF;
    FOR s IN SELECT statements() LOOP
        BEGIN
            SET LOCAL ROLE attacks_reader;
            outcome := same(s);
            RAISE triggered_action_exception;
        EXCEPTION WHEN triggered_action_exception THEN
            NULL;
        END;
        IF outcome ~ '^42501 (permission denied for table|must be owner of table) TBL$' THEN
            refused := refused + 1;
        ELSIF outcome ~ '^(\d+ rows|explained)$' THEN
            done := done + 1;
        ELSIF outcome NOT LIKE 'DIFFERENT%' THEN
            failed := failed + 1;
        ELSE
            RAISE NOTICE '%  -->  %', s, outcome;
        END IF;
    END LOOP;
    RAISE NOTICE 'with both tables % done, % refused, % failed otherwise', done, refused, failed;
END $$;
CALL compare('');
CALL compare('SELECT (k)');
CALL compare('SELECT (k, title), UPDATE (title), INSERT (k)');
CALL compare('SELECT');
CALL compare('INSERT');
CALL compare('UPDATE');
CALL compare('DELETE');
CALL compare('SELECT (k), INSERT (k, title), UPDATE (title), DELETE');
CALL compare('SELECT, INSERT, UPDATE, DELETE');
SELECT (SELECT count(*) FROM ((TABLE plain EXCEPT TABLE spread) UNION ALL (TABLE spread EXCEPT TABLE plain)) d) AS differences;
-- COPY, which is no statement for functions
REVOKE ALL ON plain, spread FROM attacks_reader;
GRANT SELECT (k, title), INSERT (k) ON plain, spread TO attacks_reader;
SET ROLE attacks_reader;
COPY plain TO STDOUT;
COPY spread TO STDOUT;
COPY plain (k, secret) TO STDOUT;
COPY spread (k, secret) TO STDOUT;
COPY plain (k) TO STDOUT;
COPY (SELECT k, title FROM spread ORDER BY k LIMIT 3) TO STDOUT;
COPY (SELECT secret FROM plain WHERE k = 1) TO STDOUT;
COPY (SELECT secret FROM spread WHERE k = 1) TO STDOUT;
COPY (DELETE FROM spread RETURNING k) TO STDOUT;
COPY plain FROM STDIN;
401	x	y
\.
COPY spread FROM STDIN;
401	x	y
\.
COPY plain (k, title) FROM STDIN;
402	x
\.
COPY spread (k, title) FROM STDIN;
402	x
\.
COPY plain (k) FROM STDIN;
403
\.
COPY spread (k) FROM STDIN;
403
\.
COPY spread TO '/tmp/no_such_directory/attacks';
COPY spread FROM '/etc/passwd';
COPY spread TO PROGRAM 'true';
RESET ROLE;
SELECT * FROM spread WHERE k > 400 ORDER BY k;
DROP TABLE plain, spread;

-- === what row security and security barriers hide is not seen by conditions ===
-- Hidden rows would fail in every condition below: their n is 0, and their secret is no number.
CREATE TABLE spread (k int PRIMARY KEY, owner text, n int, secret text);
CREATE TABLE ref (id int PRIMARY KEY, owner text, n int, secret text);
SELECT create_distributed_table('spread', 'k');
SELECT create_reference_table('ref');
INSERT INTO spread SELECT n, CASE n % 3 WHEN 0 THEN 'attacks_reader' ELSE 'x' END, CASE n % 3 WHEN 0 THEN n ELSE 0 END,
    CASE n % 3 WHEN 0 THEN n::text ELSE 'hidden ' || n END FROM generate_series(1, 24) n;
INSERT INTO ref SELECT * FROM spread;
CREATE VIEW barrier WITH (security_barrier) AS SELECT k, n, secret FROM spread WHERE owner = 'attacks_reader';
CREATE VIEW barrier_union WITH (security_barrier) AS
    SELECT k, n, secret FROM spread WHERE owner = 'attacks_reader' UNION ALL SELECT k, n, secret FROM spread WHERE k = 3;
CREATE VIEW barrier_group WITH (security_barrier) AS
    SELECT n, max(secret) AS secret, count(*) FROM spread WHERE owner = 'attacks_reader' GROUP BY n;
CREATE VIEW barrier_join WITH (security_barrier) AS
    SELECT spread.k, ref.n, ref.secret FROM spread JOIN ref ON ref.id = spread.k WHERE spread.owner = 'attacks_reader';
-- the function does tell when nothing is hidden
SELECT k FROM spread WHERE k = 1 AND look(secret);
SELECT k FROM spread WHERE k = 1 AND secret ?! 'x';
SELECT count(*) FROM spread WHERE 100 / n > 0;
ALTER TABLE spread ENABLE ROW LEVEL SECURITY;
ALTER TABLE ref ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON spread USING (owner = current_user);
CREATE POLICY own_rows ON ref USING (owner = current_user);
GRANT ALL ON spread, ref TO attacks_reader;
GRANT ALL ON barrier, barrier_union, barrier_group, barrier_join TO attacks_other;
SET ROLE attacks_reader;
-- a user's function
SELECT count(*) FROM spread WHERE look(secret);
SELECT count(*) FROM spread WHERE secret ?! 'x';
SELECT k FROM spread WHERE look(secret) AND k = 1;
SELECT k FROM spread WHERE look(secret) AND k = 3;
SELECT k FROM spread WHERE look(secret) ORDER BY k LIMIT 1;
SELECT count(*) FROM spread TABLESAMPLE BERNOULLI (100) WHERE look(secret);
SELECT count(*) FROM spread WHERE look(spread::text) AND look((spread).secret);
SELECT count(*) FILTER (WHERE look(secret)) FROM spread;
SELECT bool_and(look(secret)) FROM spread GROUP BY n % 2 ORDER BY 1;
SELECT count(*) FROM spread a JOIN spread b USING (k) WHERE look(a.secret) AND look(b.secret);
SELECT count(b.k) FROM spread a LEFT JOIN spread b ON a.k = b.k AND look(b.secret);
SELECT count(b.k) FROM spread a LEFT JOIN spread b ON a.n = b.n AND look(b.secret) AND look(a.secret);
SELECT count(*) FROM spread JOIN ref ON ref.id = spread.k WHERE look(ref.secret) AND look(spread.secret);
SELECT count(*) FROM ref WHERE look(secret);
SELECT count(*) FROM spread WHERE EXISTS (SELECT FROM spread b WHERE b.k = spread.k AND look(b.secret));
SELECT count(*) FROM spread WHERE k IN (SELECT id FROM ref WHERE look(secret));
SELECT count(*) FROM spread, LATERAL (SELECT look(spread.secret)) l;
WITH c AS (SELECT * FROM spread) SELECT count(*) FROM c WHERE look(secret);
WITH c AS MATERIALIZED (SELECT * FROM spread) SELECT count(*) FROM c WHERE look(secret);
SELECT count(*) FROM (SELECT * FROM spread UNION ALL SELECT * FROM ref) u WHERE look(secret);
-- errors
SELECT count(*) FROM spread WHERE 100 / n > 0;
SELECT count(*) FROM spread WHERE secret::int > 0;
SELECT k FROM spread WHERE 100 / n > 0 AND k = 1;
SELECT k FROM spread WHERE k = 1 AND (owner = 'x' OR 100 / n > 0);
SELECT count(*) FROM spread WHERE CASE WHEN n = 0 THEN 1 / n = 0 ELSE true END;
SELECT sum(secret::int), sum(100 / n) FROM spread;
SELECT 100 / n FROM spread GROUP BY 100 / n ORDER BY 1 LIMIT 2;
SELECT k FROM spread ORDER BY 100 / n, k LIMIT 2;
SELECT count(*) FROM spread a JOIN spread b USING (k) WHERE 100 / a.n > 0 AND b.secret::int > 0;
SELECT count(*) FROM spread a JOIN spread b USING (n) WHERE 100 / a.n > 0 AND b.secret::int > 0;
SELECT count(*) FROM spread a LEFT JOIN spread b ON a.k = b.k AND 100 / b.n > 0;
SELECT count(*) FROM spread JOIN ref ON ref.id = spread.k AND 100 / ref.n > 0 AND ref.secret::int > 0;
SELECT count(*) FROM spread WHERE k IN (SELECT k FROM spread WHERE 100 / n > 0);
SELECT count(*) FROM spread WHERE n IN (SELECT secret::int FROM spread);
SELECT count(*) FROM (SELECT 100 / n FROM spread UNION SELECT secret::int FROM ref) u;
SELECT k FROM spread WHERE 100 / n > 0 AND k < 7 ORDER BY k FOR UPDATE;
SELECT k FROM spread WHERE 100 / n > 0 AND k = 1 FOR UPDATE;
COPY (SELECT k FROM spread WHERE 100 / n > 0 ORDER BY k LIMIT 2) TO STDOUT;
PREPARE p(int) AS SELECT count(*) FROM spread WHERE 100 / n > $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE p(0);
RESET plan_cache_mode;
DEALLOCATE p;
-- writes
BEGIN;
UPDATE spread SET n = n WHERE 100 / n > 0;
UPDATE spread SET n = 100 / n, secret = secret::int WHERE secret::int > 0;
UPDATE spread SET n = n WHERE k = 1 AND 100 / n > 0 RETURNING secret;
UPDATE spread a SET n = b.n FROM spread b WHERE b.k = a.k AND 100 / b.n > 0 AND b.secret::int > 0;
DELETE FROM spread WHERE 100 / n = 12345;
DELETE FROM spread WHERE k = 1;
DELETE FROM spread a USING spread b WHERE b.k = a.k AND 100 / b.n = 12345;
UPDATE ref SET n = 100 / n;
ROLLBACK;
-- what is not supported yet may work some day, but must tell nothing
CALL harmless('UPDATE spread SET n = 1 WHERE look(secret)');
CALL harmless('DELETE FROM spread WHERE look(secret)');
CALL harmless('UPDATE ref SET n = n WHERE look(secret)');
CALL harmless('WITH r AS (UPDATE spread SET n = 1 RETURNING secret) SELECT count(*) FROM r WHERE look(secret)');
CALL harmless('INSERT INTO spread VALUES (3, ''attacks_reader'', 1, '''') ON CONFLICT (k) DO UPDATE SET secret = spread.secret WHERE look(spread.secret)');
CALL harmless('SELECT k FROM spread WHERE look(secret) FOR UPDATE');
CALL harmless('MERGE INTO spread USING ref ON ref.id = spread.k AND look(spread.secret) AND look(ref.secret) WHEN MATCHED THEN DO NOTHING');
INSERT INTO spread VALUES (1, 'attacks_reader', 1, '') ON CONFLICT DO NOTHING;
INSERT INTO spread VALUES (1, 'x', 1, '');
UPDATE spread SET owner = 'x' WHERE k = 3;
SET row_security = off;
SELECT count(*) FROM spread;
UPDATE spread SET n = 1;
DELETE FROM spread WHERE k = 1;
COPY spread TO STDOUT;
RESET row_security;
RESET ROLE;
-- security barriers
SET ROLE attacks_other;
SELECT count(*) FROM barrier WHERE look(secret);
SELECT count(*) FROM barrier WHERE secret ?! 'x';
SELECT k FROM barrier WHERE look(secret) AND k = 1;
SELECT k FROM barrier WHERE look(secret) AND k = 3;
SELECT count(*) FROM barrier_union WHERE look(secret);
SELECT count(*) FROM barrier_group WHERE look(secret);
SELECT count(*) FROM barrier_join WHERE look(secret);
SELECT count(*) FROM barrier a JOIN barrier b USING (k) WHERE look(a.secret) AND look(b.secret);
SELECT count(*) FROM barrier WHERE 100 / n > 0 AND secret::int > 0;
SELECT k FROM barrier WHERE 100 / n > 0 AND k = 1;
SELECT count(*) FROM barrier_union WHERE 100 / n > 0 AND secret::int > 0;
SELECT count(*) FROM barrier_group WHERE 100 / n > 0 AND secret::int > 0;
SELECT count(*) FROM barrier_join WHERE 100 / n > 0 AND secret::int > 0;
SELECT count(*) FROM barrier a LEFT JOIN barrier b ON a.k = b.k AND 100 / b.n > 0;
CALL harmless('UPDATE barrier SET n = n WHERE look(secret)');
CALL harmless('DELETE FROM barrier WHERE look(secret)');
BEGIN;
UPDATE barrier SET n = 1 WHERE 100 / n > 0 AND secret::int > 0;
DELETE FROM barrier WHERE secret::int = 1 OR 100 / n = 12345;
ROLLBACK;
RESET ROLE;
SELECT count(*), count(*) FILTER (WHERE secret LIKE 'hidden%' AND n = 0) AS hidden, sum(n) FROM spread;
DROP VIEW barrier, barrier_union, barrier_group, barrier_join;
DROP TABLE spread, ref;

-- === SET ROLE between PREPARE and EXECUTE ===
CREATE TABLE spread (k int PRIMARY KEY, owner text);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, CASE n % 3 WHEN 0 THEN 'attacks_reader' WHEN 1 THEN 'attacks_other' ELSE 'attacks_owner' END FROM generate_series(1, 9) n;
ALTER TABLE spread ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON spread USING (owner = current_user);
GRANT ALL ON spread TO attacks_reader;
GRANT SELECT ON spread TO attacks_other;
PREPARE every AS SELECT count(*), min(k), max(owner) FROM spread;
PREPARE listed AS SELECT k FROM spread ORDER BY k LIMIT 5;
PREPARE one(int) AS SELECT k, owner FROM spread WHERE k = $1;
PREPARE joined AS SELECT count(*) FROM spread a JOIN spread b USING (k);
PREPARE looked AS SELECT count(*) FROM spread WHERE look('hidden ' || owner) AND k < 4;
PREPARE changed(int) AS UPDATE spread SET owner = owner WHERE k = $1 RETURNING k;
PREPARE deleted AS DELETE FROM spread RETURNING owner = current_user AS mine;
PREPARE added(int, text) AS INSERT INTO spread VALUES ($1, $2);
SET plan_cache_mode = force_generic_plan;
EXECUTE every;
EXECUTE one(1);
EXECUTE changed(1);
EXECUTE joined;
SET ROLE attacks_reader;
EXECUTE every;
EXECUTE listed;
EXECUTE one(1);
EXECUTE one(3);
EXECUTE joined;
EXECUTE looked;
EXECUTE changed(1);
EXECUTE changed(3);
EXECUTE added(10, 'attacks_other');
EXECUTE added(12, 'attacks_reader');
BEGIN;
EXECUTE deleted;
ROLLBACK;
SET ROLE attacks_other;
EXECUTE every;
EXECUTE listed;
EXECUTE one(1);
EXECUTE one(3);
EXECUTE joined;
EXECUTE looked;
EXECUTE changed(1);
EXECUTE added(13, 'attacks_other');
EXECUTE deleted;
SET ROLE attacks_owner;
EXECUTE every;
EXECUTE one(2);
EXECUTE deleted;
RESET ROLE;
EXECUTE every;
-- the other way: made by a user, executed by another, by the superuser, and after rights are gone
DEALLOCATE ALL;
SET ROLE attacks_reader;
PREPARE every AS SELECT count(*), min(k), max(owner) FROM spread;
PREPARE one(int) AS SELECT k, owner FROM spread WHERE k = $1;
EXECUTE every;
EXECUTE one(3);
RESET ROLE;
EXECUTE every;
EXECUTE one(1);
REVOKE SELECT ON spread FROM attacks_reader;
SET ROLE attacks_reader;
EXECUTE every;
EXECUTE one(3);
RESET ROLE;
GRANT SELECT ON spread TO attacks_reader;
DROP POLICY own_rows ON spread;
SET ROLE attacks_reader;
EXECUTE every;
RESET ROLE;
ALTER TABLE spread DISABLE ROW LEVEL SECURITY;
SET ROLE attacks_reader;
EXECUTE every;
EXECUTE one(1);
RESET ROLE;
RESET plan_cache_mode;
DEALLOCATE ALL;
-- a view owner's rights and a definer's do not stay with the session
CREATE VIEW seen AS SELECT k FROM spread;
CREATE FUNCTION defined() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM attacks.spread';
CREATE FUNCTION opened() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    c refcursor := 'c';
BEGIN
    OPEN c FOR SELECT k FROM attacks.spread ORDER BY k LIMIT 1;
    RETURN c;
END $$;
REVOKE ALL ON spread FROM attacks_other;
GRANT SELECT ON seen TO attacks_other;
SET ROLE attacks_other;
SELECT count(*) FROM seen;
SELECT count(*) FROM spread;
SELECT defined();
SELECT count(*) FROM seen JOIN spread USING (k);
BEGIN;
SELECT opened();
FETCH c;
SELECT count(*) FROM spread;
ROLLBACK;
RESET ROLE;
DROP FUNCTION defined, opened;
DROP VIEW seen;
DROP TABLE spread;

-- === what PostgreSQL's own functions find out about a server is not for constraints ===
-- Tries to distribute a table with a constraint, and tells how that ends.
CREATE FUNCTION distributable(condition text, in_domain boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
BEGIN
    IF in_domain THEN
        EXECUTE format('CREATE DOMAIN word AS text CHECK (%s)', regexp_replace(condition, '\mv\M', 'VALUE', 'g'));
        CREATE TABLE checked (k int, v word[]);
    ELSE
        EXECUTE format('CREATE TABLE checked (k int, v text CHECK (%s))', condition);
    END IF;
    outcome := attempt('SELECT create_distributed_table(''checked'', ''k'')');
    DROP TABLE checked;
    DROP DOMAIN IF EXISTS word;
    RETURN outcome;
END $$;
CREATE TABLE conditions (harmless boolean, condition text);
INSERT INTO conditions SELECT true, unnest(ARRAY['now() > ''2000-01-01''', 'clock_timestamp()::date >= ''2000-01-01''', 'age(timestamptz ''2020-01-01'') IS NOT NULL',
    'random() < 2', 'lower(v) = v AND length(v) < 10', 'v ~ ''^[a-z]+$'' OR v SIMILAR TO ''a%''', 'left(v, 1) || right(v, 1) <> ''xx''',
    'to_date(v, ''YYYY'') > ''2000-01-01''', 'v::int > 0', 'v <> ''\'''' "$1" --''']);
INSERT INTO conditions SELECT false, unnest(ARRAY['query_to_xml(v, false, false, '''') IS NOT NULL', 'pg_read_file(v) <> ''''', 'lo_import(v) > 0',
    'lo_from_bytea(0, decode(v, ''hex'')) > 0', 'v <> current_user', 'v <> session_user', 'current_setting(v) <> ''''', 'current_setting(v, true) IS NULL',
    'set_config(v, v, false) <> ''''', 'pg_sleep(length(v)) IS NOT NULL', 'pg_terminate_backend(length(v))', 'v <> current_database()',
    'v <> ALL (current_schemas(true)::text[])', 'v <> version()', 'has_table_privilege(v, ''select'')', 'nextval(v) > 0', 'v::regclass > 0', 'pg_backend_pid() > 0',
    'txid_current() > 0', 'inet_client_addr() IS NULL', 'pg_advisory_lock(length(v)) IS NOT NULL']);
GRANT SELECT ON conditions TO attacks_owner;
SET client_min_messages = warning;
SET ROLE attacks_owner;
SELECT distributable(condition, false), distributable(condition, true) AS in_domain, count(*) FROM conditions WHERE NOT harmless GROUP BY 1, 2 ORDER BY 3;
SELECT distributable(condition, false), distributable(condition, true) AS in_domain, count(*) FROM conditions WHERE harmless GROUP BY 1, 2 ORDER BY 3;
RESET ROLE;
RESET client_min_messages;
DROP TABLE conditions;
DROP FUNCTION distributable;

-- === a domain that was dropped and made again ===
CREATE DOMAIN score AS int CHECK (VALUE < 10);
CREATE TABLE spread (k int PRIMARY KEY, s score, all_s score[]);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread VALUES (1, 50);
INSERT INTO spread SELECT n, n % 10, ARRAY[n % 10] FROM generate_series(1, 16) n;
DROP TABLE spread;
DROP DOMAIN score;
CREATE DOMAIN score AS numeric CHECK (VALUE < 100) CHECK (VALUE <> 13);
CREATE TABLE spread (k int PRIMARY KEY, s score, all_s score[]);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, n + 49.5, ARRAY[n + 49.5] FROM generate_series(1, 16) n;
UPDATE spread SET s = 13;
UPDATE spread SET s = s + 50 WHERE k = 1;
SELECT count(*), sum(s), max(all_s) FROM spread;
DROP TABLE spread;
DROP DOMAIN score;

-- === functions that not everybody may execute ===
CREATE TABLE plain (k int PRIMARY KEY, v text, n int);
CREATE TABLE spread (LIKE plain INCLUDING ALL);
SELECT create_distributed_table('spread', 'k');
INSERT INTO plain SELECT n, 'some words' FROM generate_series(1, 8) n;
INSERT INTO spread TABLE plain;
GRANT ALL ON plain, spread TO attacks_reader;
CREATE TABLE uses (no int, statement text);
INSERT INTO uses VALUES (1, 'SELECT initcap(v) FROM TBL'), (2, 'SELECT k FROM TBL WHERE initcap(v) = ''Some Words'''), (3, 'SELECT k FROM TBL WHERE k = 1 AND initcap(v) = ''x'''),
    (4, 'SELECT max(initcap(v)) FROM TBL GROUP BY initcap(v) ORDER BY initcap(v)'), (5, 'SELECT a.k FROM TBL a JOIN TBL b ON a.k = b.k AND a.v = initcap(b.v)'),
    (6, 'SELECT k FROM TBL WHERE v <> initcap(''some words'')'), (7, 'SELECT k FROM TBL WHERE initcap(v) = ''x'' FOR UPDATE'), (8, 'INSERT INTO TBL (k, v) SELECT k + 100, initcap(v) FROM TBL'),
    (9, 'UPDATE TBL SET v = v WHERE k = 1 RETURNING initcap(v)'), (10, 'UPDATE TBL SET v = initcap(v) WHERE k = 1'), (11, 'UPDATE TBL SET v = v WHERE initcap(v) = ''x'''),
    (12, 'DELETE FROM TBL WHERE initcap(v) = ''x'''), (13, 'INSERT INTO TBL VALUES (1) ON CONFLICT (k) DO UPDATE SET v = initcap(TBL.v)');
GRANT SELECT ON uses TO attacks_reader;
PREPARE words AS SELECT count(*) FROM spread WHERE initcap(v) = 'Some Words';
EXECUTE words;
BEGIN;
SELECT no, same(statement) FROM uses ORDER BY no;
ROLLBACK;
BEGIN;
REVOKE EXECUTE ON FUNCTION pg_catalog.initcap(text) FROM PUBLIC;
SET LOCAL ROLE attacks_reader;
-- what writes cannot do on the coordinator is refused for that reason
SELECT no, regexp_replace(same(statement), '^DIFFERENT: {"42501 permission denied for function initcap","0A000 .* with a function that must run on the coordinator.*', 'refused') AS outcome
FROM uses ORDER BY no;
RESET ROLE;
-- who may execute it still can
EXECUTE words;
ROLLBACK;
SET ROLE attacks_reader;
EXECUTE words;
RESET ROLE;
DEALLOCATE words;
DROP TABLE uses;

-- === many rows with ON CONFLICT DO UPDATE, with just the rights on columns that it needs ===
REVOKE ALL ON plain, spread FROM attacks_reader;
GRANT INSERT (k, v), UPDATE (v), SELECT (k, v) ON plain, spread TO attacks_reader;
SET ROLE attacks_reader;
SELECT same('INSERT INTO TBL (k, v) SELECT n, ''new'' FROM generate_series(1, 1500) n ON CONFLICT (k) DO UPDATE SET v = excluded.v');
SELECT same('INSERT INTO TBL (k, v) SELECT n, ''newer'' FROM generate_series(1001, 2500) n ON CONFLICT (k) DO UPDATE SET v = excluded.v');
SELECT same('INSERT INTO TBL (k, v) SELECT n, ''x'' FROM generate_series(1, 1500) n ON CONFLICT (k) DO UPDATE SET v = TBL.n || ''x''');
SELECT same('INSERT INTO TBL (k, v) SELECT n % 1200, ''x'' FROM generate_series(1, 1500) n ON CONFLICT (k) DO UPDATE SET v = excluded.v');
RESET ROLE;
SELECT (SELECT count(*) FROM ((TABLE plain EXCEPT TABLE spread) UNION ALL (TABLE spread EXCEPT TABLE plain)) d) AS differences;
DROP TABLE plain, spread;

-- === owners that go ===
CREATE ROLE attacks_leaver;
CREATE ROLE attacks_heir;
GRANT USAGE, CREATE ON SCHEMA attacks TO attacks_leaver, attacks_heir;
SET ROLE attacks_leaver;
CREATE TABLE bequest (k int PRIMARY KEY);
CREATE TABLE bequest_ref (id int PRIMARY KEY);
SELECT create_distributed_table('bequest', 'k');
SELECT create_reference_table('bequest_ref');
RESET ROLE;
REASSIGN OWNED BY attacks_leaver TO attacks_heir;
SET ROLE attacks_leaver;
INSERT INTO bequest VALUES (1);
SET ROLE attacks_heir;
INSERT INTO bequest VALUES (1), (2), (3);
INSERT INTO bequest_ref VALUES (1);
SELECT count(*) FROM bequest JOIN bequest_ref ON id = k;
RESET ROLE;
DROP OWNED BY attacks_leaver;
DROP OWNED BY attacks_heir;
DROP ROLE attacks_leaver, attacks_heir;
SELECT to_regclass('bequest') AS bequest, to_regclass('bequest_ref') AS bequest_ref;
\c :node1
SELECT count(*) AS left_on_node FROM pg_class WHERE relname LIKE 'bequest%';
\c :coordinator
SET search_path = attacks;
SET shardext.shard_count = 4;

-- === shards on this server: a database without nodes ===
SELECT pg_get_functiondef('same'::regproc) AS same, pg_get_functiondef('attempt'::regproc) AS attempt, pg_get_functiondef('harmless'::regproc) AS harmless,
    pg_get_functiondef('look(text)'::regprocedure) AS look, pg_get_functiondef('use_name'::regproc) AS use_name,
    pg_get_functiondef('statements'::regproc) AS statements, pg_get_functiondef('compare'::regproc) AS compare \gset
SET client_min_messages = warning;
DROP SCHEMA attacks CASCADE;
CREATE DATABASE attacks_local;
\c attacks_local
CREATE EXTENSION shardext;
CREATE SCHEMA attacks;
GRANT USAGE, CREATE ON SCHEMA attacks TO attacks_owner;
GRANT USAGE ON SCHEMA attacks TO attacks_reader, attacks_other;
SET search_path = attacks;
SET shardext.shard_count = 4;
:same;
:attempt;
:harmless;
:look;
:use_name;
:statements;
:compare;

-- rights, compared with a plain table
CREATE TABLE plain (k int PRIMARY KEY, title text, secret text);
CREATE TABLE spread (LIKE plain INCLUDING ALL);
SELECT create_distributed_table('spread', 'k');
SELECT DISTINCT node FROM shardext_shards WHERE table_name = 'spread'::regclass;
INSERT INTO plain SELECT n, 'title ' || n, 'hidden ' || n FROM generate_series(1, 8) n;
INSERT INTO spread TABLE plain;
CALL compare('');
CALL compare('SELECT (k)');
CALL compare('SELECT (k, title), UPDATE (title), INSERT (k)');
CALL compare('SELECT');
CALL compare('INSERT');
CALL compare('UPDATE');
CALL compare('DELETE');
CALL compare('SELECT (k), INSERT (k, title), UPDATE (title), DELETE');
CALL compare('SELECT, INSERT, UPDATE, DELETE');
SELECT (SELECT count(*) FROM ((TABLE plain EXCEPT TABLE spread) UNION ALL (TABLE spread EXCEPT TABLE plain)) d) AS differences;
DROP TABLE plain, spread;

-- names
CALL use_name('DEFAULT VALUES');
CALL use_name('it''s');
CALL use_name('a"b.c');
CALL use_name(' ');
CALL use_name('Upper $1');
CALL use_name('\''');
CALL use_name(E'a\nb');
CALL use_name('-- /*');
CALL use_name('select');
CALL use_name('shardext_1');
CALL use_name('DEFAULT VALUES''"');
CALL use_name(repeat('x', 63));
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'attacks %' ORDER BY 1;

-- TRUNCATE
CREATE TABLE spread (k int PRIMARY KEY, n int);
CREATE TABLE spread_child (k int REFERENCES spread);
ALTER TABLE spread OWNER TO attacks_owner;
SELECT create_distributed_table('spread', 'k');
SELECT create_distributed_table('spread_child', 'k');
INSERT INTO spread SELECT n, n FROM generate_series(1, 8) n;
INSERT INTO spread_child SELECT k FROM spread;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON spread, spread_child TO attacks_reader;
SET ROLE attacks_reader;
TRUNCATE spread;
TRUNCATE spread_child;
TRUNCATE spread CASCADE;
TRUNCATE spread, spread_child;
RESET ROLE;
GRANT TRUNCATE ON spread TO attacks_reader;
SET ROLE attacks_reader;
TRUNCATE spread;
TRUNCATE spread CASCADE;
SET ROLE attacks_owner;
TRUNCATE spread;
TRUNCATE spread CASCADE;
RESET ROLE;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
GRANT TRUNCATE ON spread_child TO attacks_reader;
SET ROLE attacks_reader;
BEGIN;
TRUNCATE spread CASCADE;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
ROLLBACK;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
TRUNCATE spread_child;
SELECT (SELECT count(*) FROM spread) AS spread, (SELECT count(*) FROM spread_child) AS spread_child;
RESET ROLE;
DROP TABLE spread_child;

-- rights on a table are no rights on its shards
SELECT shard FROM shardext_shards WHERE table_name = 'spread'::regclass AND shard_group = (SELECT shard_group FROM shardext_shard_of('spread', '1')) \gset
SELECT split_part(:'shard', '.', 1) AS shard_schema \gset
ALTER TABLE spread OWNER TO attacks_owner;
GRANT ALL ON spread TO attacks_reader WITH GRANT OPTION;
SET ROLE attacks_reader;
SELECT attempt(format(statement, :'shard')) FROM (VALUES (1, 'SELECT * FROM %s'), (2, 'INSERT INTO %s VALUES (1, 1)'), (3, 'UPDATE %s SET n = 0'), (4, 'DELETE FROM %s'),
    (5, 'TRUNCATE %s'), (6, 'DROP TABLE %s'), (7, 'ALTER TABLE %s ADD COLUMN x int'), (8, 'ALTER TABLE %s RENAME TO x'), (9, 'ALTER TABLE %s SET SCHEMA attacks'),
    (10, 'ALTER TABLE %s DISABLE TRIGGER ALL'), (11, 'CREATE INDEX ON %s (n)'), (12, 'CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    (13, 'CREATE RULE r AS ON INSERT TO %s DO INSTEAD NOTHING'), (14, 'CREATE POLICY p ON %s'), (15, 'GRANT ALL ON %s TO PUBLIC'), (16, 'COMMENT ON TABLE %s IS ''x'''),
    (17, 'LOCK TABLE %s'), (18, 'CREATE TEMPORARY TABLE x (LIKE %s)'), (19, 'CREATE TEMPORARY TABLE x () INHERITS (%s)'), (20, 'CREATE STATISTICS x ON k, n FROM %s'),
    (21, 'CREATE TEMPORARY VIEW x AS SELECT * FROM %s')) s (no, statement) ORDER BY no;
SELECT attempt('CREATE TABLE ' || :'shard_schema' || '.x (k int)');
SELECT attempt('DROP SCHEMA ' || :'shard_schema' || ' CASCADE');
SELECT attempt('ALTER SCHEMA ' || :'shard_schema' || ' RENAME TO x');
SELECT attempt('GRANT USAGE ON SCHEMA ' || :'shard_schema' || ' TO attacks_other');
SELECT set_config('search_path', :'shard_schema' || ', attacks', false) <> '' AS done;
SELECT count(*) FROM spread WHERE tableoid = 'attacks.spread'::regclass;
SET search_path = attacks;
-- what not even the owner may do
SET ROLE attacks_owner;
SELECT attempt(format(statement, :'shard')) FROM (VALUES (1, 'DROP TABLE %s'), (2, 'DROP TABLE %s CASCADE'), (3, 'ALTER TABLE %s ADD COLUMN x int'), (4, 'ALTER TABLE %s ALTER n TYPE bigint'),
    (5, 'ALTER TABLE %s RENAME TO x'), (6, 'ALTER TABLE %s DISABLE TRIGGER ALL'), (7, 'ALTER TABLE %s OWNER TO attacks_owner'), (8, 'CREATE INDEX ON %s (n)')) s (no, statement) ORDER BY no;
SELECT attempt('DROP SCHEMA ' || :'shard_schema' || ' CASCADE');
SELECT attempt('CREATE TABLE ' || :'shard_schema' || '.x (k int)');
RESET ROLE;
SELECT count(*), sum(n) FROM spread;
-- what the superuser does to a shard is refused, harmless or noticed
SELECT attempt('DROP TABLE ' || :'shard'), attempt('DROP TABLE ' || :'shard' || ' CASCADE');
SELECT attempt('DROP SCHEMA ' || :'shard_schema');
SELECT attempt('DROP SCHEMA ' || :'shard_schema' || ' CASCADE');
BEGIN;
ALTER TABLE :shard ADD COLUMN x text DEFAULT 'x';
SELECT count(*), sum(n) FROM spread;
SELECT * FROM spread WHERE k = 1;
INSERT INTO spread VALUES (1001, 1);
UPDATE spread SET n = n + 1;
ROLLBACK;
BEGIN;
ALTER TABLE :shard ALTER n TYPE bigint;
SELECT * FROM spread WHERE k = 1;
ROLLBACK;
BEGIN;
ALTER TABLE :shard ALTER n TYPE text;
SELECT attempt('SELECT k, n FROM spread');
ROLLBACK;
BEGIN;
ALTER TABLE :shard DROP COLUMN n;
SELECT attempt('SELECT * FROM spread');
ROLLBACK;
BEGIN;
ALTER TABLE :shard RENAME TO x;
SELECT attempt('SELECT * FROM spread');
ROLLBACK;
SELECT count(*), sum(n) FROM spread;
DROP TABLE spread;

-- what changes a shard is refused to its owner, too, by whatever name
CREATE TABLE spread (k int PRIMARY KEY, v text);
SELECT create_distributed_table('spread', 'k');
ALTER TABLE spread OWNER TO attacks_owner;
SELECT shard, split_part(shard, '.', 1) AS shard_schema FROM shardext_shards WHERE table_name = 'spread'::regclass
    AND shard_group = (SELECT shard_group FROM shardext_shard_of('spread', '1')) \gset
CREATE TABLE changes (no int, statement text);
INSERT INTO changes VALUES (1, 'CREATE RULE r AS ON INSERT TO %s DO ALSO UPDATE pg_authid SET rolsuper = true WHERE rolname = ''attacks_owner'''),
    (2, 'CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'), (3, 'CREATE POLICY p ON %s'),
    (4, 'ALTER TABLE %s RENAME COLUMN v TO w'), (5, 'ALTER TABLE %s RENAME CONSTRAINT spread_pkey TO x'), (6, 'ALTER TABLE %s RENAME TO x'), (7, 'ALTER TABLE IF EXISTS %s ADD x int'),
    (8, 'ALTER TABLE %s ADD CHECK (k > 0), ADD UNIQUE (v)'), (9, 'ALTER TABLE %s DROP COLUMN v'), (10, 'ALTER TABLE ONLY %s ALTER v SET DEFAULT current_user, ALTER v SET NOT NULL'),
    (11, 'ALTER TABLE %s ENABLE ROW LEVEL SECURITY'), (12, 'ALTER TABLE %s FORCE ROW LEVEL SECURITY'), (13, 'ALTER TABLE %s DROP CONSTRAINT spread_pkey'), (14, 'ALTER TABLE %s SET UNLOGGED'),
    (15, 'ALTER TABLE %s REPLICA IDENTITY FULL'), (16, 'ALTER TABLE %s OWNER TO attacks_owner'), (17, 'CREATE UNIQUE INDEX ON %s (v)');
GRANT SELECT ON changes TO attacks_owner;
SET ROLE attacks_owner;
SELECT attempt(format(statement, :'shard')) AS outcome, count(*) FROM changes GROUP BY 1 ORDER BY 1;
SELECT set_config('search_path', :'shard_schema' || ', attacks', false) <> '' AS done;
SELECT attempt(format(statement, 'spread')) AS outcome, count(*) FROM changes GROUP BY 1 ORDER BY 1;
SET search_path = attacks;
INSERT INTO spread VALUES (1, 'x');
RESET ROLE;
-- a superuser's rule is noticed and not applied
BEGIN;
CREATE RULE r AS ON INSERT TO :shard DO ALSO DELETE FROM attacks.changes;
SELECT attempt('INSERT INTO spread VALUES (1, ''y'') ON CONFLICT (k) DO UPDATE SET v = ''y''');
SELECT attempt('UPDATE spread SET v = ''y''');
SELECT attempt('SELECT * FROM spread WHERE k = 1');
ROLLBACK;
SELECT (SELECT count(*) FROM changes) AS changes, (SELECT max(v) FROM spread) AS v;
DROP TABLE spread, changes;

-- what only has a name like a shard's is its owner's
CREATE SCHEMA shardext_x AUTHORIZATION attacks_owner;
SET ROLE attacks_owner;
CREATE TABLE shardext_x.t (k int);
ALTER TABLE shardext_x.t ADD v text;
ALTER TABLE shardext_x.t RENAME COLUMN v TO w;
CREATE INDEX ON shardext_x.t (w);
CREATE TRIGGER t BEFORE UPDATE ON shardext_x.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE r AS ON DELETE TO shardext_x.t DO INSTEAD NOTHING;
ALTER TABLE shardext_x.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON shardext_x.t;
DROP SCHEMA shardext_x CASCADE;
RESET ROLE;
-- and a schema that has the name of a shard group's is not taken
DO $$
BEGIN
    EXECUTE format('CREATE SCHEMA shardext_%s_attacks AUTHORIZATION attacks_other', (SELECT last_value + 2 FROM shardext.shard_group_id_seq));
END $$;
SET ROLE attacks_owner;
CREATE TABLE spread (k int);
SELECT attempt('SELECT create_distributed_table(''spread'', ''k'', colocate_with => ''none'')');
SELECT attempt('SELECT create_distributed_table(''spread'', ''k'', colocate_with => ''none'')');
INSERT INTO spread SELECT generate_series(1, 8);
DROP TABLE spread;
RESET ROLE;
SELECT count(*) AS left_to_its_owner FROM pg_namespace n WHERE nspowner = 'attacks_other'::regrole AND nspname LIKE 'shardext\_%' AND nspacl IS NULL
    AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid) AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e');
DO $$
BEGIN
    EXECUTE (SELECT 'DROP SCHEMA ' || nspname FROM pg_namespace WHERE nspowner = 'attacks_other'::regrole);
END $$;

-- what a user's types run while statements are read and planned has his rights
CREATE TABLE calls (who name, said text);
GRANT SELECT, INSERT ON calls TO PUBLIC;
CREATE TABLE spread (k int PRIMARY KEY, i int[]);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, ARRAY[n] FROM generate_series(1, 8) n;
GRANT ALL ON spread TO attacks_reader;
CREATE VIEW seen AS SELECT k, i FROM spread;
GRANT ALL ON seen TO attacks_reader;
SET ROLE attacks_reader;
CREATE FUNCTION pg_temp.told(n int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attacks.calls VALUES (current_user, n);
    RETURN true;
END $$;
CREATE DOMAIN pg_temp.number AS int CHECK (pg_temp.told(VALUE));
CREATE TYPE pg_temp.pair AS (n pg_temp.number, t text);
CREATE TYPE pg_temp.numbers AS RANGE (SUBTYPE = pg_temp.number);
SELECT k FROM spread WHERE i = '{1}'::pg_temp.number[]::int[];
SELECT k FROM spread WHERE k = 1 AND i[1] = ('(1,x)'::pg_temp.pair).n;
SELECT k FROM spread WHERE i[1] = lower('[1,2)'::pg_temp.numbers);
SELECT k, '{2}'::pg_temp.number[] AS a, '(2,x)'::pg_temp.pair AS p, '[2,3)'::pg_temp.numbers AS r FROM spread WHERE k = 2;
SELECT count(*), max(('{3}'::pg_temp.number[])[1]) FROM seen WHERE i <> '{3}'::pg_temp.number[]::int[];
SELECT a.k FROM spread a JOIN spread b ON a.k = b.k AND a.i = '{3}'::pg_temp.number[]::int[] ORDER BY ('(3,x)'::pg_temp.pair).t LIMIT 1;
UPDATE spread SET i = '{21}'::pg_temp.number[]::int[] WHERE i = '{1}'::pg_temp.number[]::int[];
UPDATE seen SET i = '{22}'::pg_temp.number[]::int[] WHERE k = 2 RETURNING i = '{22}'::pg_temp.number[]::int[] AS changed;
DELETE FROM spread WHERE i = '{3}'::pg_temp.number[]::int[];
INSERT INTO spread VALUES (4, '{4}') ON CONFLICT (k) DO UPDATE SET i = '{24}'::pg_temp.number[]::int[] WHERE spread.i <> '{5}'::pg_temp.number[]::int[];
INSERT INTO spread SELECT n, '{25}'::pg_temp.number[]::int[] FROM generate_series(5, 1205) n ON CONFLICT (k) DO UPDATE SET i = excluded.i || '{26}'::pg_temp.number[]::int[];
SELECT k FROM spread WHERE i = '{21}'::pg_temp.number[]::int[] FOR UPDATE;
PREPARE chosen(text) AS SELECT k FROM spread WHERE i = $1::pg_temp.number[]::int[];
EXECUTE chosen('{22}');
SET plan_cache_mode = force_generic_plan;
EXECUTE chosen('{24}');
RESET plan_cache_mode;
DEALLOCATE chosen;
RESET ROLE;
SELECT who, count(*) > 10 AS told FROM calls GROUP BY who ORDER BY who;
TRUNCATE calls;
DROP VIEW seen;
DROP TABLE spread;
-- a constraint that the domain of a column gets later
SET ROLE attacks_owner;
CREATE DOMAIN mark AS int;
CREATE TYPE mark_pair AS (m mark);
CREATE TABLE spread (k int PRIMARY KEY, m mark, a mark[], p mark_pair, g int GENERATED ALWAYS AS (k + m) STORED);
CREATE INDEX ON spread (m) WHERE a <> '{0}'::mark[];
CREATE FUNCTION told(n int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attacks.calls VALUES (current_user, n);
    RETURN true;
END $$;
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, n, ARRAY[n], row(n)::mark_pair FROM generate_series(1, 8) n;
ALTER DOMAIN mark ADD CONSTRAINT told CHECK (told(VALUE)) NOT VALID;
GRANT ALL ON spread TO attacks_reader;
SET ROLE attacks_reader;
SELECT k FROM spread WHERE a = '{1}' AND p = '(1)'::mark_pair AND m = '1';
SELECT count(*) FROM spread WHERE a <> '{0}'::mark[] AND m > 0;
UPDATE spread SET a = '{11}', p = '(11)', m = 11 WHERE a = '{1}'::mark[];
INSERT INTO spread VALUES (1, 1, '{1}', '(1)') ON CONFLICT (k) DO UPDATE SET a = '{12}', p = '(12)' WHERE spread.a <> '{12}'::mark[];
INSERT INTO spread (k, a) SELECT n, '{13}' FROM generate_series(1, 1200) n ON CONFLICT (k) DO UPDATE SET a = '{14}';
COPY spread (k, m, a, p) FROM STDIN;
2001	1	{1}	(1)
\.
DELETE FROM spread WHERE p = '(12)'::mark_pair RETURNING a, p;
RESET ROLE;
SELECT who, count(*) > 10 AS told FROM calls GROUP BY who ORDER BY who;
TRUNCATE calls;
-- who only reads or moves rows does not run it
SELECT count(*), max(m) FROM spread;
COPY (SELECT k, m, a, p FROM spread WHERE k = 2) TO STDOUT;
SELECT undistribute_table('spread');
SELECT attempt('SELECT create_distributed_table(''spread'', ''k'')');
SELECT count(*) FROM calls;
DROP TABLE spread, calls;

-- owners that go
CREATE ROLE attacks_leaver;
CREATE ROLE attacks_heir;
GRANT USAGE, CREATE ON SCHEMA attacks TO attacks_leaver, attacks_heir;
CREATE FUNCTION shards_of_others() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_class s JOIN pg_class t ON t.relname = s.relname AND t.relnamespace = 'attacks'::regnamespace
    WHERE s.relnamespace::regnamespace::text LIKE 'shardext%' AND t.relkind = 'r' AND s.relowner <> t.relowner $$;
SET ROLE attacks_leaver;
CREATE TABLE bequest (k int PRIMARY KEY);
CREATE TABLE bequest_child (k int REFERENCES bequest ON DELETE CASCADE, v text);
SELECT create_distributed_table('bequest', 'k');
SELECT create_distributed_table('bequest_child', 'k');
INSERT INTO bequest SELECT generate_series(1, 8);
INSERT INTO bequest_child SELECT k, 'x' FROM bequest;
RESET ROLE;
REASSIGN OWNED BY attacks_leaver TO attacks_heir;
SELECT shards_of_others();
SET ROLE attacks_leaver;
SELECT count(*) FROM bequest;
SET ROLE attacks_heir;
INSERT INTO bequest_child VALUES (99, 'y');
DELETE FROM bequest WHERE k < 3;
SELECT count(*) FROM bequest_child;
RESET ROLE;
DROP OWNED BY attacks_leaver;
DROP ROLE attacks_leaver;
ALTER TABLE bequest OWNER TO attacks_owner;
SELECT shards_of_others();
SET ROLE attacks_heir;
INSERT INTO bequest_child VALUES (3, 'z');
INSERT INTO bequest VALUES (1);
SET ROLE attacks_owner;
INSERT INTO bequest VALUES (1);
INSERT INTO bequest_child VALUES (1, 'z');
RESET ROLE;
BEGIN;
REASSIGN OWNED BY attacks_heir TO attacks_owner;
SELECT shards_of_others();
ROLLBACK;
SELECT shards_of_others();
BEGIN;
DROP OWNED BY attacks_heir;
ROLLBACK;
SELECT shards_of_others(), (SELECT count(*) FROM bequest_child);
DROP OWNED BY attacks_heir CASCADE;
DROP ROLE attacks_heir;
SELECT count(*) FROM bequest;
SELECT to_regclass('bequest_child') AS bequest_child;
DROP TABLE bequest;
DROP FUNCTION shards_of_others;
SELECT count(*) AS left_here FROM pg_class WHERE relname LIKE 'bequest%';

-- a foreign key that calls a function of the owner runs it with his rights, whoever causes it
CREATE TABLE calls (who name);
GRANT ALL ON calls TO PUBLIC;
SET ROLE attacks_owner;
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE FUNCTION grade_number(g grade) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attacks.calls VALUES (current_user);
    RETURN ascii(g::text) - 96;
END $$;
CREATE CAST (grade AS int) WITH FUNCTION grade_number(grade) AS IMPLICIT;
CREATE TABLE parent (k int, n int, PRIMARY KEY (k, n));
CREATE TABLE child (k int, g grade, FOREIGN KEY (k, g) REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 1), (2, 2), (3, 1);
INSERT INTO child VALUES (1, 'a');
RESET ROLE;
-- who calls the cast is who is told
SELECT 'a'::grade::int;
SELECT DISTINCT who = current_user AS superuser FROM calls ORDER BY 1;
TRUNCATE calls;
SELECT create_distributed_table('parent', 'k');
SELECT create_distributed_table('child', 'k');
INSERT INTO child VALUES (2, 'b');
INSERT INTO child VALUES (2, 'a');
UPDATE child SET g = 'b' WHERE k = 1;
COPY child FROM STDIN;
3	a
\.
DELETE FROM parent WHERE k = 3;
SELECT undistribute_table('child');
SELECT create_distributed_table('child', 'k');
BEGIN;
TRUNCATE parent, child;
ROLLBACK;
SELECT * FROM child ORDER BY k;
GRANT ALL ON parent, child TO attacks_reader;
SET ROLE attacks_reader;
DELETE FROM parent WHERE k = 2;
INSERT INTO child VALUES (1, 'a');
RESET ROLE;
SELECT DISTINCT who FROM calls ORDER BY who;
DROP TABLE child, parent, calls;

-- functions of users are not taken
SET ROLE attacks_owner;
CREATE FUNCTION own(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN n; END';
CREATE TABLE t1 (k int CHECK (own(k) > 0));
CREATE TABLE t2 (k int, g int GENERATED ALWAYS AS (own(k)) STORED);
CREATE TABLE t3 (k int);
CREATE INDEX ON t3 (own(k));
SELECT attempt(format('SELECT create_distributed_table(%L, %L)', 't' || n, 'k')) FROM generate_series(1, 3) n ORDER BY n;
DROP TABLE t1, t2, t3;
RESET ROLE;

-- DROP TABLE and savepoints
CREATE TABLE gone (k int PRIMARY KEY, v text);
SELECT create_distributed_table('gone', 'k');
INSERT INTO gone SELECT n, 'v' FROM generate_series(1, 10) n;
BEGIN;
SAVEPOINT a;
DROP TABLE gone;
ROLLBACK TO a;
SELECT count(*) FROM gone;
INSERT INTO gone VALUES (11, 'v');
COMMIT;
SELECT count(*) FROM gone;
BEGIN;
SAVEPOINT a;
DROP TABLE gone;
RELEASE a;
CREATE TABLE gone (k int, other int);
SELECT create_distributed_table('gone', 'k');
INSERT INTO gone VALUES (1, 1);
COMMIT;
SELECT * FROM gone;
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
DROP TABLE gone;
RELEASE b;
ROLLBACK TO a;
COMMIT;
SELECT * FROM gone;
DROP TABLE gone;
SELECT count(*) AS left_here FROM pg_class WHERE relname LIKE 'gone%';
SELECT count(*) AS left_here FROM pg_namespace WHERE nspname LIKE 'shardext\_%';

-- undistribute_table under a policy that hides rows
CREATE TABLE forced (k int PRIMARY KEY, v text);
INSERT INTO forced SELECT n, CASE n % 2 WHEN 0 THEN 'visible' ELSE 'hidden' END FROM generate_series(1, 10) n;
SELECT create_distributed_table('forced', 'k');
CREATE POLICY p ON forced USING (v = 'visible');
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
ALTER TABLE forced OWNER TO attacks_owner;
SET ROLE attacks_owner;
SELECT count(*) FROM forced;
SELECT undistribute_table('forced');
RESET ROLE;
SELECT count(*) FROM forced;
SET ROLE attacks_owner;
ALTER TABLE forced NO FORCE ROW LEVEL SECURITY;
SELECT undistribute_table('forced');
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
SELECT create_distributed_table('forced', 'k');
SELECT count(*) FROM forced;
RESET ROLE;
SELECT count(*) FROM forced;
DROP TABLE forced;

-- hidden rows: their n is 0, and their secret is no number
CREATE TABLE spread (k int PRIMARY KEY, owner text, n int, secret text);
CREATE TABLE ref (id int PRIMARY KEY, owner text, n int, secret text);
SELECT create_distributed_table('spread', 'k');
SELECT create_reference_table('ref');
INSERT INTO spread SELECT n, CASE n % 3 WHEN 0 THEN 'attacks_reader' ELSE 'x' END, CASE n % 3 WHEN 0 THEN n ELSE 0 END,
    CASE n % 3 WHEN 0 THEN n::text ELSE 'hidden ' || n END FROM generate_series(1, 24) n;
INSERT INTO ref SELECT * FROM spread;
CREATE VIEW barrier WITH (security_barrier) AS SELECT k, n, secret FROM spread WHERE owner = 'attacks_reader';
SELECT k FROM spread WHERE k = 1 AND look(secret);
ALTER TABLE spread ENABLE ROW LEVEL SECURITY;
ALTER TABLE ref ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON spread USING (owner = current_user);
CREATE POLICY own_rows ON ref USING (owner = current_user);
GRANT ALL ON spread, ref, barrier TO attacks_reader;
SET ROLE attacks_reader;
SELECT count(*) FROM spread WHERE look(secret);
SELECT count(*) FROM spread WHERE 100 / n > 0 AND secret::int > 0;
SELECT k FROM spread WHERE k = 1 AND look(secret) AND 100 / n > 0;
SELECT sum(secret::int), sum(100 / n) FROM spread;
SELECT count(*) FROM spread a JOIN spread b USING (k) WHERE look(a.secret) AND 100 / b.n > 0;
SELECT count(*) FROM spread a JOIN spread b USING (n) WHERE look(a.secret) AND b.secret::int > 0;
SELECT count(*) FROM spread JOIN ref ON ref.id = spread.k AND 100 / ref.n > 0 AND look(ref.secret);
SELECT count(*) FROM spread WHERE EXISTS (SELECT FROM spread b WHERE b.k = spread.k AND look(b.secret) AND 100 / b.n > 0);
SELECT count(*) FROM barrier WHERE look(secret) AND 100 / n > 0 AND secret::int > 0;
SELECT k FROM spread WHERE 100 / n > 0 AND k < 7 ORDER BY k FOR UPDATE;
CALL harmless('UPDATE spread SET n = 100 / n, secret = secret::int WHERE 100 / n > 0 AND secret::int > 0');
CALL harmless('UPDATE barrier SET n = 1 WHERE 100 / n > 0 AND secret::int > 0');
CALL harmless('UPDATE spread SET n = 1 WHERE look(secret)');
CALL harmless('DELETE FROM spread WHERE 100 / n = 12345 OR secret::int = 1');
CALL harmless('DELETE FROM spread a USING spread b WHERE b.k = a.k AND 100 / b.n = 12345');
INSERT INTO spread VALUES (1, 'x', 1, '');
UPDATE spread SET owner = 'x' WHERE k = 3;
SET row_security = off;
SELECT count(*) FROM spread;
RESET row_security;
RESET ROLE;

-- SET ROLE between PREPARE and EXECUTE
PREPARE every AS SELECT count(*), max(owner) FROM spread;
PREPARE one(int) AS SELECT k, owner FROM spread WHERE k = $1;
PREPARE changed(int) AS UPDATE spread SET n = n WHERE k = $1 RETURNING k;
PREPARE added(int, text) AS INSERT INTO spread (k, owner) VALUES ($1, $2);
SET plan_cache_mode = force_generic_plan;
EXECUTE every;
EXECUTE one(1);
SET ROLE attacks_reader;
EXECUTE every;
EXECUTE one(1);
EXECUTE one(3);
EXECUTE changed(1);
EXECUTE changed(3);
EXECUTE added(100, 'x');
SET ROLE attacks_other;
EXECUTE every;
EXECUTE one(1);
EXECUTE changed(1);
EXECUTE added(100, 'attacks_other');
RESET ROLE;
EXECUTE every;
DEALLOCATE ALL;

-- what users could forge
SET ROLE attacks_reader;
SELECT count(*) FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text);
SELECT shardext.shard_name(1, 0) IS NULL AS a, shardext.shard_name(-1, 'spread') IS NOT NULL AS b;
RESET ROLE;
SELECT count(*) FROM spread s, shardext.fragment_rows(0) AS f (k int, secret text) WHERE s.k = 1;

\c :coordinator
DROP DATABASE attacks_local;
DROP ROLE attacks_owner, attacks_reader, attacks_other;
SELECT count(*) AS tables_left FROM shardext_tables;
