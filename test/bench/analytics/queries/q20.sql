-- The three dearest orders of each of the 25 customers with the most credit. (LATERAL, top n per group)
SELECT c.customer_id, c.credit, x.order_id, x.worth
FROM (SELECT customer_id, credit FROM customer WHERE credit IS NOT NULL ORDER BY credit DESC, customer_id LIMIT 25) c
CROSS JOIN LATERAL (SELECT s.order_id, sum(s.quantity * s.unit_price) AS worth
                      FROM sale s WHERE s.customer_id = c.customer_id
                     GROUP BY s.order_id
                     ORDER BY worth DESC, s.order_id
                     LIMIT 3) x
ORDER BY c.credit DESC, c.customer_id, x.worth DESC, x.order_id;
