-- Orders per day while a promotion runs and in the same number of days before. (join on ranges)
SELECT m.promotion_id, m.name, m.ends - m.starts AS days,
       count(*) FILTER (WHERE o.ordered_on BETWEEN m.starts AND m.ends) AS during,
       count(*) FILTER (WHERE o.ordered_on < m.starts) AS before
FROM promotion m
JOIN orders o ON o.ordered_on > m.starts - (m.ends - m.starts) - 2 AND o.ordered_on <= m.ends
WHERE m.kind = 'coupon' AND o.status = 'done'
GROUP BY m.promotion_id, m.name, m.ends, m.starts
ORDER BY m.promotion_id;
