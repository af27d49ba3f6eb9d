-- Orders whose parcels all arrived, and those of which one is missing, by the carrier of the first parcel.
SELECT k.name, count(*) AS orders, count(*) FILTER (WHERE x.complete) AS complete, round(avg(x.parcels), 4) AS parcels
FROM (SELECT h.order_id, min(h.shipment_id) AS first_shipment, bool_and(h.delivered_on IS NOT NULL) AS complete, count(*) AS parcels
        FROM shipment h GROUP BY h.order_id) x
JOIN shipment y ON y.shipment_id = x.first_shipment
JOIN carrier k ON k.carrier_id = y.carrier_id
GROUP BY k.name
ORDER BY k.name;
