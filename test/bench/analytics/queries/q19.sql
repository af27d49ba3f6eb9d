-- How many days pass between two orders of a customer, by segment? (lag within customers)
SELECT c.segment, count(*) AS pauses, round(avg(x.days), 4) AS average, max(x.days) AS longest,
       count(*) FILTER (WHERE x.days = 0) AS same_day
FROM customer c
JOIN (SELECT customer_id, ordered_on - lag(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_at, order_id) AS days
        FROM orders WHERE status <> 'failed') x ON x.customer_id = c.customer_id
WHERE x.days IS NOT NULL
GROUP BY c.segment
ORDER BY c.segment;
