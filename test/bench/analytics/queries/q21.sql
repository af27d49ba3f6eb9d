-- How many different customers, products and days does each shop kind see? (several count distinct)
SELECT h.kind, count(DISTINCT o.customer_id) AS customers, count(DISTINCT s.product_id) AS products,
       count(DISTINCT o.ordered_on) AS days, count(*) AS lines
FROM orders o
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
JOIN shop h ON h.shop_id = o.shop_id
GROUP BY h.kind
ORDER BY h.kind;
