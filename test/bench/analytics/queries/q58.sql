-- What happened to the customers 100 to 110, in order: visits, orders, parcels, refunds. (UNION ALL of facts)
SELECT customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY day, kind, id) AS n, day, kind, id
FROM (SELECT customer_id, started::date AS day, 'visit' AS kind, visit_id AS id FROM visit
      UNION ALL SELECT customer_id, ordered_on, 'order', order_id FROM orders
      UNION ALL SELECT customer_id, shipped_on, 'parcel', shipment_id FROM shipment
      UNION ALL SELECT customer_id, refunded_on, 'refund', refund_id FROM refund) e
WHERE customer_id BETWEEN 100 AND 110 AND day >= date '2023-01-01'
ORDER BY customer_id, n;
