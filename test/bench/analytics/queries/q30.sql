-- Orders by channel over the days of the week. (CASE pivot over a star)
SELECT o.channel, count(CASE c.weekday WHEN 1 THEN 1 END) AS mon, count(CASE c.weekday WHEN 2 THEN 1 END) AS tue,
       count(CASE c.weekday WHEN 3 THEN 1 END) AS wed, count(CASE c.weekday WHEN 4 THEN 1 END) AS thu,
       count(CASE c.weekday WHEN 5 THEN 1 END) AS fri, count(CASE WHEN c.is_weekend THEN 1 END) AS weekend,
       count(c.holiday) AS holidays
FROM orders o JOIN calendar c ON c.day = o.ordered_on
GROUP BY o.channel
ORDER BY o.channel;
