-- What random queries have found: forms that a deparser, or a walk over trees, got wrong.
-- @setup
CREATE FUNCTION is_even(n int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN n % 2 = 0; END';
CREATE TABLE t (k int, id int);
CREATE TABLE b (k int, b boolean, c char(3));
INSERT INTO t SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO b VALUES (1, true, 'a'), (2, false, 'b'), (3, NULL, NULL), (4, true, 'a');
CREATE VIEW counted AS SELECT count(*) FROM t;
CREATE VIEW grouped AS SELECT k, count(*) FROM t GROUP BY k HAVING count(*) > 0;
CREATE VIEW outer_join AS SELECT a.k, b.id FROM t a LEFT JOIN t b USING (k);
CREATE VIEW outer_join_off_key AS SELECT a.k, b.k AS l FROM t a LEFT JOIN b ON a.id = b.k;
CREATE VIEW series AS SELECT generate_series(1, id) FROM t;
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('b', 'k', colocate_with => 'none');
-- @run
SELECT k FROM t s WHERE EXISTS (SELECT 1 WHERE is_even(s.id));
SELECT k FROM t s WHERE k IN (SELECT id WHERE is_even(s.id));
SELECT k, (SELECT is_even(s.id)) FROM t s;
SELECT s.c FROM t, ((SELECT 7 AS c ORDER BY 1) INTERSECT (SELECT 7)) s WHERE s.c <> 8;
SELECT s.c FROM (SELECT k AS c FROM t UNION ALL (SELECT id FROM t ORDER BY t.k LIMIT 2)) s WHERE s.c < 5;
SELECT s.c FROM ((SELECT k AS c FROM t WHERE k = 2 ORDER BY t.id) UNION ALL (SELECT id FROM t WHERE k = 2 ORDER BY 1)) s;
WITH c AS (SELECT 1 AS one UNION SELECT 2 ORDER BY 1) SELECT * FROM t, c WHERE k = 1;
SELECT a.k, t.k FROM b a, t WHERE 3 > CASE a.b WHEN true THEN 1 ELSE 5 END;
SELECT a.k FROM b a, t WHERE t.k = 1 AND 3 > CASE a.b WHEN false THEN 1 WHEN true THEN CASE a.k WHEN 1 THEN 2 ELSE 7 END ELSE 5 END;
SELECT a.k, CASE a.b WHEN true THEN 'y' WHEN false THEN 'n' END FROM b a;
SELECT a.k FROM b a WHERE CASE a.c WHEN 'a' THEN true WHEN 'b' THEN a.b END;
SELECT a.k FROM b a, t WHERE t.k = 1 AND CASE a.c WHEN 'a' THEN true WHEN 'b' THEN NOT a.b ELSE NULL END;
SELECT * FROM counted FOR UPDATE;
SELECT * FROM grouped FOR UPDATE;
SELECT * FROM outer_join FOR UPDATE;
SELECT * FROM outer_join_off_key FOR SHARE;
SELECT * FROM series FOR UPDATE;
SELECT * FROM (SELECT a.k, b.k AS l FROM t a LEFT JOIN b ON a.id = b.k) s FOR UPDATE OF s;
SELECT count(*) FROM t FOR UPDATE;
SELECT DISTINCT k FROM t FOR UPDATE;
SELECT k FROM t UNION SELECT k FROM b FOR UPDATE;
SELECT DISTINCT -(2::int) AS c FROM t;
SELECT -(2::int) AS c, count(*) FROM t GROUP BY -(2::int);
SELECT -(2::int) AS c, k FROM t GROUP BY -(2::int), k;
SELECT DISTINCT 1, k FROM t;
SELECT DISTINCT ON (-(1::int)) 5 FROM t;
