-- Writes to reference tables that read distributed ones.
-- @setup
CREATE TABLE ref (id int PRIMARY KEY, name text, n int DEFAULT 3);
CREATE TABLE dist (k int PRIMARY KEY, r int);
INSERT INTO ref SELECT i, 'r' || i FROM generate_series(1, 12) i;
INSERT INTO dist SELECT i, i % 14 FROM generate_series(1, 40) i;
-- @distribute
SELECT create_reference_table('ref');
SELECT create_distributed_table('dist', 'k');
-- @run
UPDATE ref SET name = 'x' || (SELECT count(*) FROM dist WHERE dist.r = ref.id) WHERE id > 8 RETURNING name;
UPDATE ref SET n = s.c FROM (SELECT r, count(*) AS c FROM dist GROUP BY r) s WHERE s.r = ref.id AND ref.id < 4 RETURNING ref.id, ref.n;
DELETE FROM ref WHERE id IN (SELECT r FROM dist WHERE k = 11) RETURNING id;
DELETE FROM ref USING dist WHERE dist.r = ref.id AND dist.k = 12 RETURNING ref.id, dist.k;
UPDATE ref SET n = (SELECT max(k) FROM dist WHERE r = ref.id) RETURNING id, n;
INSERT INTO ref SELECT k + 100, 'd' || r FROM dist WHERE k < 5 ON CONFLICT (id) DO UPDATE SET n = ref.n + 1 RETURNING *;
WITH x AS (UPDATE ref SET n = 0 WHERE id > 100 RETURNING id) UPDATE dist SET r = x.id FROM x WHERE x.id = dist.k + 100 RETURNING dist.k, r;
DELETE FROM ref WHERE NOT EXISTS (SELECT FROM dist WHERE dist.r = ref.id) RETURNING id;
SELECT d.k, r.* FROM dist d LEFT JOIN ref r ON r.id = d.r;
