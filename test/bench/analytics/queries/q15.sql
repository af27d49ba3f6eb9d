-- Pieces sold by department, group and leaf with subtotals. (ROLLUP over a snowflake)
SELECT d.name AS department, g.name AS grp, l.name AS leaf, sum(s.quantity) AS pieces, sum(s.quantity * s.unit_price) AS gross
FROM sale s
JOIN product p ON p.product_id = s.product_id
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
JOIN category d ON d.category_id = g.parent_id
WHERE p.price > 50
GROUP BY ROLLUP (d.name, g.name, l.name)
ORDER BY d.name NULLS LAST, g.name NULLS LAST, l.name NULLS LAST;
