-- Customers who ordered by phone or visited by tablet, and did not get any refund, but use the web. (set operations)
SELECT count(*) AS customers, sum(customer_id) AS checksum
FROM (
    ((SELECT customer_id FROM orders WHERE channel = 'phone'
      UNION
      SELECT customer_id FROM visit WHERE device = 'tablet' AND customer_id IS NOT NULL)
     INTERSECT
     SELECT customer_id FROM orders WHERE channel = 'web')
    EXCEPT
    SELECT customer_id FROM refund
) x;
