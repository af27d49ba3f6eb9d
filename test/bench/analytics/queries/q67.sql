-- Freight per kilogram from the country of the shop that packed to the country of the customer, where it is dear.
SELECT nf.name AS "from", nt.name AS "to", count(*) AS parcels, sum(h.cost) AS freight, sum(h.weight) AS kilograms
FROM shipment h
JOIN shop p ON p.shop_id = h.shop_id
JOIN region rf ON rf.region_id = p.region_id
JOIN region nf ON nf.region_id = rf.parent_id
JOIN customer c ON c.customer_id = h.customer_id
JOIN region rt ON rt.region_id = c.region_id
JOIN region nt ON nt.region_id = rt.parent_id
JOIN carrier k ON k.carrier_id = h.carrier_id
WHERE nf.region_id <> nt.region_id AND h.cost > 2 * k.per_kg * 1.0 AND h.shipped_on >= date '2023-07-01'
GROUP BY nf.name, nt.name
HAVING count(*) >= 3
ORDER BY parcels DESC, "from", "to"
LIMIT 60;
