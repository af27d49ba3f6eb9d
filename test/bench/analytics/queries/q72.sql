-- Days of 2023 that took more than the day before and more than 1.5 times the mean of all. (CTEs, one materialized, one not)
WITH daily AS MATERIALIZED (
    SELECT o.ordered_on AS day, sum(s.quantity * s.unit_price) AS gross
    FROM orders o JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
    WHERE o.ordered_on >= date '2023-01-01'
    GROUP BY o.ordered_on
), mean AS NOT MATERIALIZED (
    SELECT avg(gross) AS gross FROM daily
)
SELECT a.day, c.season, c.holiday, a.gross, a.gross - b.gross AS more
FROM daily a
JOIN daily b ON b.day = a.day - 1
JOIN calendar c ON c.day = a.day
WHERE a.gross > b.gross AND a.gross > 1.5 * (SELECT gross FROM mean)
ORDER BY a.gross DESC, a.day
LIMIT 30;
