-- Products by whether they were sold, looked at and refunded in 2023. (outer joins of three facts on the product)
SELECT s.product_id IS NOT NULL AS sold, v.product_id IS NOT NULL AS seen, f.product_id IS NOT NULL AS refunded,
       count(*) AS products, sum(p.price) AS worth
FROM product p
LEFT JOIN (SELECT DISTINCT t.product_id FROM sale t JOIN orders o ON o.customer_id = t.customer_id AND o.order_id = t.order_id
            WHERE o.ordered_on >= date '2023-01-01') s ON s.product_id = p.product_id
LEFT JOIN (SELECT DISTINCT product_id FROM visit WHERE started >= timestamp '2023-01-01') v ON v.product_id = p.product_id
LEFT JOIN (SELECT DISTINCT t.product_id FROM refund b JOIN sale t ON t.customer_id = b.customer_id AND t.order_id = b.order_id AND t.line_no = b.line_no
            WHERE b.refunded_on >= date '2023-01-01') f ON f.product_id = p.product_id
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
