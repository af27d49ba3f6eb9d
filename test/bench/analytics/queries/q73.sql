-- Takings per square metre in 2022 of shops that were open all the year.
SELECT h.shop_id, h.name, h.area, sum(s.quantity * s.unit_price) AS gross, round(sum(s.quantity * s.unit_price) / h.area, 4) AS per_metre,
       dense_rank() OVER (ORDER BY round(sum(s.quantity * s.unit_price) / h.area, 4) DESC) AS place
FROM shop h
JOIN orders o ON o.shop_id = h.shop_id
JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
WHERE h.opened < date '2022-01-01' AND (h.closed IS NULL OR h.closed > date '2022-12-31') AND h.area IS NOT NULL
  AND extract(year FROM o.ordered_on) = 2022
GROUP BY h.shop_id, h.name, h.area
ORDER BY place, h.shop_id;
