-- Of those who joined in a quarter, how many ordered in each half year? (cohorts; date functions)
SELECT to_char(date_trunc('quarter', c.joined), 'YYYY"Q"Q') AS cohort,
       extract(year FROM o.ordered_on) || CASE WHEN extract(month FROM o.ordered_on) <= 6 THEN 'a' ELSE 'b' END AS half,
       count(DISTINCT c.customer_id) AS active, count(*) AS orders
FROM customer c JOIN orders o ON o.customer_id = c.customer_id AND o.ordered_on >= c.joined
WHERE c.joined >= date '2021-01-01'
GROUP BY 1, 2
ORDER BY 1, 2;
