-- Columns of every kind of type, also as distribution columns; results, comparison, order, aggregation.
-- @setup
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE address AS (street text, number int);
CREATE TYPE person AS (name text, home address, nicks text[]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE int_span AS RANGE (subtype = int);
CREATE TABLE wide (
  id int PRIMARY KEY, i2 smallint, i8 bigint, num numeric, num2 numeric(8,3), f4 real, f8 double precision, cash money, b boolean,
  t text, vc varchar(12), c char(5), nm name, by bytea, d date, ti time(3), ttz timetz, ts timestamp(2), tz timestamptz, iv interval,
  u uuid, ip inet, net cidr, mac macaddr, bits bit(4), vbits bit varying(9), j json, jb jsonb, x xml, tv tsvector, tq tsquery,
  p point, bx box, poly polygon, ir int4range, nr numrange, dr daterange, mr int4multirange, sp int_span, m mood, ms mood[], a address,
  pe person, pos positive, em email, ia int[], ta text[], na numeric[], aa int[][], o oid, rc regclass, lsn pg_lsn, ch "char");
INSERT INTO wide SELECT i, i * 7 - 40, i * 4000000000, i / 7.0, i * 1.0005, i / 3.0, i / 3.0 * 1e10, (i * 1.25)::numeric::money, i % 3 = 0,
  repeat(chr(96 + i), i % 4), 'vc' || i, 'c' || i, 'name' || i, decode(lpad(to_hex(i * 77), 6, '0'), 'hex'), date '2024-01-30' + i * 31, time '10:00' + i * interval '77.1235 seconds',
  timetz '10:00+02' + i * interval '1 min', timestamp '2024-03-30 23:59:59.987' + i * interval '1 day', timestamptz '2024-03-30 23:30:00+00' + i * interval '1 hour', i * interval '1 month 3 days 04:05:06.7',
  md5(i::text)::uuid, ('10.0.' || i || '.1/24')::inet, ('10.' || i || '.0.0/16')::cidr, ('08:00:2b:01:02:' || lpad(to_hex(i), 2, '0'))::macaddr, (i % 16)::bit(4), substr((i * 5)::bit(9)::text, 1, i % 9)::varbit,
  json_build_object('k', i, 'b', '  spaced'), jsonb_build_object('z', i, 'a', ARRAY[i, i + 1]), ('<a n="' || i || '">x</a>')::xml, to_tsvector('simple', 'word' || i || ' common'), to_tsquery('simple', 'word' || i || ' & common'),
  point(i, -i), box(point(i, i), point(0, 0)), polygon(box(point(i, i), point(0, 0))), int4range(i, i + 3, '[]'), numrange(i, NULL), daterange(date '2024-01-01', date '2024-01-01' + i), int4multirange(int4range(i, i + 1), int4range(i + 5, i + 6)), int_span(i, i * 2),
  (ARRAY['sad','ok','happy'])[i % 3 + 1]::mood, ARRAY['ok', (ARRAY['sad','ok','happy'])[i % 3 + 1]]::mood[], row('street ' || i, i)::address, row('p' || i, row('s"' || i, NULL)::address, ARRAY['a,b', NULL, 'c' || i])::person,
  i, 'u' || i || '@x.org', ARRAY[i, NULL, -i], ARRAY['x' || i, 'with "quotes"', '{', ''], ARRAY[i, i / 7.0], ARRAY[[i, 1], [2, i]], i, 'pg_class'::regclass, ('0/' || to_hex(i * 4096))::pg_lsn, chr(64 + i)::"char"
  FROM generate_series(1, 20) i;
INSERT INTO wide (id) VALUES (21);
INSERT INTO wide (id, f4, f8, num, d, ts, tz, iv, t, ir, ia, jb) VALUES
  (22, 'NaN', 'Infinity', 'NaN', 'infinity', '-infinity', 'infinity', '0', E'line\nbreak\ttab\\back', 'empty', '{}', 'null'),
  (23, '-Infinity', '-0', 'Infinity', '4000-01-01 BC', '0001-01-01 BC', '294000-01-01 00:00+00', '-1 year 2 days -03:00', 'héllo wörld ☃', '(,)', '[5:6]={1,2}', '[]');
CREATE TABLE by_uuid (k uuid, v int);
CREATE TABLE by_ts (k timestamptz, v int);
CREATE TABLE by_enum (k mood, v int);
CREATE TABLE by_numeric (k numeric, v int);
CREATE TABLE by_char (k char(6), v int);
CREATE TABLE by_domain (k positive, v int);
CREATE TABLE by_bytea (k bytea, v int);
CREATE TABLE by_bool (k boolean, v int);
CREATE TABLE by_float (k double precision, v int);
CREATE TABLE by_varchar (k varchar(20), v int);
CREATE TABLE by_inet (k inet, v int);
CREATE TABLE by_array (k int[], v int);
CREATE TABLE by_date (k date, v int);
CREATE TABLE by_jsonb (k jsonb, v int);
CREATE TABLE by_interval (k interval, v int);
CREATE TABLE by_icu (k text COLLATE "en-x-icu", v int);
INSERT INTO by_uuid SELECT md5(i::text)::uuid, i FROM generate_series(1, 20) i;
INSERT INTO by_ts SELECT timestamptz '2024-03-31 00:00+00' + i * interval '1 hour', i FROM generate_series(1, 20) i;
INSERT INTO by_enum SELECT (ARRAY['sad','ok','happy',NULL])[i % 4 + 1]::mood, i FROM generate_series(1, 20) i;
INSERT INTO by_numeric VALUES (1, 1), (1.0, 2), (1.000, 3), (2.5, 4), ('NaN', 5), (NULL, 6), (1e30, 7), (-0.0, 8), (0, 9);
INSERT INTO by_char VALUES ('a', 1), ('a ', 2), ('b', 3), ('', 4), (NULL, 5), ('abcdef', 6);
INSERT INTO by_domain SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO by_bytea SELECT decode(lpad(to_hex(i), 2, '0'), 'hex'), i FROM generate_series(0, 20) i;
INSERT INTO by_bool VALUES (true, 1), (false, 2), (NULL, 3), (true, 4);
INSERT INTO by_float VALUES (0, 1), ('-0', 2), ('NaN', 3), ('Infinity', 4), (1.5, 5), (1e-300, 6), (0.1, 7);
INSERT INTO by_varchar SELECT 'v' || i, i FROM generate_series(1, 20) i;
INSERT INTO by_inet SELECT ('10.0.0.' || i)::inet, i FROM generate_series(1, 20) i;
INSERT INTO by_array VALUES ('{1,2}', 1), ('{}', 2), ('{NULL}', 3), ('{3}', 4), (NULL, 5), ('[0:1]={1,2}', 6);
INSERT INTO by_date SELECT date '2024-02-25' + i, i FROM generate_series(1, 20) i;
INSERT INTO by_jsonb VALUES ('{"a": 1, "b": 2}', 1), ('1', 2), ('1.0', 3), ('null', 4), (NULL, 5), ('[]', 6);
INSERT INTO by_interval VALUES ('1 day', 1), ('24 hours', 2), ('1 month', 3), ('30 days', 4), (NULL, 5), ('-1 day', 6);
INSERT INTO by_icu VALUES ('a', 1), ('A', 2), ('á', 3), ('', 4), (NULL, 5), ('ß', 6), ('ss', 7);
-- @distribute
SELECT create_distributed_table('wide', 'id');
SELECT create_distributed_table('by_uuid', 'k');
SELECT create_distributed_table('by_ts', 'k');
SELECT create_distributed_table('by_enum', 'k');
SELECT create_distributed_table('by_numeric', 'k');
SELECT create_distributed_table('by_char', 'k');
SELECT create_distributed_table('by_domain', 'k');
SELECT create_distributed_table('by_bytea', 'k');
SELECT create_distributed_table('by_bool', 'k');
SELECT create_distributed_table('by_float', 'k');
SELECT create_distributed_table('by_varchar', 'k');
SELECT create_distributed_table('by_inet', 'k');
SELECT create_distributed_table('by_array', 'k');
SELECT create_distributed_table('by_date', 'k');
SELECT create_distributed_table('by_jsonb', 'k');
SELECT create_distributed_table('by_interval', 'k');
SELECT create_distributed_table('by_icu', 'k');
-- @run
SELECT * FROM wide;
SELECT * FROM wide WHERE id = 7;
SELECT w FROM wide w WHERE id IN (3, 21, 22, 23);
SELECT to_jsonb(w) - 'x' FROM wide w WHERE id IN (3, 21);
SELECT id, (a).street, (a).number + 1, (pe).home, ((pe).home).street, (pe).nicks[3] FROM wide WHERE id < 5;
SELECT id, ia[1], ia[1:2], ia[2:], array_length(aa, 1), aa[2][1], ta[2], na || 1.5, cardinality(ta), ia || id FROM wide WHERE id < 5;
SELECT id FROM wide WHERE ia[1] = 4 OR 'x9' = ANY (ta) OR ia @> ARRAY[-11] OR ta && ARRAY['x2', 'x3'];
SELECT id FROM wide WHERE a = ROW('street 6', 6)::address;
SELECT id FROM wide WHERE (a).number > 17;
SELECT m, count(*), min(id), max(m) FROM wide GROUP BY m;
-- @ordered
SELECT m, id FROM wide ORDER BY m DESC NULLS LAST, id;
-- @ordered
SELECT a, id FROM wide ORDER BY a DESC NULLS LAST, id LIMIT 5;
-- @ordered
SELECT iv, id FROM wide ORDER BY iv, id;
-- @ordered
SELECT f8, id FROM wide ORDER BY f8 DESC NULLS FIRST, id;
-- @ordered
SELECT num, id FROM wide ORDER BY num, id;
-- @ordered
SELECT c, id FROM wide ORDER BY c, id;
-- @ordered
SELECT ip, id FROM wide ORDER BY ip DESC NULLS LAST, id LIMIT 4;
-- @ordered
SELECT by, u, id FROM wide ORDER BY by, u, id LIMIT 4;
-- @ordered
SELECT ir, id FROM wide ORDER BY ir, id;
-- @ordered
SELECT jb, id FROM wide ORDER BY jb, id;
SELECT sum(i2), sum(i8), sum(num) FILTER (WHERE id < 20), sum(num2), sum(f4), sum(cash), sum(iv), avg(iv), avg(i8), avg(num2), sum(ti) FROM wide WHERE id < 21;
SELECT min(d), max(d), min(ts), max(tz), min(ti), max(ttz), min(ip), max(net), max(iv), min(cash), max(c), min(t), max(o), max(m), min(ia), max(lsn), max(num), max(f8), min(f4) FROM wide;
SELECT bit_and(bits), bit_or(bits), bit_xor(i2), count(DISTINCT jb), count(DISTINCT a), count(DISTINCT p::text) FROM wide;
SELECT string_agg(by, '\x2c' ORDER BY id), array_agg(m ORDER BY id), array_agg(a ORDER BY id) FROM wide WHERE id < 6;
SELECT range_agg(ir ORDER BY id), range_intersect_agg(nr ORDER BY id), range_agg(mr ORDER BY id) FROM wide WHERE id < 21;
SELECT xmlagg(x ORDER BY id), xmlelement(name e, max(id)) FROM wide WHERE id < 4;
SELECT id, xpath('/a/@n', x), xmlserialize(content x AS text) FROM wide WHERE id < 3;
SELECT id, j->>'k', jb->'a'->0, jb#>>'{a,1}', jb @> '{"z": 4}', jb ? 'z' FROM wide WHERE id < 6;
SELECT id, tv @@ tq, ts_rank(tv, tq), tv || 'extra'::tsvector FROM wide WHERE tv @@ 'word3 | word4'::tsquery;
SELECT id, p <-> point(0, 0), p <@ box(point(0, -5), point(5, 0)), area(bx), npoints(poly) FROM wide WHERE id < 8;
SELECT id, upper(ir), ir @> 5, ir * int4range(4, 6), nr && numrange(1, 2), isempty(ir), lower_inf(nr), mr, sp FROM wide WHERE id < 8;
SELECT id, bits | B'0001', vbits, bits::int, get_bit(bits, 0), length(vbits) FROM wide WHERE id < 9;
SELECT id, ip + 5, host(ip), net >>= ip, masklen(net), mac & macaddr 'ff:ff:ff:00:00:00' FROM wide WHERE id < 4;
SELECT id, cash * 2, cash::numeric, cash / 3, cash > '$5.00'::money FROM wide WHERE id < 8;
SELECT id, d + 1, d - date '2024-01-01', ts - ts, tz + iv, ti + interval '1 hour', extract(epoch FROM iv), extract(dow FROM d), age(ts, timestamp '2020-02-29') FROM wide WHERE id < 6;
SELECT id, iv * 2, justify_interval(iv), -iv, date_trunc('month', tz, 'Asia/Tokyo'), tz AT TIME ZONE 'America/New_York' FROM wide WHERE id < 6;
SELECT id, pos + 1, upper(em), pg_typeof(pos), pg_typeof(em), pg_typeof(m), pg_typeof(a), pg_typeof(sp) FROM wide WHERE id < 3;
SELECT id, c || '|', length(c), octet_length(c), vc || '|', nm || '|', c = 'c3', c = 'c3   ' FROM wide WHERE id < 4;
SELECT id, t, md5(t), length(t), encode(by, 'base64'), by || '\x00', substring(by FROM 2), u::text FROM wide WHERE id IN (1, 2, 22, 23);
SELECT id, rc, o, lsn, lsn - '0/0'::pg_lsn, ch FROM wide WHERE id < 4;
SELECT ms, count(*) FROM wide GROUP BY ms;
SELECT a, count(*) FROM wide WHERE id < 4 GROUP BY a;
SELECT c, count(*) FROM wide GROUP BY c HAVING min(id) < 3;
SELECT d, ts FROM wide WHERE d > 'infinity' OR ts = '-infinity' OR d < '0001-01-01';
SELECT id, f8 / 0 FROM wide WHERE id = 22;
SELECT id FROM wide WHERE f4 = 'NaN' OR num = 'NaN';
-- @nomessage
SELECT id::text::mood FROM wide WHERE id = 3;
SELECT 'angry'::mood FROM wide;
SELECT id FROM wide WHERE m = 'angry';
SELECT (id - 3)::positive FROM wide WHERE id < 4;
SELECT t::email FROM wide WHERE id < 4;
SELECT num::int FROM wide WHERE id = 22;
SELECT (i8 * 10)::int FROM wide WHERE id = 3;
SELECT * FROM by_uuid WHERE k = md5('4')::uuid;
SELECT * FROM by_uuid WHERE k = 'A87FF679-A2F3-E71D-9181-A67B7542122C';
SELECT * FROM by_ts WHERE k = '2024-03-31 05:00+02';
SELECT * FROM by_ts WHERE k = timestamp '2024-03-31 05:00';
SELECT * FROM by_ts WHERE k = date '2024-04-01';
SELECT * FROM by_enum WHERE k = 'ok';
SELECT k, count(*) FROM by_enum GROUP BY k;
SELECT * FROM by_enum WHERE k > 'sad' AND v < 8;
SELECT * FROM by_enum WHERE k IS NULL;
SELECT * FROM by_numeric WHERE k = 1;
SELECT * FROM by_numeric WHERE k = 1.00;
SELECT k::double precision, count(*), min(v) FROM by_numeric WHERE k = 0 OR k > 2 GROUP BY k;
SELECT * FROM by_numeric WHERE k = 2.5::float8;
SELECT * FROM by_numeric WHERE k = 'NaN';
SELECT * FROM by_char WHERE k = 'a';
SELECT * FROM by_char WHERE k = 'a    ';
SELECT * FROM by_char WHERE k = 'a '::text;
SELECT * FROM by_char WHERE k = '';
SELECT k, count(*) FROM by_char GROUP BY k;
SELECT * FROM by_domain WHERE k = 7;
SELECT * FROM by_domain WHERE k = 7::positive;
SELECT * FROM by_domain WHERE k = 7::bigint;
SELECT * FROM by_bytea WHERE k = '\x07';
SELECT * FROM by_bytea WHERE k = E'\\007'::bytea;
SELECT * FROM by_bool WHERE k;
SELECT * FROM by_bool WHERE NOT k;
SELECT * FROM by_bool WHERE k IS NOT TRUE;
SELECT * FROM by_bool WHERE k = true AND v > 1;
SELECT * FROM by_bool WHERE k IS UNKNOWN;
SELECT * FROM by_float WHERE k = 0;
SELECT * FROM by_float WHERE k = '-0';
SELECT * FROM by_float WHERE k = 'NaN';
SELECT * FROM by_float WHERE k = 0.1;
SELECT * FROM by_float WHERE k = 0.1::real;
SELECT k, count(*) FROM by_float GROUP BY k;
SELECT * FROM by_varchar WHERE k = 'v7';
SELECT * FROM by_varchar WHERE k = 'v7'::text;
SELECT * FROM by_varchar WHERE k = 'v7'::name;
SELECT * FROM by_varchar WHERE k IN ('v1', 'v2', 'zzz');
SELECT * FROM by_inet WHERE k = '10.0.0.7';
SELECT * FROM by_inet WHERE k <<= '10.0.0.0/29';
SELECT * FROM by_array WHERE k = '{1,2}';
SELECT * FROM by_array WHERE k = ARRAY[]::int[];
SELECT * FROM by_array WHERE k = '[0:1]={1,2}';
SELECT * FROM by_date WHERE k = '2024-02-29';
SELECT * FROM by_date WHERE k = timestamp '2024-02-29 00:00';
SELECT * FROM by_jsonb WHERE k = '{"b": 2, "a": 1}';
SELECT * FROM by_jsonb WHERE k = '1.00';
SELECT count(*), min(v) FROM by_jsonb GROUP BY k;
SELECT * FROM by_interval WHERE k = '1 day';
SELECT min(v), count(*) FROM by_interval GROUP BY k;
SELECT * FROM by_icu WHERE k = 'a';
SELECT * FROM by_icu WHERE k = 'A' COLLATE "C";
-- @ordered
SELECT * FROM by_icu ORDER BY k, v;
SELECT a.v, b.v FROM by_numeric a JOIN by_numeric b USING (k) WHERE a.v < b.v;
SELECT a.v, b.v FROM by_char a JOIN by_varchar b ON a.k = b.k;
SELECT a.v, b.v FROM by_domain a JOIN wide w ON w.id = a.k JOIN by_numeric b ON b.k = w.id;
SELECT a.v, b.v FROM by_float a JOIN by_numeric b ON a.k = b.k;
SELECT a.v, b.v FROM by_date a JOIN by_ts b ON a.k = b.k;
