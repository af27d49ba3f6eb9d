-- What did each channel take per season of 2022? Cancelled orders do not count.
SELECT c.season, o.channel, count(*) AS lines, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net
FROM sale s
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
JOIN calendar c ON c.day = o.ordered_on
WHERE c.year = 2022 AND o.status <> 'cancelled'
GROUP BY c.season, o.channel
ORDER BY c.season, o.channel;
