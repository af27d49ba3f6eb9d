-- Constraint triggers: at the end of the statement, at commit, by SET CONSTRAINTS; with savepoints.
-- @setup
CREATE TABLE account (id int PRIMARY KEY, owner text, amount int NOT NULL);
CREATE TABLE entry (id int PRIMARY KEY, account int, amount int);
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
INSERT INTO account SELECT i, 'o' || i, 0 FROM generate_series(1, 10) i;
CREATE FUNCTION balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE total int; wanted int; a int := CASE WHEN TG_OP = 'DELETE' THEN OLD.account ELSE NEW.account END;
BEGIN
  SELECT coalesce(sum(amount), 0) INTO total FROM entry WHERE account = a;
  SELECT amount INTO wanted FROM account WHERE id = a;
  INSERT INTO events (what) VALUES (format('%s %s %s: %s of %s', TG_NAME, TG_OP, a, total, wanted));
  IF total IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION 'account % has % instead of %', a, wanted, total USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END$$;
CREATE FUNCTION show() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % % -> %', TG_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END; RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT OR UPDATE OR DELETE ON entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance();
CREATE CONSTRAINT TRIGGER shown AFTER INSERT OR UPDATE OR DELETE ON entry DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION show();
CREATE CONSTRAINT TRIGGER at_once AFTER INSERT OR UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION show();
CREATE CONSTRAINT TRIGGER account_shown AFTER UPDATE ON account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.amount <> NEW.amount) EXECUTE FUNCTION show();
-- @distribute
SELECT create_distributed_table('account', 'id');
SELECT create_distributed_table('entry', 'id');
SELECT create_distributed_table('events', 'id');
-- @distribute mixed
SELECT create_distributed_table('account', 'id');
SELECT create_distributed_table('entry', 'id', shard_count => 3);
-- @run
-- @notices
INSERT INTO entry VALUES (1, 1, 10);
BEGIN;
-- @notices
INSERT INTO entry VALUES (1, 1, 10), (2, 1, 5);
-- @notices
UPDATE account SET amount = 15 WHERE id = 1;
SELECT what FROM events;
-- @notices
COMMIT;
SELECT what FROM events;
BEGIN;
UPDATE entry SET amount = 7 WHERE id = 2;
-- @notices
SET CONSTRAINTS balanced IMMEDIATE;
ROLLBACK;
BEGIN;
SET CONSTRAINTS shown DEFERRED;
-- @notices
UPDATE entry SET amount = 6 WHERE id = 2;
UPDATE account SET amount = 16 WHERE id = 1;
-- @notices
SET CONSTRAINTS ALL IMMEDIATE;
COMMIT;
BEGIN;
SAVEPOINT a;
INSERT INTO entry VALUES (3, 2, 100);
ROLLBACK TO a;
INSERT INTO entry VALUES (4, 2, 50);
SAVEPOINT b;
UPDATE account SET amount = 50 WHERE id = 2;
RELEASE b;
-- @notices
COMMIT;
SELECT * FROM entry;
SELECT what FROM events;
BEGIN;
DELETE FROM entry WHERE id = 4;
-- @notices
COMMIT;
SELECT * FROM entry;
BEGIN;
DELETE FROM entry WHERE id = 4;
UPDATE account SET amount = 0 WHERE id = 2;
UPDATE account SET owner = 'x' WHERE id = 2;
-- @notices
COMMIT;
BEGIN;
SET CONSTRAINTS balanced IMMEDIATE;
-- @notices
INSERT INTO entry VALUES (9, 9, 9);
ROLLBACK;
BEGIN;
INSERT INTO entry SELECT i, 5, 1 FROM generate_series(100, 300) i;
UPDATE account SET amount = 201 WHERE id = 5;
COMMIT;
BEGIN;
UPDATE entry SET id = id + 10000 WHERE id = 100;
-- @notices
COMMIT;
BEGIN;
INSERT INTO entry VALUES (50, 7, 3);
TRUNCATE entry;
ROLLBACK;
BEGIN;
INSERT INTO entry VALUES (50, 7, 3);
ALTER TABLE entry DISABLE TRIGGER balanced;
ROLLBACK;
SELECT count(*), sum(amount) FROM entry;
SELECT count(*) FROM events;
SELECT * FROM account;
