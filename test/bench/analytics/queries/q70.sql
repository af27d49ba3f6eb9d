-- Visits on products after they were retired, by brand.
SELECT p.brand, count(*) AS visits
FROM visit v JOIN product p ON p.product_id = v.product_id
WHERE p.retired < v.started::date
GROUP BY p.brand
ORDER BY visits DESC, p.brand
LIMIT 10;
