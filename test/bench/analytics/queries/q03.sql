-- Which 20 customers of two countries spent most on the web?
SELECT c.customer_id, c.name, r.name AS district, sum(s.quantity * s.unit_price * (1 - s.discount)) AS spent
FROM customer c
JOIN region r ON r.region_id = c.region_id
JOIN region n ON n.region_id = r.parent_id
JOIN orders o ON o.customer_id = c.customer_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
WHERE n.name IN ('Arden', 'Gallia') AND o.channel = 'web'
GROUP BY c.customer_id, c.name, r.name
ORDER BY spent DESC, c.customer_id
LIMIT 20;
