-- The three best shops of each country, by takings of 2022. (rank over an aggregate)
SELECT country, place, shop, net
FROM (SELECT n.name AS country, h.name AS shop, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net,
             rank() OVER (PARTITION BY n.name ORDER BY sum(s.quantity * s.unit_price * (1 - s.discount)) DESC) AS place
        FROM sale s
        JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
        JOIN shop h ON h.shop_id = o.shop_id
        JOIN region r ON r.region_id = h.region_id
        JOIN region n ON n.region_id = r.parent_id
       WHERE o.ordered_on >= date '2022-01-01' AND o.ordered_on < date '2023-01-01'
       GROUP BY n.name, h.name) x
WHERE place <= 3
ORDER BY country, place, shop;
