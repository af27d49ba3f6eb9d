-- Discount given on lines for which the order's promotion was meant, or not meant (other department, or other days).
SELECT m.kind,
       CASE WHEN o.ordered_on NOT BETWEEN m.starts AND m.ends THEN 'wrong days'
            WHEN m.category_id IS NULL OR m.category_id = g.parent_id THEN 'meant' ELSE 'wrong department' END AS what,
       count(*) AS lines, sum(s.quantity * s.unit_price * s.discount) AS given
FROM orders o
JOIN promotion m ON m.promotion_id = o.promotion_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN product p ON p.product_id = s.product_id
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
WHERE s.discount > 0
GROUP BY 1, 2
ORDER BY 1, 2;
