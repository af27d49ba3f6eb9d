-- How many customers have how many orders? (an aggregate of an aggregate)
SELECT orders, count(*) AS customers, sum(parcels) AS parcels
FROM (SELECT c.customer_id, count(DISTINCT o.order_id) AS orders, count(h.shipment_id) AS parcels
        FROM customer c
        LEFT JOIN orders o ON o.customer_id = c.customer_id AND o.ordered_on >= date '2023-01-01'
        LEFT JOIN shipment h ON h.customer_id = o.customer_id AND h.order_id = o.order_id
       GROUP BY c.customer_id) x
GROUP BY orders
ORDER BY orders;
