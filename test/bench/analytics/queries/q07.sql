-- How many customers of each segment joined before 2022 and ordered nothing on the web in 2022?
SELECT c.segment, count(*) AS customers, count(c.email) AS with_email, min(c.joined) AS first_joined
FROM customer c
WHERE c.joined < date '2022-01-01'
  AND NOT EXISTS (SELECT FROM orders o
                   WHERE o.customer_id = c.customer_id AND o.channel = 'web'
                     AND o.ordered_on BETWEEN date '2022-01-01' AND date '2022-12-31')
GROUP BY c.segment
ORDER BY c.segment;
