-- Refund rate by rating of the supplier; those without a rating are a class of their own.
SELECT CASE WHEN u.supplier_id IS NULL THEN 'no supplier' WHEN u.rating IS NULL THEN 'not rated'
            WHEN u.rating < 2 THEN 'poor' WHEN u.rating < 4 THEN 'fair' ELSE 'good' END AS class,
       count(*) AS lines, count(f.refund_id) AS refunds, round(count(f.refund_id)::numeric / count(*), 5) AS rate
FROM sale s
JOIN product p ON p.product_id = s.product_id
LEFT JOIN supplier u ON u.supplier_id = p.supplier_id
LEFT JOIN refund f ON f.customer_id = s.customer_id AND f.refund_id = s.order_id * 8 + s.line_no
GROUP BY 1
ORDER BY 1;
