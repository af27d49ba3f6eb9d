-- How many parcels of each mode of transport took more than a week, by month of 2023?
SELECT k.mode, d.month, count(*) AS parcels,
       count(*) FILTER (WHERE h.delivered_on - h.shipped_on > 7) AS late,
       count(*) FILTER (WHERE h.delivered_on IS NULL) AS missing
FROM shipment h JOIN carrier k USING (carrier_id) JOIN calendar d ON d.day = h.shipped_on
WHERE d.year = 2023
GROUP BY k.mode, d.month
ORDER BY k.mode, d.month;
