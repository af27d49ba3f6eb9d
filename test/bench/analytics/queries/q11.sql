-- Big lines of the end of 2023 that are worth more than 3 times the average line of the same product (a correlated sub-query).
SELECT s.order_id, s.line_no, s.product_id, s.quantity * s.unit_price AS worth
FROM sale s JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
WHERE o.ordered_on >= date '2023-10-01' AND s.quantity >= 7
  AND s.quantity * s.unit_price > 3 * (SELECT avg(t.quantity * t.unit_price) FROM sale t WHERE t.product_id = s.product_id)
ORDER BY worth DESC, s.order_id, s.line_no
LIMIT 100;
