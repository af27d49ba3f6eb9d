-- Which club customers got money back for a broken thing and ordered again within 30 days of it?
SELECT c.customer_id, c.name
FROM customer c
WHERE c.segment = 'club'
  AND EXISTS (SELECT FROM refund f
               WHERE f.customer_id = c.customer_id AND f.reason = 'broken'
                 AND EXISTS (SELECT FROM orders o
                              WHERE o.customer_id = f.customer_id
                                AND o.ordered_on > f.refunded_on AND o.ordered_on <= f.refunded_on + 30))
ORDER BY c.customer_id;
