-- Orders by year, by channel and year, by status, and all of them. (GROUPING SETS)
SELECT c.year, o.channel, o.status, grouping(c.year, o.channel, o.status) AS level,
       count(*) AS orders, count(DISTINCT o.customer_id) AS customers
FROM orders o JOIN calendar c ON c.day = o.ordered_on
GROUP BY GROUPING SETS ((c.year), (c.year, o.channel), (o.status), ())
ORDER BY level, c.year NULLS LAST, o.channel NULLS LAST, o.status NULLS LAST;
