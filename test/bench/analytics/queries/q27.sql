-- What do referred customers spend, compared with those who referred them? (self-join of a dimension)
WITH spent AS (
    SELECT s.customer_id, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net FROM sale s GROUP BY s.customer_id
)
SELECT r.segment AS referrer, c.segment AS referred, count(*) AS pairs, sum(b.net) AS net_referred,
       count(*) FILTER (WHERE b.net > a.net) AS better
FROM customer c
JOIN customer r ON r.customer_id = c.referrer_id
JOIN spent a ON a.customer_id = r.customer_id
JOIN spent b ON b.customer_id = c.customer_id
GROUP BY r.segment, c.segment
ORDER BY r.segment, c.segment;
