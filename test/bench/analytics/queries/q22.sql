-- Median and 90th percentile of days on the way and of weight, by carrier.
SELECT k.name, count(*) AS parcels,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY h.delivered_on - h.shipped_on) AS median_days,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY h.delivered_on - h.shipped_on) AS slow_days,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY h.weight) AS median_weight
FROM shipment h JOIN carrier k ON k.carrier_id = h.carrier_id
WHERE h.delivered_on IS NOT NULL
GROUP BY k.name
ORDER BY k.name;
