-- The order numbers of the customers 1 to 15 in 2023 as arrays, taken apart again with their place.
SELECT x.customer_id, u.place, u.order_id, array_length(x.ids, 1) AS of
FROM (SELECT customer_id, array_agg(order_id ORDER BY ordered_at, order_id) AS ids
        FROM orders WHERE customer_id <= 15 AND ordered_on >= date '2023-01-01' GROUP BY customer_id) x,
     unnest(x.ids) WITH ORDINALITY AS u (order_id, place)
WHERE u.place <= 3 OR u.place = array_length(x.ids, 1)
ORDER BY x.customer_id, u.place;
