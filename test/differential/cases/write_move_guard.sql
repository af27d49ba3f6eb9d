-- UPDATE of a distribution column that rows of other tables reference ON DELETE CASCADE, SET NULL or SET DEFAULT: ON UPDATE NO ACTION refuses it.
-- @setup
CREATE TABLE p (k int, id int, v text, PRIMARY KEY (k, id));
CREATE TABLE cascades (k int, id int, n int, FOREIGN KEY (k, id) REFERENCES p ON DELETE CASCADE);
CREATE TABLE nulls (k int, id int, n int, FOREIGN KEY (k, id) REFERENCES p ON DELETE SET NULL (id));
CREATE TABLE self (k int, id int, up int, PRIMARY KEY (k, id), FOREIGN KEY (k, up) REFERENCES self ON DELETE CASCADE);
CREATE TABLE def (k int, id int, n int, FOREIGN KEY (k, id) REFERENCES p (k, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO p SELECT i, i, 'v' || i FROM generate_series(1, 20) i;
INSERT INTO cascades SELECT i, i, i FROM generate_series(1, 6) i;
INSERT INTO nulls SELECT i, i, i FROM generate_series(7, 10) i;
INSERT INTO def SELECT i, i, i FROM generate_series(11, 13) i;
INSERT INTO self VALUES (1, 1, NULL), (1, 2, 1), (1, 3, 2), (2, 1, 1), (3, 1, NULL);
-- @distribute
SELECT create_distributed_table('p', 'k');
SELECT create_distributed_table('cascades', 'k');
SELECT create_distributed_table('nulls', 'k');
SELECT create_distributed_table('def', 'k');
SELECT create_distributed_table('self', 'k');
-- @run
UPDATE p SET k = 100 WHERE id = 1;
UPDATE p SET k = k + 100 WHERE id = 8 OR id > 13;
UPDATE p SET k = 101, v = 'x' FROM cascades c WHERE c.n = 2 AND p.id = c.id;
UPDATE p SET k = 107 WHERE id = 7;
BEGIN;
UPDATE p SET k = 111 WHERE id = 11;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
UPDATE p SET k = 115 WHERE id = 15 RETURNING *;
MERGE INTO p USING cascades c ON c.k = p.k AND c.k = 4 WHEN MATCHED THEN UPDATE SET k = p.k + 200;
MERGE INTO p USING nulls c ON c.k = p.k AND c.k = 9 WHEN MATCHED THEN UPDATE SET k = p.k + 200;
UPDATE self SET k = 10 WHERE k = 1 AND id = 1;
UPDATE self SET k = 10 WHERE k = 1;
UPDATE self SET k = 10 WHERE k = 3 RETURNING *;
UPDATE self SET k = 11 WHERE k = 1 AND id = 3 AND up = 2;
BEGIN;
UPDATE p SET k = 111 WHERE id = 11;
UPDATE p SET k = 11 WHERE id = 11;
COMMIT;
BEGIN;
DELETE FROM cascades WHERE k = 1;
UPDATE p SET k = 100 WHERE id = 1 RETURNING *;
COMMIT;
SELECT * FROM cascades;
SELECT * FROM nulls;
SELECT * FROM def;
SELECT * FROM self;
SELECT * FROM p;
