-- Products launched in 2021 of which nothing was sold in the summer of 2023. (anti-join written as LEFT JOIN … IS NULL)
SELECT p.product_id, p.name, p.brand
FROM product p
LEFT JOIN (sale s JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
                               AND o.ordered_on BETWEEN date '2023-06-01' AND date '2023-08-31')
  ON s.product_id = p.product_id
WHERE p.launched >= date '2021-01-01' AND s.order_id IS NULL
ORDER BY p.product_id
LIMIT 200;
