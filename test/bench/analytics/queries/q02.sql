-- What did each department and group sell per quarter of 2023? (a snowflake: leaf, group, department)
SELECT d.name AS department, g.name AS grp, c.quarter, sum(s.quantity) AS pieces,
       round(sum(s.quantity * (s.unit_price - p.cost)), 2) AS profit
FROM sale s
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
JOIN calendar c ON c.day = o.ordered_on
JOIN product p ON p.product_id = s.product_id
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
JOIN category d ON d.category_id = g.parent_id
WHERE c.year = 2023 AND o.status = 'done'
GROUP BY d.name, g.name, c.quarter
ORDER BY department, grp, c.quarter;
