-- Products that no visit has ended on and that are not retired, by colour. (NOT IN over values without NULL)
SELECT coalesce(p.colour, '-') AS colour, count(*) AS products, sum(p.price) AS worth
FROM product p
WHERE p.retired IS NULL
  AND p.product_id NOT IN (SELECT v.product_id FROM visit v WHERE v.product_id IS NOT NULL AND v.device = 'tablet')
GROUP BY coalesce(p.colour, '-')
ORDER BY colour;
