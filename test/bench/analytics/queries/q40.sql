-- Products below their reorder level at the end of 2023 that sold well in the last quarter, with the supplier.
SELECT p.product_id, p.name, u.name AS supplier, x.lacking, y.sold
FROM (SELECT product_id, sum(reorder_level - quantity) AS lacking FROM stock
       WHERE day >= date '2023-10-31' AND quantity - reserved < reorder_level GROUP BY product_id) x
JOIN (SELECT s.product_id, sum(s.quantity) AS sold
        FROM sale s JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
       WHERE o.ordered_on >= date '2023-10-01' GROUP BY s.product_id) y ON y.product_id = x.product_id
JOIN product p ON p.product_id = x.product_id
LEFT JOIN supplier u ON u.supplier_id = p.supplier_id
WHERE p.retired IS NULL
ORDER BY y.sold DESC, p.product_id
LIMIT 40;
