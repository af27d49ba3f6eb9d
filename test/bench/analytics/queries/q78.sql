-- Hours of the day at which orders come in, as a little bar chart for each channel but the shop. (date and string functions)
SELECT o.channel, extract(hour FROM o.ordered_at)::int AS hour, count(*) AS orders,
       rpad('', (20 * count(*) / max(count(*)) OVER (PARTITION BY o.channel))::int, '#') AS bar
FROM orders o
WHERE o.channel IN ('web', 'phone', 'pickup')
GROUP BY o.channel, extract(hour FROM o.ordered_at)
ORDER BY o.channel, hour;
