-- Each brand's share of its department's takings, where it is above 6 %. (ratio of an aggregate to a window over it)
SELECT department, brand, gross, share
FROM (SELECT d.name AS department, p.brand, sum(s.quantity * s.unit_price) AS gross,
             round(sum(s.quantity * s.unit_price) / sum(sum(s.quantity * s.unit_price)) OVER (PARTITION BY d.name), 5) AS share
        FROM sale s
        JOIN product p ON p.product_id = s.product_id
        JOIN category l ON l.category_id = p.category_id
        JOIN category g ON g.category_id = l.parent_id
        JOIN category d ON d.category_id = g.parent_id
       GROUP BY d.name, p.brand) x
WHERE share > 0.06
ORDER BY department, share DESC, brand;
