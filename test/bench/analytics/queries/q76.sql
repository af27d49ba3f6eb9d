-- Five selective joins in a chain: refunds of red things of one brand, bought on holidays by school customers.
SELECT f.refund_id, c.customer_id, d.holiday, p.name, f.amount
FROM refund f
JOIN sale s ON s.order_id = f.order_id AND s.line_no = f.line_no
JOIN product p ON p.product_id = s.product_id
JOIN orders o ON o.order_id = s.order_id
JOIN calendar d ON d.day = o.ordered_on
JOIN customer c ON c.customer_id = o.customer_id
WHERE p.brand IN ('brand 00', 'brand 01', 'brand 02') AND p.colour IN ('red', 'blue') AND d.holiday IS NOT NULL
  AND c.segment IN ('school', 'business', 'club')
ORDER BY f.refund_id;
