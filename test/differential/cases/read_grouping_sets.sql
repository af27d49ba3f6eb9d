-- ROLLUP, CUBE, GROUPING SETS and what reads their rows.
-- @include shop
-- @run
SELECT status, quantity, count(*), sum(amount) FROM orders GROUP BY ROLLUP (status, quantity);
SELECT status, quantity, count(*) FROM orders GROUP BY CUBE (status, quantity);
SELECT user_id, status, count(*) FROM orders WHERE user_id < 9 GROUP BY GROUPING SETS ((user_id, status), (user_id), ());
SELECT grouping(country, active), country, active, count(*), avg(score) FROM users GROUP BY CUBE (country, active);
SELECT country, active, count(*) FROM users GROUP BY GROUPING SETS (country, active) HAVING count(*) > 5;
SELECT country, active, count(*) FROM users GROUP BY DISTINCT ROLLUP (country, active), ROLLUP (country);
SELECT country, active, count(*) FROM users GROUP BY country, ROLLUP (active);
SELECT count(*), sum(n) FROM nothing GROUP BY GROUPING SETS ((), (id));
SELECT count(*), sum(n) FROM nothing GROUP BY ROLLUP (id);
-- @ordered
SELECT status, count(DISTINCT user_id) AS people, string_agg(DISTINCT quantity::text, '' ORDER BY quantity::text) FROM orders GROUP BY ROLLUP (status) ORDER BY grouping(status), status;
SELECT CASE grouping(u.country) WHEN 1 THEN 'all' ELSE coalesce(u.country, 'none') END AS c, sum(o.amount) FROM users u JOIN orders o USING (user_id) GROUP BY ROLLUP (u.country);
SELECT s.status, max(s.n) FROM (SELECT status, quantity, count(*) AS n FROM orders GROUP BY CUBE (status, quantity)) s GROUP BY s.status;
SELECT country, grouping(country), rank() OVER (ORDER BY count(*) DESC) FROM users GROUP BY ROLLUP (country);
SELECT a, b, count(*) FROM (SELECT user_id % 2 AS a, user_id % 3 AS b FROM orders) t GROUP BY CUBE (a, b) HAVING grouping(a) = 0 OR count(*) > 50;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY amount), status FROM orders GROUP BY GROUPING SETS ((status), ());
PREPARE grouped_value(text) AS SELECT $1 AS first, $1, count(*) FROM orders GROUP BY GROUPING SETS (($1), ());
EXECUTE grouped_value('x');
SET plan_cache_mode = force_custom_plan;
EXECUTE grouped_value(NULL);
EXECUTE grouped_value('y');
RESET plan_cache_mode;
DEALLOCATE grouped_value;
SELECT coalesce(NULL::char(3), NULL::char(3)), 'ab'::char(3) FROM orders WHERE user_id < 3;
