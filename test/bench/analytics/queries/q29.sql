-- The 101st to 150th latest orders that somebody remarked on, with the customer. (ORDER BY, LIMIT, OFFSET)
SELECT o.ordered_at, o.order_id, c.name, upper(o.remark) AS remark
FROM orders o JOIN customer c ON c.customer_id = o.customer_id
WHERE o.remark IS NOT NULL
ORDER BY o.ordered_at DESC, o.order_id
LIMIT 50 OFFSET 100;
