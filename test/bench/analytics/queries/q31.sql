-- Mail domains of customers with at least one order, with the longest address. (string functions)
SELECT lower(split_part(c.email, '@', 2)) AS domain, count(*) AS customers,
       count(DISTINCT left(c.name, 1)) AS initials, max(length(c.email)) AS longest,
       count(*) FILTER (WHERE c.email LIKE '%.berg%') AS bergs
FROM customer c
WHERE c.email IS NOT NULL AND EXISTS (SELECT FROM orders o WHERE o.customer_id = c.customer_id)
GROUP BY lower(split_part(c.email, '@', 2))
ORDER BY domain;
