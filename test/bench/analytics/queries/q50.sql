-- The most frequent payment of each segment, and whether all or any of its orders had a remark or came from a shop.
SELECT c.segment, mode() WITHIN GROUP (ORDER BY o.payment) AS usual, bool_or(o.remark IS NOT NULL) AS any_remark,
       bool_and(o.ordered_on >= c.joined) AS all_after, every(o.status IS NOT NULL) AS all_have_status, max(o.remark) AS last_remark
FROM customer c JOIN orders o ON o.customer_id = c.customer_id
GROUP BY c.segment
ORDER BY c.segment;
