-- Eight tables with a filter on nearly each: who bought premium kitchen things of well-rated suppliers in big shops?
SELECT c.segment, h.kind, count(*) AS lines, sum(s.quantity) AS pieces
FROM sale s
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
JOIN customer c ON c.customer_id = o.customer_id
JOIN product p ON p.product_id = s.product_id
JOIN supplier u ON u.supplier_id = p.supplier_id
JOIN category l ON l.category_id = p.category_id
JOIN category g ON g.category_id = l.parent_id
JOIN shop h ON h.shop_id = o.shop_id
WHERE g.parent_id IN (2, 3) AND l.name LIKE 'basic%' AND u.rating >= 2.5 AND h.area > 1000
  AND c.born < date '1980-01-01' AND o.payment = 'card'
GROUP BY c.segment, h.kind
ORDER BY c.segment, h.kind;
