-- Suppliers with the product of theirs that sells best, and how much of their sales it makes. (LATERAL over an aggregate)
SELECT u.supplier_id, u.name, x.product_id, x.pieces, round(x.pieces / x.total, 4) AS share
FROM supplier u
CROSS JOIN LATERAL (SELECT s.product_id, sum(s.quantity) AS pieces, sum(sum(s.quantity)) OVER () AS total
                      FROM product p JOIN sale s ON s.product_id = p.product_id
                     WHERE p.supplier_id = u.supplier_id
                     GROUP BY s.product_id
                     ORDER BY pieces DESC, s.product_id
                     LIMIT 1) x
WHERE u.rating > 4
ORDER BY u.supplier_id;
