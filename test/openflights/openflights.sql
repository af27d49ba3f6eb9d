-- Questions about the flights of the world, on the OpenFlights data (airports, airlines, routes as published).
-- Airlines and airports are reference tables, routes are spread by airline.
-- @setup
CREATE TABLE airlines (id int PRIMARY KEY, name text NOT NULL, alias text, iata text, icao text, callsign text, country text, active text);
CREATE TABLE airports (id int PRIMARY KEY, name text NOT NULL, city text, country text, iata text, icao text, latitude double precision, longitude double precision,
  altitude int, utc_offset numeric, dst text, tz text, type text, source text);
CREATE TABLE routes (airline text, airline_id int, src text, src_id int, dst text, dst_id int, codeshare text, stops int, equipment text);
CREATE FUNCTION haversine(double precision, double precision, double precision, double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
  'SELECT 12742 * asin(sqrt(sin(radians($3 - $1) / 2) ^ 2 + cos(radians($1)) * cos(radians($3)) * sin(radians($4 - $2) / 2) ^ 2))';
-- @distribute
SELECT create_reference_table('airlines');
SELECT create_reference_table('airports');
SELECT create_distributed_table('routes', 'airline_id');
-- @run
-- @data airlines.dat
COPY airlines FROM STDIN (FORMAT csv, NULL '\N', ESCAPE '\');
-- @data airports.dat
COPY airports FROM STDIN (FORMAT csv, NULL '\N', ESCAPE '\');
-- @data routes.dat
COPY routes FROM STDIN (FORMAT csv, NULL '\N', ESCAPE '\');
ANALYZE;
SELECT (SELECT count(*) FROM airlines) AS airlines, (SELECT count(*) FROM airports) AS airports, (SELECT count(*) FROM routes) AS routes, (SELECT count(*) FROM routes WHERE airline_id IS NULL) AS unknown;
-- How much one airline flies (one shard).
SELECT r.src, r.dst, a.city, b.city FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id WHERE r.airline_id = 4822;
SELECT count(*), count(DISTINCT src), min(dst), max(equipment) FROM routes WHERE airline_id = 3320;
SELECT l.name, count(*), count(DISTINCT r.dst_id) FROM routes r JOIN airlines l ON l.id = r.airline_id WHERE r.airline_id IN (24, 137, 3320, 4547) GROUP BY l.name;
-- The busiest airports.
-- @ordered
SELECT a.iata, a.name, count(*) AS n FROM routes r JOIN airports a ON a.id IN (r.src_id, r.dst_id) GROUP BY a.id ORDER BY n DESC, a.iata LIMIT 15;
-- @ordered
SELECT coalesce(o.id, i.id) AS id, o.n AS departures, i.n AS arrivals FROM (SELECT src_id AS id, count(*) AS n FROM routes GROUP BY 1) o FULL JOIN (SELECT dst_id AS id, count(*) AS n FROM routes GROUP BY 1) i ON i.id = o.id ORDER BY abs(coalesce(o.n, 0) - coalesce(i.n, 0)) DESC, id LIMIT 20;
-- Airlines by country, and by what they fly.
-- @ordered
SELECT l.country, count(DISTINCT l.id) AS airlines, count(*) AS routes FROM routes r JOIN airlines l ON l.id = r.airline_id GROUP BY l.country ORDER BY routes DESC, country LIMIT 20;
SELECT l.country, count(*) FILTER (WHERE l.active = 'Y') AS active, count(*) AS all FROM airlines l GROUP BY l.country HAVING count(*) > 60;
-- @ordered
SELECT l.name, count(*) AS n, round(100.0 * count(*) / (SELECT count(*) FROM routes), 3) AS percent FROM routes r JOIN airlines l ON l.id = r.airline_id GROUP BY l.id ORDER BY n DESC, l.name LIMIT 10;
-- @ordered
SELECT e.plane, count(*) AS n, count(DISTINCT r.airline_id) AS airlines FROM routes r, regexp_split_to_table(r.equipment, ' ') AS e(plane) GROUP BY e.plane ORDER BY n DESC, e.plane LIMIT 20;
-- Which share of its routes does an airline fly under somebody else's number?
SELECT airline_id, count(*), count(*) FILTER (WHERE codeshare = 'Y'), avg((codeshare = 'Y')::int)::numeric(10,8) FROM routes GROUP BY airline_id HAVING count(*) > 300;
-- The longest flights (great circle).
-- @ordered
SELECT l.name, a.iata, b.iata, haversine(a.latitude, a.longitude, b.latitude, b.longitude) AS km FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id JOIN airlines l ON l.id = r.airline_id WHERE r.stops = 0 ORDER BY km DESC, l.name, a.iata, b.iata LIMIT 10;
SELECT r.airline_id, count(*), sum(haversine(a.latitude, a.longitude, b.latitude, b.longitude)) AS km FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id GROUP BY r.airline_id HAVING count(*) > 200;
SELECT a.country, percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY round(haversine(a.latitude, a.longitude, b.latitude, b.longitude)::numeric, 3)) FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id GROUP BY a.country HAVING count(*) > 800;
SELECT width_bucket(haversine(a.latitude, a.longitude, b.latitude, b.longitude), 0, 16000, 16) AS bucket, count(*) FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id GROUP BY 1;
-- Two cities: direct, with one stop, with one airline, with any.
SELECT DISTINCT r.airline_id FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id WHERE a.city = 'Berlin' AND b.city = 'London';
SELECT DISTINCT m.iata FROM routes r1 JOIN routes r2 ON r1.dst_id = r2.src_id JOIN airports a ON a.id = r1.src_id JOIN airports b ON b.id = r2.dst_id JOIN airports m ON m.id = r1.dst_id WHERE a.city = 'Reykjavik' AND b.city = 'Tokyo';
SELECT l.name, m.iata FROM routes r1 JOIN routes r2 ON r1.airline_id = r2.airline_id AND r1.dst_id = r2.src_id JOIN airports a ON a.id = r1.src_id JOIN airports b ON b.id = r2.dst_id JOIN airports m ON m.id = r1.dst_id JOIN airlines l ON l.id = r1.airline_id WHERE a.city = 'Berlin' AND b.city = 'New York';
-- @ordered
SELECT r2.dst, count(DISTINCT r1.dst_id) AS ways FROM routes r1 JOIN routes r2 ON r2.src_id = r1.dst_id WHERE r1.src = 'SVX' AND r2.dst <> 'SVX' AND NOT EXISTS (SELECT FROM routes d WHERE d.src = 'SVX' AND d.dst = r2.dst) GROUP BY r2.dst ORDER BY ways DESC, r2.dst LIMIT 25;
-- How far one gets: airports by the number of flights needed.
WITH RECURSIVE reach(id, flights) AS (SELECT id, 0 FROM airports WHERE iata = 'ULN' UNION SELECT r.dst_id, reach.flights + 1 FROM reach JOIN routes r ON r.src_id = reach.id WHERE reach.flights < 2 AND r.dst_id IS NOT NULL) SELECT flights, count(*) FROM (SELECT id, min(flights) AS flights FROM reach GROUP BY id) s GROUP BY flights;
WITH RECURSIVE reach AS (SELECT dst_id AS id FROM routes WHERE src = 'AKU' UNION SELECT r.dst_id FROM reach JOIN routes r ON r.src_id = reach.id) SELECT count(*) FROM reach;
-- Pairs of German and Greek airports that no airline connects.
SELECT a.iata, b.iata FROM (SELECT DISTINCT a.id, a.iata FROM airports a JOIN routes r ON r.src_id = a.id WHERE a.country = 'Germany') a CROSS JOIN (SELECT DISTINCT a.id, a.iata FROM airports a JOIN routes r ON r.src_id = a.id WHERE a.country = 'Greece') b WHERE NOT EXISTS (SELECT FROM routes r WHERE r.src_id = a.id AND r.dst_id = b.id);
-- Airports without any route, airlines without any, ids in routes that nobody knows.
SELECT country, count(*) FROM airports a WHERE NOT EXISTS (SELECT FROM routes r WHERE r.src_id = a.id OR r.dst_id = a.id) GROUP BY country HAVING count(*) > 40;
SELECT count(*) FROM airlines WHERE active = 'Y' AND id NOT IN (SELECT airline_id FROM routes WHERE airline_id IS NOT NULL);
SELECT count(*) FROM airlines WHERE id NOT IN (SELECT airline_id FROM routes);
SELECT DISTINCT r.dst, r.dst_id FROM routes r LEFT JOIN airports a ON a.id = r.dst_id WHERE a.id IS NULL;
SELECT r.airline, r.airline_id, count(*) FROM routes r LEFT JOIN airlines l ON l.id = r.airline_id WHERE l.id IS NULL GROUP BY 1, 2;
-- Routes that are flown in one direction only; routes with competition.
SELECT r.src, r.dst FROM routes r WHERE r.airline_id = 596 AND NOT EXISTS (SELECT FROM routes b WHERE b.airline_id = r.airline_id AND b.src_id = r.dst_id AND b.dst_id = r.src_id);
SELECT count(*) FROM (SELECT src_id, dst_id FROM routes EXCEPT SELECT dst_id, src_id FROM routes) s;
-- @ordered
SELECT src, dst, count(DISTINCT airline_id) AS airlines FROM routes WHERE codeshare = '' GROUP BY src, dst ORDER BY airlines DESC, src, dst LIMIT 12;
-- Destinations that three airlines share, and those that only one of them has.
SELECT dst FROM routes WHERE airline_id = 3320 INTERSECT SELECT dst FROM routes WHERE airline_id = 137 INTERSECT SELECT dst FROM routes WHERE airline_id = 4089;
SELECT dst FROM routes WHERE airline_id = 1355 EXCEPT SELECT dst FROM routes WHERE airline_id IN (3320, 137);
-- Rankings.
SELECT * FROM (SELECT l.country, l.name, count(*) AS n, rank() OVER (PARTITION BY l.country ORDER BY count(*) DESC) AS place FROM routes r JOIN airlines l ON l.id = r.airline_id GROUP BY l.country, l.name) s WHERE place = 1 AND n > 250;
SELECT airline_id, dst, n FROM (SELECT airline_id, dst, count(*) AS n, row_number() OVER (PARTITION BY airline_id ORDER BY count(*) DESC, dst) AS nr FROM routes GROUP BY airline_id, dst) s WHERE nr <= 2 AND n > 90;
-- @ordered
SELECT src, n, sum(n) OVER (ORDER BY n DESC, src ROWS UNBOUNDED PRECEDING) AS running, ntile(10) OVER (ORDER BY n DESC, src) AS decile FROM (SELECT src, count(*) AS n FROM routes GROUP BY src) s ORDER BY n DESC, src LIMIT 30;
-- Grouping sets: countries and codeshares.
SELECT a.country, r.codeshare, grouping(a.country, r.codeshare) AS g, count(*) FROM routes r JOIN airports a ON a.id = r.src_id WHERE a.country IN ('France', 'Japan', 'Peru') GROUP BY CUBE (a.country, r.codeshare);
SELECT l.country, r.stops, count(*), count(DISTINCT r.src_id) FROM routes r JOIN airlines l ON l.id = r.airline_id GROUP BY GROUPING SETS ((l.country), (r.stops), ()) HAVING count(*) > 1500;
-- What is near: airports within 60 km of each other that share an airline.
SELECT DISTINCT a.iata, b.iata FROM airports a JOIN airports b ON a.id < b.id AND a.country = b.country AND haversine(a.latitude, a.longitude, b.latitude, b.longitude) < 60 JOIN routes ra ON ra.src_id = a.id JOIN routes rb ON rb.src_id = b.id AND rb.airline_id = ra.airline_id WHERE a.country IN ('Italy', 'Germany', 'Netherlands');
-- Per country and direction, with a lateral top list and JSON.
SELECT c.country, t.iata, t.n FROM (VALUES ('Kenya'), ('Chile'), ('Norway')) c(country) CROSS JOIN LATERAL (SELECT a.iata, count(*) AS n FROM routes r JOIN airports a ON a.id = r.src_id WHERE a.country = c.country GROUP BY a.iata ORDER BY n DESC, a.iata LIMIT 3) t;
SELECT a.country, jsonb_object_agg(a.iata, s.n ORDER BY a.iata), string_agg(a.iata, ',' ORDER BY s.n DESC, a.iata) FROM (SELECT src_id, count(*) AS n FROM routes GROUP BY src_id) s JOIN airports a ON a.id = s.src_id WHERE a.country IN ('Iceland', 'Malta', 'Cuba') GROUP BY a.country;
SELECT a.tz, avg(b.altitude - a.altitude)::numeric(20,6) AS climb, stddev_samp(b.altitude)::numeric(20,6), max(b.altitude) FROM routes r JOIN airports a ON a.id = r.src_id JOIN airports b ON b.id = r.dst_id GROUP BY a.tz HAVING count(*) > 500;
-- Changes, all or nothing.
BEGIN;
DELETE FROM routes WHERE airline_id = 4822;
UPDATE routes SET stops = stops + 1 WHERE src = 'FRA';
SELECT count(*), sum(stops) FROM routes;
ROLLBACK;
SELECT count(*), sum(stops) FROM routes;
UPDATE routes SET equipment = l.iata FROM airlines l WHERE l.id = routes.airline_id AND l.country = 'Iceland';
SELECT equipment, count(*) FROM routes r JOIN airlines l ON l.id = r.airline_id WHERE l.country = 'Iceland' GROUP BY equipment;
