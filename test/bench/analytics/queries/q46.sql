-- From which channel to which did customers go, from their first to their latest order? (first_value, last_value)
SELECT first_channel, last_channel, count(*) AS customers
FROM (SELECT DISTINCT customer_id,
             first_value(channel) OVER w AS first_channel, last_value(channel) OVER w AS last_channel
        FROM orders
      WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at, order_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x
GROUP BY first_channel, last_channel
ORDER BY first_channel, last_channel;
