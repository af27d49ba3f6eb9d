-- Which leaves of the category tree have the highest share of refunded pieces?
SELECT l.category_id, l.name, sum(s.quantity) AS sold, coalesce(sum(f.quantity), 0) AS refunded,
       round(coalesce(sum(f.quantity), 0)::numeric / sum(s.quantity), 4) AS share
FROM sale s
JOIN product p ON p.product_id = s.product_id
JOIN category l ON l.category_id = p.category_id
LEFT JOIN refund f ON f.customer_id = s.customer_id AND f.order_id = s.order_id AND f.line_no = s.line_no
GROUP BY l.category_id, l.name
HAVING sum(s.quantity) > 100
ORDER BY share DESC, l.category_id
LIMIT 25;
