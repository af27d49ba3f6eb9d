-- For each shop of two countries: its orders, its busiest day and its latest stock, each by a sub-query in the select list.
SELECT h.shop_id, h.name,
       (SELECT count(*) FROM orders o WHERE o.shop_id = h.shop_id) AS orders,
       (SELECT o.ordered_on FROM orders o WHERE o.shop_id = h.shop_id GROUP BY o.ordered_on
         ORDER BY count(*) DESC, o.ordered_on LIMIT 1) AS busiest,
       (SELECT sum(k.quantity) FROM stock k WHERE k.shop_id = h.shop_id AND k.day = date '2023-12-31') AS pieces
FROM shop h JOIN region r ON r.region_id = h.region_id
WHERE r.parent_id IN (6, 7, 8, 9, 10)
ORDER BY h.shop_id;
