-- Prepared statements in which one scan waits for another's values of the distribution column, and others do not.
-- @setup
CREATE TABLE parent (id int, k interval, t text, PRIMARY KEY (k, id));
CREATE TABLE child (k interval, z timestamptz, v interval, i int);
INSERT INTO parent SELECT i, i % 4 * interval '1 day', 'x' || i FROM generate_series(1, 12) i;
INSERT INTO child SELECT i % 5 * interval '1 day', '2024-01-01', i % 3 * interval '1 day', i FROM generate_series(1, 10) i;
CREATE VIEW pairs AS SELECT s1.i, s2.c1, s4.t FROM child s1
  LEFT JOIN LATERAL (SELECT min(s3.t) AS c1, age(s1.z, '2023-01-01') AS c2, s3.k AS c3, s3.id AS c4 FROM parent s3 WHERE s1.k = s3.k GROUP BY s3.k, s3.id) s2
  ON s1.v = s2.c3 AND s2.c4 <= 5, parent s4 WHERE s4.k = s1.k;
-- @distribute
SELECT create_distributed_table('parent', 'k');
SELECT create_distributed_table('child', 'k');
-- @distribute other-keys
SELECT create_distributed_table('parent', 'k');
SELECT create_distributed_table('child', 'i', 'none');
-- @run
PREPARE q (int) AS WITH w (a, b) AS (SELECT i, t FROM pairs WHERE i < $1) SELECT 1 AS c FROM w;
EXECUTE q(5);
EXECUTE q(11);
PREPARE r (interval, int) AS SELECT i, c1, t FROM pairs WHERE i > $2 UNION ALL SELECT id, NULL, t FROM parent WHERE k = $1;
EXECUTE r('1 day', 7);
EXECUTE r('24 hours', 9);
BEGIN;
UPDATE parent SET t = t || '!' WHERE id = 1;
EXECUTE r('1 day', 7);
DECLARE c CURSOR FOR SELECT * FROM pairs ORDER BY i, t, c1;
FETCH 3 FROM c;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
EXECUTE r('1 day', 7);
EXECUTE q(5);
COMMIT;
