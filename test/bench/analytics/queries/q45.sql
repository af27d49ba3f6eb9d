-- Customers in quintiles by recency, number and worth of their orders; how many are in the best of all three?
WITH score AS (
    SELECT o.customer_id, ntile(5) OVER (ORDER BY max(o.ordered_on) DESC, o.customer_id) AS recent,
           ntile(5) OVER (ORDER BY count(DISTINCT o.order_id) DESC, o.customer_id) AS often,
           ntile(5) OVER (ORDER BY sum(s.quantity * s.unit_price) DESC, o.customer_id) AS worth
    FROM orders o JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
    GROUP BY o.customer_id
)
SELECT recent, often, count(*) AS customers, count(*) FILTER (WHERE worth = 1) AS worthy, round(avg(worth), 4) AS mean_worth
FROM score
GROUP BY recent, often
ORDER BY recent, often;
