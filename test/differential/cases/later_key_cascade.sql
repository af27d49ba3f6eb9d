-- UPDATE of a key of a row that refers to another table and is referred to with ON UPDATE CASCADE; ON DELETE SET NULL of a distribution column.
-- @setup
CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE TABLE c (k int REFERENCES t ON UPDATE CASCADE, id int, UNIQUE (k, id));
CREATE TABLE cc (k int, id int, FOREIGN KEY (k, id) REFERENCES c (k, id) ON UPDATE CASCADE);
INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 30) i;
INSERT INTO c SELECT i % 30 + 1, i FROM generate_series(1, 60) i;
INSERT INTO cc SELECT i % 30 + 1, i FROM generate_series(1, 60, 3) i;
CREATE TABLE n (k int REFERENCES t ON DELETE SET NULL, id int);
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('c', 'k');
SELECT create_distributed_table('cc', 'k');
SELECT create_distributed_table('n', 'k');
-- @run
UPDATE c SET k = 7 WHERE id = 1 RETURNING *;
UPDATE c SET k = k % 30 + 1;
SELECT * FROM cc;
