-- Takings of each month beside those of the month before (a CTE used twice).
WITH monthly AS (
    SELECT c.year * 12 + c.month AS month_no, c.year, c.month, sum(s.quantity * s.unit_price * (1 - s.discount)) AS net
    FROM sale s
    JOIN orders o ON o.customer_id = s.customer_id AND o.order_id = s.order_id
    JOIN calendar c ON c.day = o.ordered_on
    GROUP BY c.year, c.month
)
SELECT a.year, a.month, a.net, b.net AS before, round(a.net / b.net - 1, 4) AS growth
FROM monthly a LEFT JOIN monthly b ON b.month_no = a.month_no - 1
ORDER BY a.year, a.month;
