-- The latest order of each business customer with credit, with its number of lines. (DISTINCT ON)
SELECT DISTINCT ON (c.customer_id) c.customer_id, c.name, o.order_id, o.ordered_at, o.status,
       (SELECT count(*) FROM sale s WHERE s.customer_id = o.customer_id AND s.order_id = o.order_id) AS lines
FROM customer c JOIN orders o ON o.customer_id = c.customer_id
WHERE c.segment = 'business' AND c.credit > 1000
ORDER BY c.customer_id, o.ordered_at DESC, o.order_id;
