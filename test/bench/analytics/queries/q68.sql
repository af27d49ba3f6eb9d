-- Lines that the same customer bought again later for less money a piece. (EXISTS with inequalities between facts)
SELECT count(*) AS lines, sum(s.quantity) AS pieces, min(s.order_id) AS first_order
FROM sale s
JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
WHERE EXISTS (SELECT FROM sale t JOIN orders q ON q.customer_id = t.customer_id AND q.order_id = t.order_id
               WHERE t.customer_id = s.customer_id AND t.product_id = s.product_id
                 AND q.ordered_at > o.ordered_at AND t.unit_price < s.unit_price);
