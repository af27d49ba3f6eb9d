-- Visits that customers have above their orders, and as many as both. (EXCEPT ALL, INTERSECT ALL)
SELECT what, count(*) AS rows, count(DISTINCT customer_id) AS customers
FROM (SELECT 'more visits' AS what, x.* FROM (SELECT customer_id FROM visit WHERE customer_id <= 500 EXCEPT ALL SELECT customer_id FROM orders) x
      UNION ALL
      SELECT 'both', y.* FROM (SELECT customer_id FROM visit WHERE customer_id <= 500 INTERSECT ALL SELECT customer_id FROM orders) y) z
GROUP BY what
ORDER BY what;
