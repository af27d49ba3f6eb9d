-- UPDATE of several elements or fields of one column at once.
-- @setup
CREATE TYPE pt AS (x int, y int);
CREATE TABLE t (k int, id int, n int, arr int[], p pt, ps pt[], j jsonb);
INSERT INTO t SELECT i % 7, i, i, ARRAY[i, i + 1, NULL], ROW(i, -i)::pt, ARRAY[ROW(i, 1)::pt], jsonb_build_object('a', i) FROM generate_series(1, 40) i;
-- @distribute
SELECT create_distributed_table('t', 'k');
-- @run
UPDATE t SET arr[1] = 100, arr[5] = 7 WHERE k = 1 RETURNING arr;
UPDATE t SET arr[1] = n, arr[2] = arr[1] + 1 RETURNING id, arr;
UPDATE t SET j['b'] = '5', j['c']['d'] = '"deep"' WHERE k = 3 RETURNING j;
UPDATE t SET p.x = n, p.y = (p).x WHERE k IN (2, 4) RETURNING p;
UPDATE t SET ps[1].x = 5, ps[2].y = n WHERE id < 20 RETURNING ps;
UPDATE t SET (arr[3], arr[4]) = (1, 2), n = 0 WHERE k = 5 RETURNING arr, n;
UPDATE t SET arr[1] = 1, arr = '{}' WHERE k = 5;
INSERT INTO t (k, arr[1], arr[3], p.y) VALUES (50, 1, 3, 4) RETURNING *;
