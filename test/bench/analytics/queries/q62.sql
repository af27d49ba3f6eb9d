-- The longest streaks of months in which a customer ordered in each. (islands)
SELECT customer_id, count(*) AS months, min(month) AS first_month
FROM (SELECT customer_id, month, month - row_number() OVER (PARTITION BY customer_id ORDER BY month) AS island
        FROM (SELECT DISTINCT customer_id, (extract(year FROM ordered_on) * 12 + extract(month FROM ordered_on))::int AS month
                FROM orders) m) i
GROUP BY customer_id, island
HAVING count(*) >= 3
ORDER BY months DESC, customer_id, first_month
LIMIT 50;
