-- Running total of orders per shop over the months of 2023, for the outlets.
SELECT shop, month, orders, sum(orders) OVER (PARTITION BY shop ORDER BY month) AS so_far,
       round(100.0 * orders / sum(orders) OVER (PARTITION BY shop), 2) AS percent
FROM (SELECT h.name AS shop, c.month, count(*) AS orders
        FROM orders o JOIN shop h USING (shop_id) JOIN calendar c ON c.day = o.ordered_on
       WHERE c.year = 2023 AND h.kind = 'outlet'
       GROUP BY h.name, c.month) x
ORDER BY shop, month;
