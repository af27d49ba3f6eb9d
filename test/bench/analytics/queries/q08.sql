-- Orders by payment that hold a product of the three brands whose products come back most often.
SELECT coalesce(o.payment, '(none)') AS payment, count(*) AS orders, min(o.ordered_at) AS first_at
FROM orders o
WHERE o.order_id IN (SELECT s.order_id FROM sale s JOIN product p USING (product_id)
                      WHERE p.brand IN (SELECT q.brand
                                          FROM refund f
                                          JOIN sale t ON t.customer_id = f.customer_id AND t.order_id = f.order_id AND t.line_no = f.line_no
                                          JOIN product q ON q.product_id = t.product_id
                                         GROUP BY q.brand
                                         ORDER BY count(*) DESC, q.brand
                                         LIMIT 3))
GROUP BY coalesce(o.payment, '(none)')
ORDER BY payment;
