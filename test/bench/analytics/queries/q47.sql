-- The brands that a shop kind sold on the midsummer days, as a list. (string_agg in order)
SELECT h.kind, count(DISTINCT p.brand) AS brands, string_agg(DISTINCT p.brand, ', ' ORDER BY p.brand) AS list
FROM orders o
JOIN calendar c ON c.day = o.ordered_on
JOIN shop h ON h.shop_id = o.shop_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN product p ON p.product_id = s.product_id
WHERE c.holiday = 'midsummer'
GROUP BY h.kind
ORDER BY h.kind;
