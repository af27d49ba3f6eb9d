-- Orders by phone per day of spring 2022 with days of none, and the average of the last seven days. (frames)
SELECT d.day::date AS day, coalesce(x.orders, 0) AS orders,
       round(avg(coalesce(x.orders, 0)) OVER (ORDER BY d.day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), 4) AS week_mean,
       sum(coalesce(x.orders, 0)) OVER (ORDER BY d.day RANGE BETWEEN interval '30 days' PRECEDING AND CURRENT ROW) AS month_sum
FROM generate_series(timestamp '2022-03-01', timestamp '2022-05-31', interval '1 day') AS d (day)
LEFT JOIN (SELECT ordered_on, count(*) AS orders FROM orders WHERE channel = 'phone' GROUP BY ordered_on) x
  ON x.ordered_on = d.day::date
ORDER BY d.day;
