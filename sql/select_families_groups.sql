-- Families of SELECT, each with its plan and its rows: aggregates, groups, DISTINCT, windows.
\getenv root PG_ABS_SRCDIR
\i :root/sql/select_families.inc

-- === GROUP BY ===
-- family: by the key
SELECT $$SELECT customer_id, count(*), sum(total) FROM orders WHERE customer_id < 4 GROUP BY customer_id ORDER BY 1$$ AS q \gset
:family
-- family: by the key and more
SELECT $$SELECT customer_id, status, count(*) FROM orders WHERE customer_id < 3 GROUP BY 1, 2 ORDER BY 1, 2$$ AS q \gset
:family
-- family: by the key, with ORDER BY and LIMIT
SELECT $$SELECT customer_id, sum(total) FROM orders GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2$$ AS q \gset
:family
-- family: by the key, any aggregate
SELECT $$SELECT customer_id, string_agg(status, ',' ORDER BY id), percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders WHERE customer_id < 3
    GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: by the primary key, with columns that depend on it
SELECT $$SELECT c.name, c.country, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id HAVING c.id > 17 ORDER BY c.id$$ AS q \gset
:family
-- family: of one shard
SELECT $$SELECT status, count(*) FROM orders WHERE customer_id = 7 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: of some shards
SELECT $$SELECT status, count(*) FROM orders WHERE customer_id IN (7, 8) GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: by another column
SELECT $$SELECT status, count(*), sum(total) FROM orders GROUP BY status ORDER BY 1$$ AS q \gset
:family
-- family: by another column, of a join on the key
SELECT $$SELECT c.country, o.status, count(*), max(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.country < 'FR'
    GROUP BY 1, 2 ORDER BY 1, 2$$ AS q \gset
:family
-- family: by a column of a reference table
SELECT $$SELECT n.name, count(*) FROM customers c JOIN countries n ON n.code = c.country GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: by an expression
SELECT $$SELECT date_trunc('month', at)::date AS month, count(*) FROM events WHERE at >= '2024-04-01' GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: by an expression of the key
SELECT $$SELECT customer_id % 2 AS odd, count(*) FROM orders GROUP BY customer_id % 2 ORDER BY 1$$ AS q \gset
:family
-- family: by a function of the user
CREATE FUNCTION half(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 / 2; END';
SELECT $$SELECT half(product_id), count(*) FROM orders GROUP BY 1 ORDER BY 1 LIMIT 2$$ AS q \gset
:family
-- family: by a column of a join off the key
SELECT $$SELECT p.name, count(*), avg(o.total)::numeric(10,2) FROM orders o JOIN products p ON p.id = o.product_id WHERE p.id > 5 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: without aggregates
SELECT $$SELECT kind FROM events GROUP BY kind ORDER BY 1$$ AS q \gset
:family
-- family: HAVING
SELECT $$SELECT status FROM orders WHERE total > 0 GROUP BY status HAVING count(*) > 12 AND max(total) < 88 ORDER BY 1$$ AS q \gset
:family
-- family: HAVING, by the key
SELECT $$SELECT customer_id FROM orders GROUP BY customer_id HAVING count(*) > 3 AND min(total) > 7 ORDER BY 1$$ AS q \gset
:family
-- family: HAVING without GROUP BY
SELECT $$SELECT max(total) FROM orders HAVING count(*) > 1000$$ AS q \gset
:family
-- family: ORDER BY an aggregate, LIMIT
SELECT $$SELECT product_id, sum(total) FROM orders GROUP BY 1 ORDER BY 2 DESC LIMIT 2$$ AS q \gset
:family
-- family: aggregate of aggregates
SELECT $$SELECT avg(n)::numeric(10,2), max(n) FROM (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) o$$ AS q \gset
:family

-- === aggregates over all shards ===
-- family: count, sum, avg, min, max
SELECT $$SELECT count(*), count(total), sum(total), avg(total)::numeric(10,4), min(placed), max(status) FROM orders$$ AS q \gset
:family
-- family: no rows
SELECT $$SELECT count(*), sum(total), min(id), array_agg(id) FROM orders WHERE status = 'lost'$$ AS q \gset
:family
-- family: expressions of aggregates
SELECT $$SELECT round(sum(total) / count(*) * 100, 2) AS percent, max(total) - min(total) AS span FROM orders$$ AS q \gset
:family
-- family: stddev, variance
SELECT $$SELECT round(stddev(total), 6), round(stddev_pop(total), 6), round(variance(id), 6), round(var_pop(id), 6) FROM orders$$ AS q \gset
:family
-- family: covar, corr, regr
SELECT $$SELECT covar_pop(id, product_id)::numeric(10,4), covar_samp(id, product_id)::numeric(10,4), corr(id, product_id)::numeric(10,4),
    regr_slope(id, product_id)::numeric(10,4), regr_count(id, product_id), regr_avgx(id, product_id), regr_r2(id, product_id)::numeric(10,4) FROM orders$$ AS q \gset
:family
-- family: bool_and, bool_or, every
SELECT $$SELECT grade, bool_and(id > 3), bool_or(id > 19), every(id < 100) FROM customers GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: bit_and, bit_or, bit_xor
SELECT $$SELECT bit_and(id | 32), bit_or(id), bit_xor(id) FROM customers$$ AS q \gset
:family
-- family: string_agg, array_agg with ORDER BY
SELECT $$SELECT grade, string_agg(name, ',' ORDER BY id DESC), array_agg(id ORDER BY id) FROM customers WHERE id < 7 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: array_agg of arrays, of whole rows
SELECT $$SELECT array_agg(tags ORDER BY id), array_agg(home ORDER BY id) FROM customers WHERE id < 3$$ AS q \gset
:family
SELECT $$SELECT array_agg(r ORDER BY currency) FROM rates r$$ AS q \gset
:family
-- family: json_agg, jsonb_agg, json_object_agg
SELECT $$SELECT json_agg(id ORDER BY id), jsonb_agg(info->'score' ORDER BY id), json_object_agg(id, grade ORDER BY id), jsonb_object_agg(name, tags)
    FROM customers WHERE id < 3$$ AS q \gset
:family
-- family: xmlagg
SELECT $$SELECT xmlagg(xmlelement(name c, id) ORDER BY id) FROM customers WHERE id < 3$$ AS q \gset
:family
-- family: range_agg, range_intersect_agg
SELECT $$SELECT range_agg(valid), range_intersect_agg(valid) FROM customers WHERE id > 3$$ AS q \gset
:family
-- family: FILTER
SELECT $$SELECT count(*) FILTER (WHERE status = 'open') AS open, sum(total) FILTER (WHERE id > 50) AS last, max(id) FILTER (WHERE false) AS never
    FROM orders$$ AS q \gset
:family
-- family: FILTER, by another column
SELECT $$SELECT status, count(*) FILTER (WHERE total > 50), array_agg(id ORDER BY id) FILTER (WHERE total > 84) FROM orders GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: DISTINCT, of the key
SELECT $$SELECT count(DISTINCT customer_id) FROM orders$$ AS q \gset
:family
-- family: DISTINCT, of another column
SELECT $$SELECT count(DISTINCT product_id), sum(DISTINCT product_id) FROM orders$$ AS q \gset
:family
-- family: DISTINCT and not
SELECT $$SELECT status, count(*), count(DISTINCT product_id), sum(total) FROM orders GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: DISTINCT of several columns
SELECT $$SELECT count(DISTINCT product_id), count(DISTINCT status), count(DISTINCT placed) FROM orders$$ AS q \gset
:family
-- family: DISTINCT, by the key
SELECT $$SELECT customer_id, count(DISTINCT status), count(DISTINCT product_id % 2) FROM orders WHERE customer_id < 3 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: DISTINCT with ORDER BY
SELECT $$SELECT string_agg(DISTINCT status, ',' ORDER BY status) FROM orders$$ AS q \gset
:family
-- family: ordered-set aggregates
SELECT $$SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY id),
    mode() WITHIN GROUP (ORDER BY status) FROM orders WHERE id < 60$$ AS q \gset
:family
-- family: hypothetical-set aggregates
SELECT $$SELECT rank(50) WITHIN GROUP (ORDER BY total), cume_dist(50) WITHIN GROUP (ORDER BY total)::numeric(10,4) FROM orders WHERE total > 0$$ AS q \gset
:family
-- family: aggregate of the user
CREATE AGGREGATE product (numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = 1);
SELECT $$SELECT product(rate) FROM rates$$ AS q \gset
:family
SELECT $$SELECT grade, product(id) FROM customers WHERE id < 7 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: aggregate of the user, with a combine function
CREATE AGGREGATE total (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = 0, COMBINEFUNC = numeric_add, PARALLEL = SAFE);
SELECT $$SELECT status, total(total) FILTER (WHERE total > 0) FROM orders GROUP BY 1 ORDER BY 1$$ AS q \gset
:family
-- family: volatile function in an aggregate
SELECT $$SELECT sum(total + floor(random())::int) FROM orders$$ AS q \gset
:family
-- family: aggregate over a join of small and large, off the key
SELECT $$SELECT e.kind, count(*) FROM events e JOIN products p ON p.id = e.product_id WHERE p.price < 30 GROUP BY 1 ORDER BY 1$$ AS q \gset
:family

-- === GROUPING SETS ===
-- family: ROLLUP
SELECT $$SELECT grade, status, count(*), grouping(grade, status) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE grade < 'high'
    GROUP BY ROLLUP (grade, status) ORDER BY grade, status$$ AS q \gset
:family
-- family: ROLLUP, by the key
SELECT $$SELECT customer_id, status, count(*) FROM orders WHERE customer_id < 3 GROUP BY ROLLUP (customer_id, status) ORDER BY 1, 2$$ AS q \gset
:family
-- family: CUBE
SELECT $$SELECT status, kind, count(*), sum(n) FROM (SELECT status, CASE WHEN product_id < 5 THEN 'a' ELSE 'b' END AS kind, id AS n FROM orders) o
    GROUP BY CUBE (status, kind) ORDER BY 1, 2$$ AS q \gset
:family
-- family: GROUPING SETS
SELECT $$SELECT status, product_id, count(*), sum(total), grouping(status) FROM orders WHERE product_id < 2
    GROUP BY GROUPING SETS ((status), (product_id), ()) ORDER BY 1, 2$$ AS q \gset
:family
-- family: GROUPING SETS that all have the key
SELECT $$SELECT customer_id, status, product_id, count(*) FROM orders WHERE customer_id = ANY ('{7,8}') AND total > 20
    GROUP BY customer_id, GROUPING SETS ((status), (product_id)) ORDER BY 1, 2, 3$$ AS q \gset
:family
-- family: GROUPING SETS of one shard
SELECT $$SELECT status, count(*) FROM orders WHERE customer_id = 7 GROUP BY ROLLUP (status) ORDER BY 1$$ AS q \gset
:family
-- family: GROUP BY DISTINCT
SELECT $$SELECT status, count(*) FROM orders GROUP BY DISTINCT ROLLUP (status), ROLLUP (status) ORDER BY 1$$ AS q \gset
:family
-- family: GROUPING SETS with DISTINCT, with HAVING
SELECT $$SELECT status, count(DISTINCT product_id) FROM orders GROUP BY ROLLUP (status) HAVING count(*) > 20 OR grouping(status) = 0 ORDER BY 1$$ AS q \gset
:family

-- === DISTINCT ===
-- family: with the key
SELECT $$SELECT DISTINCT customer_id, status FROM orders WHERE customer_id < 3 ORDER BY 1, 2$$ AS q \gset
:family
-- family: without the key
SELECT $$SELECT DISTINCT status FROM orders ORDER BY 1$$ AS q \gset
:family
-- family: expressions, LIMIT
SELECT $$SELECT DISTINCT upper(kind) AS kind, customer_id % 2 AS odd FROM events ORDER BY 1, 2 LIMIT 3$$ AS q \gset
:family
-- family: with aggregates
SELECT $$SELECT DISTINCT count(*) FROM orders GROUP BY customer_id ORDER BY 1$$ AS q \gset
:family
-- family: DISTINCT ON the key
SELECT $$SELECT DISTINCT ON (customer_id) customer_id, id FROM orders WHERE customer_id < 4 ORDER BY customer_id, id DESC$$ AS q \gset
:family
-- family: DISTINCT ON another column
SELECT $$SELECT DISTINCT ON (status) status, id FROM orders ORDER BY status, id DESC$$ AS q \gset
:family

-- === windows ===
-- family: PARTITION BY the key
SELECT $$SELECT customer_id, id, row_number() OVER (PARTITION BY customer_id ORDER BY id), sum(total) OVER (PARTITION BY customer_id) FROM orders
    WHERE customer_id < 3 AND id < 40 ORDER BY 1, 2$$ AS q \gset
:family
-- family: PARTITION BY the key and more, frames
SELECT $$SELECT id, sum(id) OVER (PARTITION BY customer_id, status ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), first_value(id) OVER w, lag(id) OVER w
    FROM orders WHERE customer_id = 7 OR customer_id = 8 WINDOW w AS (PARTITION BY customer_id ORDER BY id) ORDER BY id$$ AS q \gset
:family
-- family: the best of each key
SELECT $$SELECT customer_id, id FROM (SELECT customer_id, id, rank() OVER (PARTITION BY customer_id ORDER BY total DESC NULLS LAST) AS r FROM orders) o
    WHERE r = 1 AND customer_id < 4 ORDER BY 1$$ AS q \gset
:family
-- family: of one shard
SELECT $$SELECT id, rank() OVER (ORDER BY total DESC NULLS LAST) FROM orders WHERE customer_id = 7 ORDER BY 1$$ AS q \gset
:family
-- family: PARTITION BY another column
SELECT $$SELECT id, dense_rank() OVER (PARTITION BY status ORDER BY total) FROM orders WHERE id < 7 ORDER BY 1$$ AS q \gset
:family
-- family: over all rows
SELECT $$SELECT id, sum(total) OVER (ORDER BY id), ntile(2) OVER (ORDER BY id), lead(id, 2, 0) OVER (ORDER BY id) FROM orders WHERE id < 5 ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT id, count(*) OVER () FROM orders WHERE total > 84 ORDER BY 1$$ AS q \gset
:family
-- family: frames: RANGE, GROUPS, EXCLUDE, FILTER
SELECT $$SELECT id, sum(id) OVER (ORDER BY placed RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING EXCLUDE CURRENT ROW), sum(id) OVER g,
    count(*) FILTER (WHERE total > 3) OVER g FROM orders WHERE id < 6 WINDOW g AS (ORDER BY status GROUPS 1 PRECEDING) ORDER BY 1$$ AS q \gset
:family
-- family: several windows, one with the key, one without
SELECT $$SELECT id, rank() OVER (PARTITION BY customer_id ORDER BY id), rank() OVER (PARTITION BY status ORDER BY id) FROM orders
    WHERE id < 5 ORDER BY 1$$ AS q \gset
:family
-- family: over groups
SELECT $$SELECT status, sum(total), round(100 * sum(total) / sum(sum(total)) OVER (), 1) AS percent FROM orders GROUP BY status ORDER BY 1$$ AS q \gset
:family
SELECT $$SELECT customer_id, sum(total), rank() OVER (ORDER BY sum(total) DESC) FROM orders GROUP BY customer_id ORDER BY 3 LIMIT 2$$ AS q \gset
:family
-- family: with LIMIT
SELECT $$SELECT id, row_number() OVER (ORDER BY total DESC NULLS LAST) FROM orders ORDER BY 2 LIMIT 2$$ AS q \gset
:family

SET client_min_messages = warning;
DROP SCHEMA families CASCADE;
