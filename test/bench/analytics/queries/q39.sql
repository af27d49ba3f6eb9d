-- Share of visits whose product the same customer bought within 60 days, by source.
SELECT v.source, count(*) AS visits, count(*) FILTER (WHERE x.bought) AS bought,
       round(count(*) FILTER (WHERE x.bought)::numeric / count(*), 6) AS rate
FROM visit v
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM orders o JOIN sale s ON s.customer_id = o.customer_id AND s.order_id = o.order_id
                                    WHERE o.customer_id = v.customer_id AND s.product_id = v.product_id
                                      AND o.ordered_on BETWEEN v.started::date AND v.started::date + 60) AS bought) x
WHERE v.pages > 15
GROUP BY v.source
ORDER BY v.source NULLS LAST;
