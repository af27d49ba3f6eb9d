-- Takings of everything below the department "toys", by depth of the tree. (recursive CTE joined with facts)
WITH RECURSIVE tree AS (
    SELECT category_id, name, 1 AS depth, name::text AS path FROM category WHERE name = 'toys'
    UNION ALL
    SELECT c.category_id, c.name, t.depth + 1, t.path || ' > ' || c.name FROM tree t JOIN category c ON c.parent_id = t.category_id
)
SELECT t.depth, t.path, count(s.order_id) AS lines, coalesce(sum(s.quantity * s.unit_price), 0) AS gross
FROM tree t
LEFT JOIN product p ON p.category_id = t.category_id
LEFT JOIN sale s ON s.product_id = p.product_id
GROUP BY t.depth, t.path
ORDER BY t.depth, t.path;
