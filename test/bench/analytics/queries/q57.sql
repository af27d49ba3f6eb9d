-- Order lines by price band, the bands given as a list of values.
SELECT b.name, count(*) AS lines, sum(s.quantity) AS pieces, min(s.unit_price) AS lowest, max(s.unit_price) AS highest
FROM (VALUES ('1 cheap', 0.00, 5.00), ('2 middle', 5.00, 50.00), ('3 dear', 50.00, 200.00), ('4 very dear', 200.00, 1000.00)) AS b (name, low, high)
JOIN sale s ON s.unit_price >= b.low AND s.unit_price < b.high
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
WHERE o.payment = 'voucher'
GROUP BY b.name
ORDER BY b.name;
