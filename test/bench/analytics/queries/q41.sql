-- Months of 2023 in which a department had more in stock than it sold in two months.
SELECT d.name, a.month, a.in_stock, b.sold
FROM (SELECT g.parent_id AS department, c.month, sum(k.quantity) AS in_stock
        FROM stock k JOIN calendar c ON c.day = k.day JOIN product p ON p.product_id = k.product_id
        JOIN category l ON l.category_id = p.category_id JOIN category g ON g.category_id = l.parent_id
       WHERE c.year = 2023 GROUP BY g.parent_id, c.month) a
JOIN (SELECT g.parent_id AS department, c.month, sum(s.quantity) AS sold
        FROM sale s JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
        JOIN calendar c ON c.day = o.ordered_on JOIN product p ON p.product_id = s.product_id
        JOIN category l ON l.category_id = p.category_id JOIN category g ON g.category_id = l.parent_id
       WHERE c.year = 2023 GROUP BY g.parent_id, c.month) b ON b.department = a.department AND b.month = a.month
JOIN category d ON d.category_id = a.department
WHERE a.in_stock > 2 * b.sold
ORDER BY d.name, a.month;
