-- Customers by decade of birth and by how much credit they have, with the unknown ones first. (NULLS FIRST, coalesce, nullif)
SELECT (extract(year FROM c.born)::int / 10) * 10 AS decade, count(*) AS customers, count(c.credit) AS with_credit,
       sum(coalesce(c.credit, 0)) AS credit, count(o.customer_id) AS with_orders,
       round(sum(c.credit) / nullif(count(c.credit), 0), 4) AS mean
FROM customer c
LEFT JOIN (SELECT DISTINCT customer_id FROM orders WHERE payment IS NULL) o ON o.customer_id = c.customer_id
GROUP BY 1
ORDER BY 1 NULLS FIRST;
