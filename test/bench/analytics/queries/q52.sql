-- Districts with customers who bought from a supplier of the same district. (nested IN and EXISTS, four deep)
SELECT r.region_id, r.name
FROM region r
WHERE r.region_id IN (
    SELECT c.region_id FROM customer c
     WHERE EXISTS (
        SELECT FROM orders o JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
         WHERE o.customer_id = c.customer_id AND o.channel = 'phone'
           AND s.product_id IN (
            SELECT p.product_id FROM product p
             WHERE p.supplier_id IN (SELECT u.supplier_id FROM supplier u WHERE u.region_id = c.region_id))))
ORDER BY r.region_id;
