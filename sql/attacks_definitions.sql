-- Attacks through definitions: what constraints and types run, what takes shards along, and what must not reach them.
-- First where shards are on this server, then where they are on nodes.
\set VERBOSITY terse
\set coordinator 'dbname=' :DBNAME ' user=' :USER ' host=' :HOST ' port=' :PORT
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
SELECT conninfo AS node2 FROM shardext.nodes WHERE node_name = 'w2' \gset
CREATE ROLE definitions_owner;
CREATE ROLE definitions_reader;

-- === shards on this server, in a database of its own without nodes ===
CREATE DATABASE definitions_local;
\c definitions_local
CREATE EXTENSION shardext;
CREATE SCHEMA definitions;
GRANT CREATE ON DATABASE definitions_local TO definitions_owner;
GRANT USAGE, CREATE ON SCHEMA definitions TO definitions_owner;
GRANT USAGE ON SCHEMA definitions TO definitions_reader;
SET search_path = definitions;
SET shardext.shard_count = 4;

-- Runs a statement and tells the error without numbers, which differ from run to run.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;

-- Runs a statement and undoes it.
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE statement;
    RAISE triggered_action_exception;
EXCEPTION WHEN triggered_action_exception THEN
    RETURN 'works';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;

-- What is left of distributed tables when there should be nothing: shards, their schemas, and metadata.
CREATE VIEW remains AS
    SELECT (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text LIKE 'shardext\_%') AS shards,
        (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shardext\_%') AS schemas, (SELECT count(*) FROM shardext.tables) AS tables,
        (SELECT count(*) FROM shardext.colocation_groups) + (SELECT count(*) FROM shardext.shard_groups) + (SELECT count(*) FROM shardext.placements) AS metadata;

-- --- strings that are read in another way than they were written ---
SET ROLE definitions_owner;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
CREATE TABLE in_check (k int, v text, CHECK (v <> E'\\\'))); ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --'));
CREATE TABLE in_generated (k int, v text, g text GENERATED ALWAYS AS (v || E'\\\')) STORED); ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --') STORED);
CREATE TABLE in_index (k int, v text);
CREATE INDEX ON in_index (k) WHERE v <> E'\\\'); ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --';
CREATE INDEX ON in_index ((v || E'\\\')); ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --'));
CREATE TABLE in_statistics (k int, v text, w text);
CREATE STATISTICS in_statistics_both ON (v || E'\\\') FROM pg_class; ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --'), w FROM in_statistics;
CREATE TABLE in_comment (k int);
COMMENT ON TABLE in_comment IS E'\\\'; ALTER ROLE definitions_owner SUPERUSER; SELECT (1); --';
COMMENT ON COLUMN in_comment.k IS E'\\\'; ALTER ROLE definitions_owner SUPERUSER; SELECT (1); --';
CREATE TYPE in_enum AS ENUM (E'\\\'); ALTER ROLE definitions_owner SUPERUSER; SELECT (1); --', 'b');
CREATE DOMAIN in_domain AS text CHECK (VALUE <> E'\\\')); ALTER ROLE definitions_owner SUPERUSER; SELECT ((1 --');
CREATE TABLE in_types (k int, e in_enum, d in_domain);
CREATE TABLE in_values (k int, v text);
SELECT name, attempt(format('SELECT create_distributed_table(%L, %L)', name, 'k'))
FROM unnest(ARRAY['in_check', 'in_generated', 'in_index', 'in_statistics', 'in_comment', 'in_types', 'in_values']) name;
INSERT INTO in_check VALUES (1, E'\\\'))); ALTER ROLE definitions_owner SUPERUSER; SELECT (1 --');
INSERT INTO in_check VALUES (1, 'v') RETURNING v;
INSERT INTO in_generated VALUES (1, 'v') RETURNING g;
INSERT INTO in_types VALUES (1, E'\\\'); ALTER ROLE definitions_owner SUPERUSER; SELECT (1); --', 'v');
SELECT k FROM in_types WHERE e = E'\\\'); ALTER ROLE definitions_owner SUPERUSER; SELECT (1); --' AND d <> E'\\\'';
INSERT INTO in_values SELECT n, E'\\\'; ALTER ROLE definitions_owner SUPERUSER; --' FROM generate_series(1, 4) n;
UPDATE in_values SET v = v || E'\\\'; ALTER ROLE definitions_owner SUPERUSER; --' WHERE v = E'\\\'; ALTER ROLE definitions_owner SUPERUSER; --' AND k < 3;
SELECT k, length(v) FROM in_values WHERE v LIKE E'%\\\\\'%' AND v <> E'\\\'; SELECT' ORDER BY k;
SELECT undistribute_table('in_check');
SELECT create_distributed_table('in_check', 'k');
RESET standard_conforming_strings;
RESET escape_string_warning;
-- the same is read by the node connection and by the superuser
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'in_check'::regclass;
SELECT DISTINCT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM pg_class WHERE relname = 'in_check' AND relnamespace <> 'definitions'::regnamespace);
SELECT rolsuper FROM pg_roles WHERE rolname = 'definitions_owner';
DROP TABLE in_check, in_generated, in_index, in_statistics, in_comment, in_types, in_values;
DROP TYPE in_enum, in_domain;
RESET ROLE;
TABLE remains;

-- --- settings that change what expressions mean ---
SET ROLE definitions_owner;
CREATE TABLE plain (k int, a text[], n int);
CREATE TABLE spread (k int, a text[], n int);
SELECT create_distributed_table('spread', 'k');
INSERT INTO plain VALUES (1, ARRAY[NULL, 'x'], NULL), (2, ARRAY['NULL', 'x'], 1), (3, NULL, NULL);
INSERT INTO spread TABLE plain;
CREATE VIEW plain_null AS SELECT k FROM plain WHERE a = '{NULL,x}';
CREATE VIEW spread_null AS SELECT k FROM spread WHERE a = '{NULL,x}';
CREATE VIEW plain_text AS SELECT k FROM plain WHERE a = '{"NULL",x}';
CREATE VIEW spread_text AS SELECT k FROM spread WHERE a = '{"NULL",x}';
SET array_nulls = off;
SELECT * FROM plain_null;
SELECT * FROM spread_null;
SELECT * FROM plain_text;
SELECT * FROM spread_text;
SELECT k FROM plain WHERE a = '{NULL,x}';
SELECT k FROM spread WHERE a = '{NULL,x}';
INSERT INTO plain VALUES (4, '{NULL,y}', 0);
INSERT INTO spread VALUES (4, '{NULL,y}', 0);
UPDATE plain SET n = 5 WHERE a = '{NULL,y}';
UPDATE spread SET n = 5 WHERE a = '{NULL,y}';
RESET array_nulls;
SELECT k, a[1] IS NULL AS first_is_null, n FROM plain ORDER BY k;
SELECT k, a[1] IS NULL AS first_is_null, n FROM spread ORDER BY k;
SET transform_null_equals = on;
SELECT k FROM plain WHERE n = NULL ORDER BY k;
SELECT k FROM spread WHERE n = NULL ORDER BY k;
RESET transform_null_equals;
SET quote_all_identifiers = on;
SELECT k FROM spread WHERE n = 5;
UPDATE spread SET n = 6 WHERE n = 5;
RESET quote_all_identifiers;
SELECT k, n FROM spread WHERE k = 4;
DROP TABLE plain, spread CASCADE;
RESET ROLE;

-- --- functions that constraints call ---
CREATE EXTENSION adminpack SCHEMA pg_catalog;
CREATE SCHEMA trusted;
GRANT USAGE ON SCHEMA trusted TO definitions_owner;
CREATE FUNCTION trusted.everybody(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION trusted.nobody(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION trusted.granted(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION trusted.stable(text) RETURNS text LANGUAGE sql STABLE RETURN $1;
REVOKE EXECUTE ON FUNCTION trusted.nobody, trusted.granted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trusted.granted TO definitions_owner;
SET ROLE definitions_owner;
CREATE FUNCTION mine(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1;
CREATE TABLE conditions (condition text);
INSERT INTO conditions VALUES ('pg_catalog.pg_file_write(''/dev/null'', v, true) IS NOT NULL'), ('pg_catalog.pg_file_unlink(v)'),
    ('trusted.everybody(v) <> '''''), ('trusted.nobody(v) <> '''''), ('trusted.granted(v) <> '''''), ('trusted.stable(v) <> '''''), ('mine(v) <> '''''),
    ('CASE WHEN v IS NULL THEN pg_catalog.pg_file_write(v, v, true) > 0 END'), ('v = ANY (ARRAY[trusted.stable(v)])'), ('pg_catalog.lo_import(v) > 0'), ('coalesce(pg_catalog.pg_read_file(v), '''') = ''''');
SELECT condition, attempt(format('CREATE TABLE checked (k int, v text CHECK (%s))', condition)) AS created,
    attempt('SELECT create_distributed_table(''checked'', ''k'')') AS distributed, attempt('SELECT create_reference_table(''checked'')') AS reference,
    attempt('DROP TABLE checked') AS dropped
FROM conditions;
-- the same in generated columns, indexes and domains
CREATE TABLE in_generated (k int, v text, g text GENERATED ALWAYS AS (trusted.nobody(v)) STORED);
CREATE TABLE in_index (k int, v text);
CREATE INDEX ON in_index (trusted.nobody(v));
CREATE DOMAIN checked_word AS text CHECK (trusted.nobody(VALUE) <> '');
CREATE TABLE in_domain (k int, v checked_word[]);
SELECT name, attempt(format('SELECT create_distributed_table(%L, %L)', name, 'k')), attempt(format('INSERT INTO %I VALUES (1, ARRAY[''v''])', name)) AS inserted
FROM unnest(ARRAY['in_generated', 'in_index', 'in_domain']) name;
DROP TABLE in_generated, in_index, in_domain;
DROP DOMAIN checked_word;
-- privileges on PostgreSQL's own functions
RESET ROLE;
BEGIN;
REVOKE EXECUTE ON FUNCTION pg_catalog.initcap(text) FROM PUBLIC;
SET LOCAL ROLE definitions_owner;
CREATE TABLE checked (k int, v text CHECK (initcap(v) <> 'X'));
SELECT attempt('SELECT create_distributed_table(''checked'', ''k'')');
ROLLBACK;
DROP TABLE conditions;
DROP FUNCTION mine;
DROP SCHEMA trusted CASCADE;
TABLE remains;

-- --- what columns are made of does not change ---
SET ROLE definitions_owner;
CREATE DOMAIN word AS text;
CREATE DOMAIN inner_word AS text;
CREATE DOMAIN outer_word AS inner_word;
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE TYPE pair AS (w word, n int);
CREATE TYPE span AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = spans);
CREATE TYPE nested AS (p pair[], g grade);
CREATE TABLE made (k int PRIMARY KEY, w word, ws word[], o outer_word, g grade[], n nested, s span, ss spans);
SELECT create_distributed_table('made', 'k');
INSERT INTO made VALUES (1, 'w', '{w}', 'o', '{a}', ROW(ARRAY[ROW('w', 1)::pair], 'a'), '[1,2)', '{[1,2)}');
CREATE FUNCTION told(v text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'called by %', current_user;
    RETURN true;
END $$;
SELECT statement, tried(statement) FROM unnest(ARRAY['ALTER DOMAIN word ADD CHECK (told(VALUE)) NOT VALID', 'ALTER DOMAIN word ADD CHECK (VALUE <> '''')',
    'ALTER DOMAIN word SET NOT NULL', 'ALTER DOMAIN word RENAME TO other_word', 'ALTER DOMAIN word SET SCHEMA public', 'ALTER DOMAIN inner_word ADD CHECK (told(VALUE)) NOT VALID',
    'ALTER DOMAIN outer_word ADD CHECK (told(VALUE)) NOT VALID', 'ALTER TYPE word RENAME TO other_word', 'ALTER TYPE grade ADD VALUE ''c''', 'ALTER TYPE grade RENAME VALUE ''a'' TO ''z''',
    'ALTER TYPE grade RENAME TO other_grade', 'ALTER TYPE pair ADD ATTRIBUTE x int', 'ALTER TYPE pair DROP ATTRIBUTE n', 'ALTER TYPE pair ALTER ATTRIBUTE n TYPE bigint',
    'ALTER TYPE pair RENAME TO other_pair', 'ALTER TYPE pair RENAME ATTRIBUTE n TO m', 'ALTER TYPE nested ADD ATTRIBUTE x int', 'ALTER TYPE span RENAME TO other_span', 'ALTER TYPE spans RENAME TO other_spans']) statement;
-- what no distributed table uses does
CREATE DOMAIN free_word AS text;
CREATE TYPE free_grade AS ENUM ('a');
CREATE TYPE free_pair AS (w free_word, n int);
ALTER DOMAIN free_word ADD CHECK (VALUE <> '');
ALTER TYPE free_grade ADD VALUE 'b';
ALTER TYPE free_pair ADD ATTRIBUTE x int;
ALTER TYPE free_pair RENAME TO other_pair;
DROP TYPE other_pair, free_grade, free_word;
-- types take columns of distributed tables with them, and attributes of other types
SELECT statement, tried(statement) FROM unnest(ARRAY['DROP DOMAIN word CASCADE', 'DROP DOMAIN inner_word CASCADE', 'DROP TYPE grade CASCADE', 'DROP TYPE pair CASCADE',
    'DROP TYPE nested CASCADE', 'DROP TYPE span CASCADE', 'DROP TYPE word, grade, pair, nested, span CASCADE', 'DROP TYPE grade', 'DROP TYPE pair']) statement;
BEGIN;
SAVEPOINT a;
SET LOCAL client_min_messages = warning;
DROP TYPE grade CASCADE;
ROLLBACK TO a;
SELECT k, w, g FROM made;
COMMIT;
SELECT * FROM made;
UPDATE made SET w = 'other', g = '{b,a}' WHERE s @> 1.5::float8;
SELECT w, g FROM made;
-- but whole tables and schemas go, and leave nothing
DROP TABLE made;
DROP TYPE nested, pair, word, outer_word, inner_word, grade, span;
CREATE SCHEMA types;
CREATE TYPE types.grade AS ENUM ('a', 'b');
CREATE DOMAIN types.word AS text;
CREATE TABLE types.spread (k types.grade, w types.word);
CREATE TABLE types.ref (g types.grade PRIMARY KEY);
SELECT create_distributed_table('types.spread', 'k');
SELECT create_reference_table('types.ref');
INSERT INTO types.spread VALUES ('a', 'w'), ('b', 'w');
-- a table elsewhere loses a column
CREATE TABLE elsewhere (k int, g types.grade);
SELECT create_distributed_table('elsewhere', 'k');
INSERT INTO elsewhere VALUES (1, 'a');
SELECT tried('DROP SCHEMA types CASCADE'), attempt('ALTER SCHEMA types RENAME TO other_types');
SELECT * FROM elsewhere;
SELECT count(*) FROM types.spread;
DROP TABLE elsewhere;
SELECT attempt('DROP SCHEMA types CASCADE');
RESET ROLE;
TABLE remains;

-- --- DROP of several things at once ---
SET ROLE definitions_owner;
CREATE TABLE parent (k int PRIMARY KEY);
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE child (k int REFERENCES parent ON DELETE CASCADE, id int REFERENCES ref);
CREATE TABLE plain (id int REFERENCES ref);
SELECT create_distributed_table('parent', 'k');
SELECT create_reference_table('ref');
SELECT create_distributed_table('child', 'k');
INSERT INTO parent SELECT generate_series(1, 8);
INSERT INTO ref SELECT generate_series(1, 8);
INSERT INTO child SELECT n, n FROM generate_series(1, 8) n;
INSERT INTO plain VALUES (1);
SELECT attempt('DROP TABLE ref');
SELECT attempt('DROP TABLE parent, ref');
BEGIN;
DROP TABLE child, ref, plain, parent;
ROLLBACK;
SELECT count(*) FROM child JOIN ref USING (id) JOIN parent USING (k);
SELECT attempt('DROP TABLE child, ref');
SELECT count(*) FROM child;
SELECT attempt('INSERT INTO child VALUES (99, 1)'), attempt('INSERT INTO child VALUES (1, 99)');
RESET ROLE;
-- others cannot
SET ROLE definitions_reader;
SELECT attempt('DROP TABLE child, ref, plain, parent');
RESET ROLE;
SELECT count(*) FROM child;
SET ROLE definitions_owner;
DROP TABLE ref, child, parent, plain;
RESET ROLE;
TABLE remains;

-- --- DROP OWNED ---
CREATE ROLE definitions_leaver;
GRANT CREATE, USAGE ON SCHEMA definitions TO definitions_leaver;
SET ROLE definitions_leaver;
CREATE TYPE left_grade AS ENUM ('a', 'b');
CREATE DOMAIN left_word AS text CHECK (VALUE <> '');
CREATE TABLE left_parent (k int PRIMARY KEY, g left_grade);
CREATE TABLE left_child (k int REFERENCES left_parent, w left_word[]);
CREATE TABLE left_ref (id int PRIMARY KEY, g left_grade);
SELECT create_distributed_table('left_parent', 'k');
SELECT create_distributed_table('left_child', 'k');
SELECT create_reference_table('left_ref');
INSERT INTO left_parent VALUES (1, 'a');
INSERT INTO left_child VALUES (1, '{w}');
CREATE VIEW left_view AS SELECT * FROM left_parent JOIN left_child USING (k);
CREATE POLICY p ON left_child USING (true);
GRANT SELECT ON left_parent TO definitions_reader;
RESET ROLE;
-- a table of another owner that depends on what goes
CREATE TABLE kept (k int PRIMARY KEY, g left_grade);
SELECT create_distributed_table('kept', 'k');
INSERT INTO kept VALUES (1, 'b');
BEGIN;
SAVEPOINT a;
SET LOCAL client_min_messages = warning;
DROP OWNED BY definitions_leaver CASCADE;
ROLLBACK TO a;
SELECT count(*) FROM left_view;
COMMIT;
SELECT * FROM kept;
DROP TABLE kept;
BEGIN;
DROP OWNED BY definitions_leaver;
TABLE remains;
ROLLBACK;
SELECT count(*) FROM left_view;
DROP OWNED BY definitions_leaver;
DROP ROLE definitions_leaver;
TABLE remains;

-- --- shards do not change without their table ---
SET ROLE definitions_owner;
CREATE TABLE spread (k int PRIMARY KEY, v text, w text);
CREATE INDEX spread_v ON spread (v);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, 'v' FROM generate_series(1, 8) n;
CREATE TABLE plain (k int PRIMARY KEY, v text, w text);
CREATE SCHEMA free;
CREATE TABLE parts (k int NOT NULL, v text, w text) PARTITION BY LIST (k);
SELECT shard FROM shardext_shard_of('spread', '1') \gset
SELECT split_part(:'shard', '.', 1) AS shard_schema \gset
CREATE FUNCTION statements(shard text, schema text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT replace(replace(s, 'SHARD', shard), 'HOME', schema) FROM unnest(ARRAY['ALTER TABLE SHARD RENAME COLUMN v TO x', 'ALTER TABLE SHARD ADD COLUMN x int', 'ALTER TABLE SHARD DROP COLUMN v',
        'ALTER TABLE SHARD RENAME TO x', 'ALTER TABLE SHARD DISABLE TRIGGER ALL', 'ALTER TABLE SHARD SET SCHEMA free', 'ALTER TABLE SHARD SET (fillfactor = 50)',
        'ALTER TABLE SHARD ADD CHECK (k <> 1) NOT VALID', 'ALTER TABLE SHARD ALTER v SET DEFAULT ''x''',
        'DROP TABLE SHARD', 'DROP TABLE SHARD CASCADE', 'DROP INDEX HOME.spread_v', 'DROP INDEX HOME.spread_pkey CASCADE', 'ALTER INDEX HOME.spread_v RENAME TO x',
        'CREATE INDEX ON SHARD (w)', 'CREATE STATISTICS s ON v, w FROM SHARD', 'CREATE TABLE kid () INHERITS (SHARD)', 'ALTER TABLE plain INHERIT SHARD', 'ALTER TABLE SHARD INHERIT plain',
        'CREATE TABLE kid (k int REFERENCES SHARD)', 'CREATE TABLE kid (k int, FOREIGN KEY (k) REFERENCES SHARD)', 'ALTER TABLE plain ADD FOREIGN KEY (k) REFERENCES SHARD',
        'CREATE TRIGGER t BEFORE INSERT ON SHARD FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'CREATE RULE r AS ON INSERT TO SHARD DO INSTEAD NOTHING',
        'CREATE POLICY p ON SHARD', 'ALTER TABLE SHARD ENABLE ROW LEVEL SECURITY', 'ALTER TABLE parts ATTACH PARTITION SHARD DEFAULT', 'ALTER TABLE plain ADD COLUMN x int REFERENCES SHARD',
        'DROP SCHEMA HOME CASCADE', 'ALTER SCHEMA HOME RENAME TO x']) s $$;
CREATE VIEW outcomes AS SELECT replace(replace(s, :'shard', 'SHARD'), :'shard_schema', 'HOME') AS statement, attempt(s) AS outcome
    FROM statements(:'shard', :'shard_schema') s;
TABLE outcomes;
-- also not where functions run with other rights
CREATE FUNCTION change() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(DISTINCT left(outcome, 5), ' ') FROM definitions.outcomes $$;
CREATE MATERIALIZED VIEW changes AS SELECT definitions.change() WITH NO DATA;
REFRESH MATERIALIZED VIEW changes;
TABLE changes;
CREATE FUNCTION change_one(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE NOTICE '%', (SELECT definitions.change());
    RETURN n;
END $$;
CREATE INDEX ON plain (change_one(k));
INSERT INTO plain VALUES (1);
RESET ROLE;
SET client_min_messages = warning;
REINDEX TABLE plain;
ANALYZE plain;
RESET client_min_messages;
SET ROLE definitions_owner;
DROP MATERIALIZED VIEW changes;
SELECT count(*), min(v) FROM spread;
UPDATE spread SET w = 'w' WHERE v = 'v';
SELECT count(w) FROM spread;
DROP VIEW outcomes;
-- nor do tables get rows or columns behind the back of a distributed one
SELECT statement, attempt(statement) FROM unnest(ARRAY['ALTER TABLE plain INHERIT spread', 'ALTER TABLE spread INHERIT plain', 'CREATE TABLE kid () INHERITS (spread)',
    'ALTER TABLE parts ATTACH PARTITION spread DEFAULT', 'CREATE TABLE kid PARTITION OF spread DEFAULT', 'ALTER TABLE spread ATTACH PARTITION plain DEFAULT']) statement;
DROP TABLE plain, parts, spread;
DROP FUNCTION change, change_one, statements;
DROP SCHEMA free;
RESET ROLE;
TABLE remains;

-- --- what ANALYZE calls ---
SET ROLE definitions_owner;
CREATE TABLE spread (k int PRIMARY KEY, n int, v text);
SELECT create_distributed_table('spread', 'k');
INSERT INTO spread SELECT n, n, 'v' FROM generate_series(1, 100) n;
CREATE FUNCTION noted(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n';
CREATE STATISTICS spread_noted ON (noted(n)), v FROM spread;
CREATE STATISTICS spread_noted ON (abs(n)), v FROM spread;
RESET ROLE;
ANALYZE spread;
VACUUM (ANALYZE) spread;
BEGIN;
ANALYZE spread (n, v);
SELECT current_user = session_user AS myself;
COMMIT;
SET ROLE definitions_reader;
ANALYZE spread;
RESET ROLE;
DROP TABLE spread;
SET ROLE definitions_owner;
DROP FUNCTION noted(int);
RESET ROLE;
TABLE remains;

-- --- COPY FROM that a timeout interrupts ---
CREATE TABLE spread (k int PRIMARY KEY);
SELECT create_distributed_table('spread', 'k');
BEGIN;
INSERT INTO spread VALUES (0);
SAVEPOINT a;
SET LOCAL statement_timeout = '200ms';
COPY spread FROM PROGRAM 'sh -c "seq 1 20000; sleep 2"';
ROLLBACK TO a;
SELECT count(*) FROM spread;
INSERT INTO spread VALUES (1);
COPY spread FROM PROGRAM 'seq 2 5';
COMMIT;
SELECT count(*) FROM spread;

-- --- the extension goes with everything, in a session that has not used it ---
CREATE VIEW seen AS SELECT k FROM spread;
CREATE TABLE ref (id int PRIMARY KEY);
SELECT create_reference_table('ref');
\c -
SET search_path = definitions;
SET client_min_messages = warning;
DROP VIEW remains;
DROP EXTENSION shardext;
BEGIN;
DROP EXTENSION shardext CASCADE;
ROLLBACK;
SELECT count(*) FROM spread;
\c -
SET client_min_messages = warning;
DROP EXTENSION shardext CASCADE;
SELECT count(*) AS left_here FROM pg_class WHERE relname IN ('spread', 'ref', 'seen');
SELECT count(*) AS left_here FROM pg_namespace WHERE nspname LIKE 'shardext%';
CREATE EXTENSION shardext;
SELECT count(*) FROM shardext_tables;
\c :coordinator
DROP DATABASE definitions_local;

-- === shards on nodes ===
-- A cluster of its own, in other databases of the same servers.
\c :node1
CREATE DATABASE definitions_node;
\c :node2
CREATE DATABASE definitions_node;
\c :coordinator
CREATE DATABASE definitions_coordinator;
\set own 'dbname=definitions_coordinator user=' :USER ' host=' :HOST ' port=' :PORT
\c :own
CREATE EXTENSION shardext;
\set node1 :node1 ' dbname=definitions_node'
\set node2 :node2 ' dbname=definitions_node'
SELECT shardext_add_node('w1', :'node1') > 0 AS added, shardext_add_node('w2', :'node2') > 0 AS added_too;
CREATE SCHEMA definitions;
GRANT CREATE ON DATABASE definitions_coordinator TO definitions_owner;
GRANT USAGE, CREATE ON SCHEMA definitions TO definitions_owner;
SET search_path = definitions;
SET shardext.shard_count = 4;
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;

-- Runs a statement and undoes it.
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE statement;
    RAISE triggered_action_exception;
EXCEPTION WHEN triggered_action_exception THEN
    RETURN 'works';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;

-- strings, types and functions
SET ROLE definitions_owner;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
CREATE TABLE in_check (k int, v text, CHECK (v <> E'\\\'))); CREATE ROLE definitions_forged; SELECT (1 --'));
SELECT create_distributed_table('in_check', 'k');
CREATE TABLE in_index (k int, v text);
CREATE INDEX ON in_index (k) WHERE v <> E'\\\'); CREATE ROLE definitions_forged; SELECT (1 --';
SELECT create_distributed_table('in_index', 'k');
INSERT INTO in_check VALUES (1, E'\\\'))); CREATE ROLE definitions_forged; SELECT (1 --');
INSERT INTO in_check VALUES (1, E'\\\'') RETURNING v;
RESET standard_conforming_strings;
RESET escape_string_warning;
DROP TABLE in_check, in_index;
CREATE TYPE grade AS ENUM ('a', 'b');
CREATE DOMAIN word AS text;
CREATE TABLE spread (k int PRIMARY KEY, g grade, w word[]);
CREATE TABLE ref (id int PRIMARY KEY, w word);
CREATE TABLE child (k int REFERENCES spread, id int REFERENCES ref);
SELECT create_distributed_table('spread', 'k');
SELECT create_reference_table('ref');
SELECT create_distributed_table('child', 'k');
INSERT INTO spread SELECT n, 'a', '{w}' FROM generate_series(1, 8) n;
INSERT INTO ref SELECT n, 'w' FROM generate_series(1, 8) n;
INSERT INTO child SELECT n, n FROM generate_series(1, 8) n;
SELECT statement, tried(statement) FROM unnest(ARRAY['ALTER DOMAIN word ADD CHECK (VALUE <> '''') NOT VALID', 'ALTER TYPE grade ADD VALUE ''c''', 'DROP DOMAIN word CASCADE', 'DROP TYPE grade CASCADE',
    'DROP TABLE spread', 'DROP TABLE ref, spread']) statement;
SELECT count(*) FROM spread JOIN child USING (k) JOIN ref USING (id);
BEGIN;
DROP TABLE child, ref, spread;
ROLLBACK;
SELECT count(*) FROM spread JOIN child USING (k) JOIN ref USING (id);
RESET ROLE;

-- COPY FROM that a timeout interrupts
CREATE TABLE copied (k int PRIMARY KEY);
SELECT create_distributed_table('copied', 'k');
BEGIN;
INSERT INTO copied VALUES (0);
SAVEPOINT a;
SET LOCAL statement_timeout = '200ms';
COPY copied FROM PROGRAM 'sh -c "seq 1 20000; sleep 2"';
ROLLBACK TO a;
SELECT count(*) FROM copied;
INSERT INTO copied VALUES (1);
COPY copied FROM PROGRAM 'seq 2 5';
COMMIT;
SELECT count(*) FROM copied;

-- DROP OWNED, and what is left of it on the nodes
SET client_min_messages = warning;
DROP OWNED BY definitions_owner CASCADE;
DROP TABLE copied;
\c :node1
SELECT count(*) AS left_on_node FROM pg_namespace WHERE nspname LIKE 'shardext\_%' AND nspname <> 'shardext_node';
SELECT count(*) AS forged FROM pg_roles WHERE rolname = 'definitions_forged';
\c :node2
SELECT count(*) AS left_on_node FROM pg_namespace WHERE nspname LIKE 'shardext\_%' AND nspname <> 'shardext_node';
SELECT count(*) AS forged FROM pg_roles WHERE rolname = 'definitions_forged';

-- the extension in a new session
\c :own
SET search_path = definitions;
SET shardext.shard_count = 4;
CREATE TABLE spread (k int PRIMARY KEY);
CREATE TABLE ref (id int PRIMARY KEY);
CREATE VIEW seen AS SELECT k FROM spread;
SELECT create_distributed_table('spread', 'k');
SELECT create_reference_table('ref');
INSERT INTO spread SELECT generate_series(1, 8);
\c -
SET client_min_messages = warning;
DROP EXTENSION shardext;
BEGIN;
DROP EXTENSION shardext CASCADE;
ROLLBACK;
SELECT count(*) FROM definitions.spread;
\c -
SET client_min_messages = warning;
DROP EXTENSION shardext CASCADE;
SELECT count(*) AS left_here FROM pg_class WHERE relname IN ('spread', 'ref', 'seen');
\c :node1
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'shardext%' ORDER BY 1;
\c :node2
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'shardext%' ORDER BY 1;

\c :coordinator
DROP DATABASE definitions_coordinator;
SELECT conninfo AS node1 FROM shardext.nodes WHERE node_name = 'w1' \gset
SELECT conninfo AS node2 FROM shardext.nodes WHERE node_name = 'w2' \gset
\c :node1
DROP DATABASE definitions_node;
\c :node2
DROP DATABASE definitions_node;
\c :coordinator
DROP ROLE definitions_owner, definitions_reader;
SELECT count(*) AS tables_left FROM shardext_tables;
