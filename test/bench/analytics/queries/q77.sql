-- Which supplier is behind most late parcels of a shop? A chain from the supplier to the parcel with a window on top.
SELECT shop, supplier, late
FROM (SELECT h.name AS shop, u.name AS supplier, count(DISTINCT b.shipment_id) AS late,
             row_number() OVER (PARTITION BY h.name ORDER BY count(DISTINCT b.shipment_id) DESC, u.name) AS n
        FROM supplier u
        JOIN product p ON p.supplier_id = u.supplier_id
        JOIN sale s ON s.product_id = p.product_id
        JOIN shipment b ON b.customer_id = s.customer_id AND b.order_id = s.order_id
        JOIN shop h ON h.shop_id = b.shop_id
       WHERE b.delivered_on - b.shipped_on > 10 AND h.kind IN ('store', 'warehouse')
       GROUP BY h.name, u.name) x
WHERE n = 1
ORDER BY shop;
