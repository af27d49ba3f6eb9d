-- How deep do recommendations go? Customers by distance from one who came unasked, and their orders.
WITH RECURSIVE chain AS (
    SELECT customer_id, 0 AS steps FROM customer WHERE referrer_id IS NULL
    UNION ALL
    SELECT c.customer_id, h.steps + 1 FROM chain h JOIN customer c ON c.referrer_id = h.customer_id
)
SELECT h.steps, count(DISTINCT h.customer_id) AS customers, count(o.order_id) AS orders
FROM chain h LEFT JOIN orders o ON o.customer_id = h.customer_id AND o.channel = 'web'
GROUP BY h.steps
ORDER BY h.steps;
