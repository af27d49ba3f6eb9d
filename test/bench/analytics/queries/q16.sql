-- Takings by segment, channel and weekend in every combination. (CUBE)
SELECT c.segment, o.channel, d.is_weekend, grouping(c.segment, o.channel, d.is_weekend) AS level,
       count(DISTINCT o.order_id) AS orders, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net
FROM customer c
JOIN orders o ON o.customer_id = c.customer_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN calendar d ON d.day = o.ordered_on
WHERE d.year = 2021 AND d.quarter = 4
GROUP BY CUBE (c.segment, o.channel, d.is_weekend)
ORDER BY level, c.segment, o.channel, d.is_weekend;
