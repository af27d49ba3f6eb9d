-- Takings of each department, year over year. (CASE pivot)
SELECT d.name,
       sum(CASE WHEN c.year = 2021 THEN s.quantity * s.unit_price ELSE 0 END) AS y2021,
       sum(CASE WHEN c.year = 2022 THEN s.quantity * s.unit_price ELSE 0 END) AS y2022,
       sum(CASE WHEN c.year = 2023 THEN s.quantity * s.unit_price ELSE 0 END) AS y2023,
       round(sum(CASE WHEN c.year = 2023 THEN s.quantity * s.unit_price END) /
             nullif(sum(CASE WHEN c.year = 2022 THEN s.quantity * s.unit_price END), 0), 4) AS growth
FROM sale s
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
JOIN calendar c ON c.day = o.ordered_on
JOIN product p ON p.product_id = s.product_id
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
JOIN category d ON d.category_id = g.parent_id
GROUP BY d.name
ORDER BY d.name;
