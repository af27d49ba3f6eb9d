-- Products as dear as any of the same category and dearer than all of another one. (ANY, ALL)
SELECT p.product_id, p.name, p.price
FROM product p
WHERE p.price >= ALL (SELECT q.price FROM product q WHERE q.category_id = p.category_id)
  AND p.price > ALL (SELECT q.price FROM product q WHERE q.category_id = 136)
  AND p.product_id = ANY (SELECT s.product_id FROM sale s WHERE s.quantity >= 5)
ORDER BY p.price DESC, p.product_id;
