-- The median worth of an order per channel, by counting rows.
SELECT channel, round(avg(worth), 4) AS median, max(n) AS orders
FROM (SELECT o.channel, x.worth, row_number() OVER (PARTITION BY o.channel ORDER BY x.worth, o.order_id) AS place,
             count(*) OVER (PARTITION BY o.channel) AS n
        FROM orders o
        JOIN (SELECT customer_id, order_id, sum(quantity * unit_price) AS worth FROM sale GROUP BY customer_id, order_id) x
          ON x.customer_id = o.customer_id AND x.order_id = o.order_id) y
WHERE place IN ((n + 1) / 2, (n + 2) / 2)
GROUP BY channel
ORDER BY channel;
