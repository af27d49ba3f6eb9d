-- Everything about one customer. (one key, six tables)
SELECT c.name, r.name AS district, o.order_id, o.ordered_on, s.line_no, p.name AS product, h.shipped_on, f.amount AS refunded
FROM customer c
JOIN region r ON r.region_id = c.region_id
JOIN orders o ON o.customer_id = c.customer_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN product p ON p.product_id = s.product_id
LEFT JOIN shipment h ON h.customer_id = o.customer_id AND h.order_id = o.order_id
LEFT JOIN refund f ON f.customer_id = s.customer_id AND f.order_id = s.order_id AND f.line_no = s.line_no
WHERE c.customer_id = 42
ORDER BY o.order_id, s.line_no, h.shipment_id;
