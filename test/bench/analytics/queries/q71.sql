-- Sales, visits and stock beside one another per product of one brand. (aggregates of three facts joined off their keys)
SELECT p.product_id, p.name, s.pieces, v.visits, v.mean_score, k.quantity
FROM product p
JOIN (SELECT product_id, sum(quantity) AS pieces FROM sale GROUP BY product_id) s ON s.product_id = p.product_id
JOIN (SELECT product_id, count(*) AS visits, avg(score) AS mean_score FROM visit GROUP BY product_id) v ON v.product_id = p.product_id
LEFT JOIN (SELECT product_id, sum(quantity) AS quantity FROM stock WHERE day = date '2023-11-30' GROUP BY product_id) k ON k.product_id = p.product_id
WHERE p.brand = 'brand 07'
ORDER BY s.pieces DESC, p.product_id;
