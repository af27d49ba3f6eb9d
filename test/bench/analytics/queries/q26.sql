-- Which pairs of products are bought together most often? (self-join of a fact)
SELECT a.product_id AS one, b.product_id AS other, count(*) AS times
FROM sale a
JOIN sale b ON b.customer_id = a.customer_id AND b.order_id = a.order_id AND b.product_id > a.product_id
WHERE a.product_id <= 400
GROUP BY a.product_id, b.product_id
ORDER BY times DESC, one, other
LIMIT 20;
