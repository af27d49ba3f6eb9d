-- Suppliers whose products take more than 1.5 times what an average supplier takes. (HAVING with a scalar sub-query)
SELECT u.supplier_id, u.name, sum(s.quantity * s.unit_price) AS gross
FROM supplier u JOIN product p USING (supplier_id) JOIN sale s USING (product_id)
GROUP BY u.supplier_id, u.name
HAVING sum(s.quantity * s.unit_price) > 1.5 * (SELECT sum(t.quantity * t.unit_price) / count(DISTINCT q.supplier_id)
                                                FROM sale t JOIN product q USING (product_id)
                                               WHERE q.supplier_id IS NOT NULL)
ORDER BY gross DESC, u.supplier_id;
