-- Twelve tables: refunds whose supplier, shop and customer are all in the same part of the world.
SELECT ws.name AS world, f.reason, count(*) AS refunds, sum(f.amount) AS amount
FROM refund f
JOIN sale s ON s.customer_id = f.customer_id AND s.order_id = f.order_id AND s.line_no = f.line_no
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
JOIN customer c ON c.customer_id = o.customer_id
JOIN shop h ON h.shop_id = o.shop_id
JOIN product p ON p.product_id = s.product_id
JOIN supplier u ON u.supplier_id = p.supplier_id
JOIN region rc ON rc.region_id = c.region_id
JOIN region nc ON nc.region_id = rc.parent_id
JOIN region rh ON rh.region_id = h.region_id
JOIN region nh ON nh.region_id = rh.parent_id AND nh.parent_id = nc.parent_id
JOIN region ru ON ru.region_id = u.region_id
JOIN region nu ON nu.region_id = ru.parent_id AND nu.parent_id = nc.parent_id
JOIN region ws ON ws.region_id = nc.parent_id
GROUP BY ws.name, f.reason
ORDER BY ws.name, f.reason NULLS FIRST;
