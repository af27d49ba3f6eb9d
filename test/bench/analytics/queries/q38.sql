-- Long visits of customers that no order of the same customer followed within two days, by source and device.
SELECT coalesce(v.source, '(unknown)') AS source, v.device, count(*) AS visits, sum(v.seconds) AS seconds
FROM visit v
WHERE v.customer_id IS NOT NULL AND v.seconds > 900
  AND NOT EXISTS (SELECT FROM orders o
                   WHERE o.customer_id = v.customer_id
                     AND o.ordered_at >= v.started AND o.ordered_at < v.started + interval '2 days')
GROUP BY coalesce(v.source, '(unknown)'), v.device
ORDER BY source, v.device;
