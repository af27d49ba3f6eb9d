-- Worth of a few orders, given by their numbers. (a list of keys that is not the key of the layout by customer)
SELECT o.order_id, o.ordered_on, c.segment, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net
FROM orders o
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN customer c ON c.customer_id = o.customer_id
WHERE o.order_id IN (17, 170, 1700, 555, 1234, 1999)
GROUP BY o.order_id, o.ordered_on, c.segment
ORDER BY o.order_id;
