-- Business customers whose refunds are above the mean of their district. (a correlated sub-query over a join of aggregates)
WITH back AS (
    SELECT c.region_id, c.customer_id, sum(f.amount) AS amount
    FROM customer c JOIN refund f ON f.customer_id = c.customer_id
    WHERE c.segment = 'business'
    GROUP BY c.region_id, c.customer_id
)
SELECT b.region_id, count(*) AS customers, sum(b.amount) AS amount
FROM back b
WHERE b.amount > 1.2 * (SELECT avg(x.amount) FROM back x WHERE x.region_id = b.region_id)
GROUP BY b.region_id
ORDER BY b.region_id;
