-- Ten tables: parcels by air to customers of the islands, by promotion kind and colour.
SELECT m.kind, p.colour, k.name AS carrier, count(*) AS lines, sum(h.cost) AS freight
FROM shipment h
JOIN carrier k ON k.carrier_id = h.carrier_id
JOIN orders o ON o.customer_id = h.customer_id AND o.order_id = h.order_id
JOIN promotion m ON m.promotion_id = o.promotion_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN product p ON p.product_id = s.product_id
JOIN customer c ON c.customer_id = o.customer_id
JOIN region r ON r.region_id = c.region_id
JOIN region n ON n.region_id = r.parent_id
JOIN region w ON w.region_id = n.parent_id
WHERE k.mode = 'air' AND w.name = 'Islands' AND m.discount >= 0.2 AND p.colour IS NOT NULL
GROUP BY m.kind, p.colour, k.name
ORDER BY m.kind, p.colour, k.name;
