-- Aggregates that shards may work out in part: every kind, with every option, in every grouping.
-- @setup
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE m (k int, id int, g int, h text, b boolean, i2 smallint, i4 int, i8 bigint, n numeric, nd numeric(8,3), f4 real, f8 double precision, iv interval, mo money,
  t text, vc varchar(8), c char(3), nick text COLLATE "en-x-icu", d date, tm time, ttz timetz, ts timestamp, tz timestamptz, u uuid, ia int[], ta text[], mm mood, by bytea,
  j jsonb, r int4range, mr int4multirange, bt bit(4), net inet, o oid, x xml, ln pg_lsn, ti tid);
CREATE TABLE sales (region text, year int, quarter int, product text, amount numeric(10,2), qty int);
CREATE TABLE void (k int, a int, t text, n numeric);
CREATE TABLE nulls (k int, a int, t text, n numeric, f double precision);
CREATE TABLE one (k int, a int, n numeric, f double precision);
CREATE TABLE special (k int, g int, n numeric, f double precision, f4 real, iv interval);
CREATE TABLE huge (k int, g int, i2 smallint, i4 int, i8 bigint, n numeric, mo money, f double precision);
CREATE TABLE names (id int, label text);
CREATE TABLE items (k int, line int, price numeric(8,2));
INSERT INTO m SELECT i % 13, i, nullif(i % 5, 4), 'h' || i % 3, CASE WHEN i % 7 <> 0 THEN i % 2 = 0 END, i % 50 - 20, i * 17 % 101 - 40, i * 1000003::bigint, i / 8.0, i * 1.125,
  i / 4.0, i / 16.0, i % 30 * interval '1 day 2 hours', (i % 40)::money, 't' || i % 12, 'v' || i % 9, 'c' || i % 6, (ARRAY['ada','Ada','émile','Zoë','_x'])[i % 5 + 1],
  date '2024-01-01' + i % 25, time '08:00' + i % 11 * interval '7 minutes', timetz '08:00+02' + i % 7 * interval '1 hour', timestamp '2024-01-01' + i % 19 * interval '5 hours',
  timestamptz '2024-01-01 00:00+00' + i % 17 * interval '1 day', ('00000000-0000-0000-0000-' || lpad((i % 14)::text, 12, '0'))::uuid, ARRAY[i % 4, i % 3], ARRAY['a' || i % 4, NULL],
  (enum_range(NULL::mood))[i % 3 + 1], decode(lpad(to_hex(i % 9), 2, '0'), 'hex'), jsonb_build_object('n', i % 4), int4range(i % 20, i % 20 + 6), int4multirange(int4range(i % 9, i % 9 + 3), int4range(40, 50)),
  (i % 16)::bit(4), ('10.0.' || i % 5 || '.' || i % 8)::inet, (i % 10 + 1)::oid, ('<a>' || i % 5 || '</a>')::xml, ('0/' || to_hex(i % 12 + 1))::pg_lsn, ('(' || i % 3 || ',' || i % 5 + 1 || ')')::tid
  FROM generate_series(1, 180) i;
INSERT INTO m (k, id, g, h) SELECT i % 6, 200 + i, i % 6, CASE WHEN i % 2 = 0 THEN 'h1' END FROM generate_series(1, 12) i;
INSERT INTO m (k, id) VALUES (NULL, 300);
INSERT INTO sales SELECT (ARRAY['north','south','east',NULL])[i % 4 + 1], 2020 + i % 3, i % 4 + 1, 'p' || i % 5, CASE WHEN i % 11 <> 0 THEN i * 7.25 END, i % 9 FROM generate_series(1, 160) i;
INSERT INTO nulls SELECT i, NULL, NULL, NULL, NULL FROM generate_series(1, 9) i;
INSERT INTO one VALUES (1, 5, 2.5, 1.25);
INSERT INTO special SELECT i, i % 4, (ARRAY[1.5, 'NaN', 2, 'Infinity', 3, '-Infinity']::numeric[])[i % 6 + 1], (ARRAY[1.5, 'NaN', 2, 'Infinity', 3, '-Infinity']::float8[])[i % 6 + 1],
  (ARRAY[1.5, 'NaN', 2, 'Infinity']::real[])[i % 4 + 1], i % 3 * interval '-1 month 3 days' FROM generate_series(1, 48) i;
INSERT INTO huge SELECT i, i % 3, 32767, 2147483647, 9223372036854775807, 1e130 + i, '92233720368547758.07', 1e308 FROM generate_series(1, 24) i;
INSERT INTO names SELECT i, 'label ' || i % 2 FROM generate_series(0, 4) i;
INSERT INTO items SELECT i % 13, i, i * 1.1 FROM generate_series(1, 70) i;
CREATE FUNCTION join_text(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1 || '+' || $2, $1, $2)$$;
CREATE AGGREGATE plus_text(text) (sfunc = join_text, stype = text);
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, combinefunc = int4pl, initcond = '0', parallel = safe);
CREATE AGGREGATE total_or_null(int) (sfunc = int4larger, stype = int, combinefunc = int4larger);
CREATE AGGREGATE average(double precision) (sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, combinefunc = float8_combine, initcond = '{0,0,0}');
CREATE FUNCTION weigh(numeric, numeric, int) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 + coalesce($2 * $3, 0)';
CREATE AGGREGATE weighted(numeric, int) (sfunc = weigh, stype = numeric, initcond = '0');
CREATE AGGREGATE most_common(ORDER BY anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = mode_final, finalfunc_extra);
CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 % 2 = 1; END';
CREATE VIEW by_g AS SELECT g, count(*) AS n, sum(i4) AS s, avg(i4) AS a FROM m GROUP BY g;
ANALYZE;
-- @distribute
SELECT create_distributed_table('m', 'k');
SELECT create_distributed_table('items', 'k');
SELECT create_distributed_table('sales', 'product', colocate_with => 'none');
SELECT create_distributed_table('void', 'k', colocate_with => 'none');
SELECT create_distributed_table('nulls', 'k', colocate_with => 'none');
SELECT create_distributed_table('one', 'k', colocate_with => 'none');
SELECT create_distributed_table('special', 'k', colocate_with => 'none');
SELECT create_distributed_table('huge', 'k', colocate_with => 'none');
SELECT create_reference_table('names');
ANALYZE;
-- Other keys: the columns that are grouped by.
-- @distribute other-keys
SELECT create_distributed_table('m', 'g');
SELECT create_distributed_table('items', 'line', colocate_with => 'none');
SELECT create_distributed_table('sales', 'year', colocate_with => 'none');
SELECT create_distributed_table('void', 't', colocate_with => 'none');
SELECT create_distributed_table('nulls', 'a', colocate_with => 'none');
SELECT create_distributed_table('special', 'g', colocate_with => 'none');
SELECT create_distributed_table('huge', 'g', colocate_with => 'none');
-- @run
SET extra_float_digits = 0;
-- Sums, averages, counts of each type: not grouped, by the key, by others.
SELECT count(*), count(g), count(i4), count(x), count(m), count(ROW(NULL, NULL)) FROM m;
SELECT sum(i2), sum(i4), sum(i8), sum(n), sum(nd), sum(f4), sum(f8), sum(iv), sum(mo) FROM m;
SELECT avg(i2), avg(i4), avg(i8), avg(n), avg(nd), avg(f4), avg(f8), avg(iv) FROM m;
SELECT k, count(*), sum(i2), sum(i4), sum(i8), sum(n), sum(nd), sum(f4), sum(f8), sum(iv), sum(mo) FROM m GROUP BY k;
SELECT g, count(*), sum(i2), sum(i4), sum(i8), sum(n), sum(nd), sum(f4), sum(f8), sum(iv), sum(mo) FROM m GROUP BY g;
SELECT g, avg(i2), avg(i4), avg(i8), avg(n), avg(nd), avg(f4), avg(f8), avg(iv) FROM m GROUP BY g;
SELECT k, avg(i2), avg(i4), avg(i8), avg(n), avg(nd), avg(f4), avg(f8), avg(iv) FROM m GROUP BY k;
SELECT h, b, count(*), avg(i4), sum(n) FROM m GROUP BY h, b;
SELECT g, sum(i4) + count(*), avg(n) * 2, sum(i8) % 7, sum(i4)::text || '!', -avg(i2), coalesce(sum(f8), -1) FROM m GROUP BY g;
SELECT sum(i4 + 1), sum(i4 * n), avg(i4 % 3), sum(nullif(i4, 3)), sum(CASE WHEN b THEN i4 END), sum(length(t)), avg(n + i8) FROM m;
SELECT sum(1), sum(NULL::int), avg(2.5), count(NULL), count(1), max(7), string_agg('x', '') FROM m;
SELECT sum(b::int), avg(extract(day FROM d)), sum(extract(epoch FROM iv)) FROM m;
SELECT avg(i4)::numeric(20,10), round(avg(n), 3), trunc(sum(n)) FROM m WHERE k = 3;
-- Variances and two-argument aggregates.
SELECT stddev(i2), stddev(i4), stddev(i8), stddev(n) FROM m;
SELECT variance(i2), variance(i4), variance(i8), variance(n) FROM m;
SELECT stddev_pop(i2), stddev_samp(i4), var_pop(i8), var_samp(n), stddev_pop(nd), var_pop(i4) FROM m;
SELECT round(stddev(f4)::numeric, 8), round(variance(f8)::numeric, 8), round(stddev_pop(f8)::numeric, 8), round(var_pop(f4)::numeric, 8), round(stddev_samp(f8)::numeric, 8), round(var_samp(f4)::numeric, 8) FROM m;
SELECT g, stddev(i4), variance(n), stddev_pop(i2), var_pop(i8) FROM m GROUP BY g;
SELECT k, stddev(i4), variance(n), stddev_pop(i2), var_pop(i8) FROM m GROUP BY k;
SELECT g, round(stddev(f8)::numeric, 8), round(var_pop(f4)::numeric, 8) FROM m GROUP BY g;
SELECT round(covar_pop(f8, i4)::numeric, 6), round(covar_samp(f8, i4)::numeric, 6), round(corr(f8, i4)::numeric, 8), round(corr(f8, f8)::numeric, 8) FROM m;
SELECT round(regr_avgx(f8, i4)::numeric, 6), round(regr_avgy(f8, i4)::numeric, 6), regr_count(f8, i4), round(regr_intercept(f8, i4)::numeric, 6), round(regr_r2(f8, i4)::numeric, 8), round(regr_slope(f8, i4)::numeric, 8), round(regr_sxx(f8, i4)::numeric, 4), round(regr_sxy(f8, i4)::numeric, 4), round(regr_syy(f8, i4)::numeric, 4) FROM m;
SELECT g, round(covar_pop(f8, i4)::numeric, 6), round(corr(f8, i4)::numeric, 8), regr_count(i2, i4), round(regr_slope(f8, i4)::numeric, 8), round(regr_r2(f8, i4)::numeric, 8) FROM m GROUP BY g;
SELECT k, round(covar_samp(f8, i4)::numeric, 6), round(corr(f8, i4)::numeric, 8), regr_count(i2, i4) FROM m GROUP BY k;
SELECT h, stddev(i4), round(corr(f8, i4)::numeric, 8), avg(i4), count(*), max(t) FROM m GROUP BY h HAVING stddev(i4) > 28 AND count(*) > 3;
SELECT stddev(a), variance(n), var_pop(a), stddev_pop(n), round(stddev(f)::numeric, 6), var_samp(f), corr(f, a), covar_samp(f, n), regr_count(f, a) FROM one;
-- Smallest and largest of each type.
SELECT min(i2), max(i2), min(i4), max(i4), min(i8), max(i8), min(n), max(n), min(nd), max(nd), min(f4), max(f4), min(f8), max(f8), min(mo), max(mo), min(o), max(o), min(id::text::xid8), max(id::text::xid8) FROM m;
SELECT min(t), max(t), min(vc), max(vc), min(c), max(c), min(nick), max(nick), min(nick COLLATE "C"), max(nick COLLATE "C"), min(h), max(h) FROM m;
SELECT min(d), max(d), min(tm), max(tm), min(ttz), max(ttz), min(ts), max(ts), min(tz), max(tz), min(iv), max(iv) FROM m;
SELECT min(ia), max(ia), min(ta), max(ta), min(mm), max(mm), min(net), max(net), min(ln), max(ln), min(ti), max(ti) FROM m;
SELECT g, min(i2), max(i4), min(i8), max(n), min(f4), max(f8), min(mo), max(o) FROM m GROUP BY g;
SELECT g, min(t), max(vc), min(c), max(nick), min(d), max(tm), min(ttz), max(ts), min(tz), max(iv) FROM m GROUP BY g;
SELECT g, max(ia), min(ta), max(mm), min(net), max(ln), min(ti) FROM m GROUP BY g;
SELECT k, max(ia), min(ta), max(mm), min(net), max(ln), min(nick), max(c) FROM m GROUP BY k;
SELECT min(t || h), max(lower(nick)), min(d + 1), max(i4 - i2), max(greatest(i2, i4)), min(b::int) FROM m;
SELECT max(c) || '|', max(vc) || '|', length(min(c)) FROM m;
-- Booleans and bits.
SELECT bool_and(b), bool_or(b), every(b), bool_and(i4 < 1000), bool_or(i4 > 1000), every(b IS NULL) FROM m;
SELECT g, bool_and(b), bool_or(b), every(i4 < 50) FROM m GROUP BY g;
SELECT bit_and(i2), bit_or(i2), bit_xor(i2), bit_and(i4), bit_or(i4), bit_xor(i4), bit_and(i8), bit_or(i8), bit_xor(i8), bit_and(bt), bit_or(bt), bit_xor(bt) FROM m;
SELECT g, bit_and(i4), bit_or(i4), bit_xor(i4), bit_xor(bt), bit_or(bt) FROM m GROUP BY g;
SELECT k, bit_and(i4), bit_or(i8), bit_xor(i2), bit_xor(bt), bool_or(b) FROM m GROUP BY k;
-- Lists in an order.
SELECT string_agg(t, ',' ORDER BY id) FROM m;
SELECT string_agg(t, ',' ORDER BY t DESC, id), string_agg(t, h ORDER BY id), string_agg(by, '\x2c'::bytea ORDER BY id) FROM m WHERE id < 40;
SELECT g, string_agg(t, ',' ORDER BY id DESC), array_agg(i4 ORDER BY id) FROM m GROUP BY g;
SELECT k, string_agg(nick, '|' ORDER BY nick, id), array_agg(h ORDER BY id) FROM m GROUP BY k;
SELECT array_agg(i4 ORDER BY i4 NULLS FIRST, id), array_agg(ia ORDER BY id) FILTER (WHERE ia IS NOT NULL), array_agg(mm ORDER BY mm, id) FROM m WHERE id < 30 OR id > 200;
SELECT array_agg(ia ORDER BY id) FROM m;
SELECT g, array_agg(id ORDER BY nick COLLATE "C" DESC, id) FROM m WHERE id < 60 GROUP BY g;
SELECT array_agg(id ORDER BY h, g DESC NULLS LAST, id) FROM m WHERE id % 9 = 0;
SELECT json_agg(i4 ORDER BY id), jsonb_agg(nick ORDER BY id), jsonb_agg(j ORDER BY id) FROM m WHERE id < 25;
SELECT g, json_agg(t ORDER BY id), jsonb_agg(n ORDER BY id DESC) FROM m WHERE id < 60 GROUP BY g;
SELECT json_object_agg(id, t ORDER BY id), jsonb_object_agg(id, i4), jsonb_object_agg(t, id ORDER BY id) FROM m WHERE id < 30;
SELECT g, jsonb_object_agg(id, d), json_object_agg(id, b ORDER BY id DESC) FROM m WHERE id < 50 GROUP BY g;
SELECT jsonb_object_agg(t, id ORDER BY id) FROM m;
SELECT xmlagg(x ORDER BY id)::text FROM m WHERE id < 20;
SELECT g, xmlagg(x ORDER BY id DESC)::text FROM m WHERE id < 40 GROUP BY g;
SELECT range_agg(r), range_agg(mr), range_agg(r ORDER BY id) FROM m WHERE id < 12;
SELECT g, range_agg(r), range_agg(mr), range_intersect_agg(r), range_intersect_agg(mr) FROM m GROUP BY g;
SELECT range_intersect_agg(r), range_intersect_agg(mr), range_agg(r), range_agg(mr) FROM m;
SELECT k, range_agg(r), range_intersect_agg(mr) FROM m GROUP BY k;
SELECT range_intersect_agg(r), range_agg(r) FROM m WHERE id IN (3, 4, 5);
SELECT array_agg(m ORDER BY id) FILTER (WHERE id < 3) IS NOT NULL, count(array_agg) FROM m, LATERAL (SELECT array_agg(i.line) FROM items i WHERE i.k = m.k) z;
SELECT array_length(array_agg(id), 1), length(string_agg(h, '')), jsonb_array_length(jsonb_agg(id)) FROM m;
SELECT array_agg(DISTINCT g), array_agg(DISTINCT g ORDER BY g DESC NULLS LAST), string_agg(DISTINCT h, ','), string_agg(DISTINCT h, ',' ORDER BY h DESC) FROM m;
SELECT g, array_agg(DISTINCT h ORDER BY h), string_agg(DISTINCT t, ';' ORDER BY t), jsonb_agg(DISTINCT i2 % 3 ORDER BY i2 % 3) FROM m GROUP BY g;
SELECT k, array_agg(DISTINCT g ORDER BY g), string_agg(DISTINCT c, ';' ORDER BY c DESC), count(DISTINCT t) FROM m GROUP BY k;
SELECT range_agg(DISTINCT r ORDER BY r), range_agg(DISTINCT mr) FROM m;
SELECT json_agg(DISTINCT h ORDER BY h), jsonb_agg(DISTINCT j) FROM m WHERE FALSE;
SELECT jsonb_agg(DISTINCT j ORDER BY j), array_agg(DISTINCT ia ORDER BY ia) FILTER (WHERE id < 200), array_agg(DISTINCT mm ORDER BY mm DESC) FROM m;
SELECT array_agg(g) FROM m WHERE id = 7;
SELECT array_agg(s.n ORDER BY s.n), sum(s.n) FROM (SELECT g, count(*) AS n FROM m GROUP BY g) s;
-- DISTINCT.
SELECT count(DISTINCT k), count(DISTINCT g), count(DISTINCT h), count(DISTINCT t), count(DISTINCT i4) FROM m;
SELECT count(DISTINCT g), sum(DISTINCT i4), avg(DISTINCT i2), count(*), sum(i4) FROM m;
SELECT g, count(DISTINCT h), count(DISTINCT i2), sum(DISTINCT i4), count(*) FROM m GROUP BY g;
SELECT k, count(DISTINCT h), count(DISTINCT i2), sum(DISTINCT i4), count(*) FROM m GROUP BY k;
SELECT h, count(DISTINCT k), count(DISTINCT g), count(DISTINCT (k, g)), count(DISTINCT ROW(g, b)) FROM m GROUP BY h;
SELECT count(DISTINCT nick), count(DISTINCT nick COLLATE "C"), count(DISTINCT lower(nick)), count(DISTINCT c), count(DISTINCT c::text), count(DISTINCT n), count(DISTINCT nd) FROM m;
SELECT count(DISTINCT ia), count(DISTINCT ta), count(DISTINCT mm), count(DISTINCT j), count(DISTINCT r), count(DISTINCT by), count(DISTINCT u), count(DISTINCT bt), count(DISTINCT net) FROM m;
SELECT min(DISTINCT i4), max(DISTINCT t), bool_and(DISTINCT b), bit_or(DISTINCT i4), bit_xor(DISTINCT i4), stddev(DISTINCT i4), var_pop(DISTINCT n) FROM m;
SELECT g, min(DISTINCT i4), bit_xor(DISTINCT i4), variance(DISTINCT i2), avg(DISTINCT n), sum(DISTINCT mo), sum(DISTINCT iv) FROM m GROUP BY g;
SELECT count(DISTINCT g + 1), count(DISTINCT i4 % 3), sum(DISTINCT abs(i4)), count(DISTINCT m.h || m.g) FROM m;
SELECT count(DISTINCT s) - count(s), count(DISTINCT (year, region)), count(s) FILTER (WHERE qty > 3) FROM sales s;
SELECT count(DISTINCT m) FROM m;
SELECT count(DISTINCT 1), count(DISTINCT NULL::int), sum(DISTINCT 5) FROM m;
SELECT g, count(DISTINCT h) + count(DISTINCT b) AS s FROM m GROUP BY g HAVING count(DISTINCT h) > 1;
SELECT round(corr(DISTINCT f8, i4)::numeric, 8), regr_count(DISTINCT g, i2), string_agg(DISTINCT h, '-') FROM m;
-- FILTER.
SELECT count(*) FILTER (WHERE b), count(*) FILTER (WHERE NOT b), count(*) FILTER (WHERE b IS NULL), count(*) FROM m;
SELECT sum(i4) FILTER (WHERE g = 1), avg(i4) FILTER (WHERE g = 2), stddev(i4) FILTER (WHERE g = 3), max(t) FILTER (WHERE g IS NULL), min(t) FILTER (WHERE false) FROM m;
SELECT g, sum(i4) FILTER (WHERE b), avg(n) FILTER (WHERE h = 'h1'), count(*) FILTER (WHERE i4 > 20), max(nick) FILTER (WHERE NOT b) FROM m GROUP BY g;
SELECT k, sum(i4) FILTER (WHERE b), avg(n) FILTER (WHERE h = 'h1'), count(DISTINCT h) FILTER (WHERE b) FROM m GROUP BY k;
SELECT count(DISTINCT h) FILTER (WHERE b), count(DISTINCT h) FILTER (WHERE NOT b), count(DISTINCT g) FILTER (WHERE h = 'h0'), count(DISTINCT h) FROM m;
SELECT g, count(DISTINCT h) FILTER (WHERE b), count(DISTINCT i2) FILTER (WHERE i2 > 0), sum(DISTINCT i4) FILTER (WHERE i4 > 0), sum(i4) FILTER (WHERE i4 > 0) FROM m GROUP BY g;
SELECT g, string_agg(t, ',' ORDER BY id) FILTER (WHERE b), array_agg(id ORDER BY id DESC) FILTER (WHERE NOT b) FROM m GROUP BY g;
SELECT string_agg(DISTINCT h, ',' ORDER BY h) FILTER (WHERE b), array_agg(DISTINCT g ORDER BY g) FILTER (WHERE i4 > 30) FROM m;
SELECT count(*) FILTER (WHERE odd(i4)), sum(i4) FILTER (WHERE odd(id)) FROM m;
SELECT count(*) FILTER (WHERE random() < 2), sum(i4) FILTER (WHERE random() > 2) FROM m;
SELECT count(*) FILTER (WHERE g IN (SELECT id FROM names WHERE label = 'label 1')), sum(i4) FILTER (WHERE EXISTS (SELECT FROM names n WHERE n.id = m.g)) FROM m;
SELECT count(*) FILTER (WHERE i4 > (SELECT avg(i4) FROM m)), g FROM m GROUP BY g;
SELECT g, count(*) FILTER (WHERE g = 1), sum(i4) FILTER (WHERE g > 1 AND h = 'h2') FROM m GROUP BY g;
SELECT h, count(*) FILTER (WHERE NULL), avg(i4) FILTER (WHERE true), count(i4) FILTER (WHERE i4 / nullif(i2, 0) > 1) FROM m GROUP BY h;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY i4) FILTER (WHERE b), mode() WITHIN GROUP (ORDER BY h) FILTER (WHERE g = 1) FROM m;
-- HAVING, and what is neither grouped nor aggregated.
SELECT g FROM m GROUP BY g HAVING sum(i4) > 300;
SELECT g, count(*) FROM m GROUP BY g HAVING avg(i4) > 9 OR g IS NULL;
SELECT k FROM m GROUP BY k HAVING count(*) > 14 AND min(t) < 't2';
SELECT h FROM m GROUP BY h HAVING count(DISTINCT g) > 3 AND count(*) FILTER (WHERE b) > 20;
SELECT g FROM m GROUP BY g HAVING count(*) > (SELECT count(*) FROM names) * 7;
SELECT g FROM m GROUP BY g HAVING g IN (SELECT id FROM names) AND string_agg(h, '' ORDER BY id) LIKE 'h1%';
SELECT 1 FROM m HAVING count(*) > 10;
SELECT 1 FROM m HAVING count(*) < 10;
SELECT count(*) FROM m HAVING sum(i4) IS NULL;
SELECT g, h FROM m GROUP BY g, h HAVING NOT (count(*) > 10);
-- Nothing, NULLs, groups without rows.
SELECT count(*), count(a), sum(a), avg(a), min(t), max(t), stddev(n), string_agg(t, ','), array_agg(a), bool_and(a > 1), bit_and(a), json_agg(a), jsonb_object_agg(k, a), range_agg(int4range(a, a)) FROM void;
SELECT a, count(*), sum(n) FROM void GROUP BY a;
SELECT count(*), sum(n) FROM void GROUP BY ();
SELECT count(DISTINCT a), sum(DISTINCT n), count(*) FILTER (WHERE a > 1), count(DISTINCT t) FILTER (WHERE a > 1) FROM void;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), mode() WITHIN GROUP (ORDER BY t), rank(1) WITHIN GROUP (ORDER BY a), cume_dist(1) WITHIN GROUP (ORDER BY a) FROM void;
SELECT total(a), total_or_null(a), plus_text(t), average(n::float8), weighted(n, a) FROM void;
SELECT count(*), count(a), sum(a), avg(n), min(t), stddev(a), var_pop(n), corr(f, f), string_agg(t, ','), array_agg(a), bool_or(a > 1), bit_xor(a), json_agg(t), regr_count(f, f), covar_pop(f, a) FROM nulls;
SELECT t, count(*), sum(a), max(n), count(DISTINCT a) FROM nulls GROUP BY t;
SELECT k, sum(a), avg(n), min(t), stddev_pop(f), array_agg(a), total(a), total_or_null(a) FROM nulls GROUP BY k;
SELECT count(*), sum(a), avg(n), max(f), array_agg(a), string_agg(a::text, ''), stddev(a), mode() WITHIN GROUP (ORDER BY a) FROM one;
SELECT sum(i4), count(*), avg(n), array_agg(id ORDER BY id) FROM m WHERE id = 17;
SELECT g, sum(i4) FROM m WHERE id > 1000 GROUP BY g;
SELECT sum(i4), max(t) FROM m WHERE false;
SELECT g, count(*) FROM m WHERE NULL GROUP BY g;
SELECT coalesce(max(a), 0), coalesce(string_agg(t, ''), 'none'), count(*) = 0 FROM void;
-- NaN, infinity, overflow.
SELECT sum(n), avg(n), min(n), max(n), stddev(n), variance(n) FROM special;
SELECT g, sum(n), avg(n), min(n), max(n), var_pop(n), count(DISTINCT n), sum(DISTINCT n) FROM special GROUP BY g;
SELECT g, sum(f), avg(f), min(f), max(f), stddev(f), count(DISTINCT f) FROM special GROUP BY g;
SELECT k, sum(f4), avg(f4), max(f4), min(n), sum(n), var_samp(n), sum(iv), avg(iv) FROM special GROUP BY k;
SELECT sum(n), avg(n), stddev(n) FROM special WHERE n <> 'NaN' AND n < 'Infinity';
SELECT sum(f), avg(f), round(corr(f, f)::numeric, 6), var_pop(f) FROM special WHERE f < 1000;
SELECT corr(f, n), covar_pop(f, 1), regr_sxx(1, f) FROM special WHERE g = 1;
SELECT sum(iv), avg(iv), min(iv), max(iv) FROM special;
SELECT n, count(*) FROM special GROUP BY n;
SELECT f, count(*) FROM special GROUP BY f;
SELECT sum(i2), sum(i4), sum(i8), sum(n), avg(i8), avg(n) FROM huge;
SELECT g, sum(i2), sum(i4), sum(i8), avg(i4), avg(i8), stddev(i8), variance(i4), var_pop(n) FROM huge GROUP BY g;
SELECT sum(mo) FROM huge;
SELECT g, sum(mo) FROM huge GROUP BY g;
SELECT sum(f) FROM huge;
SELECT avg(f) FROM huge;
SELECT sum(mo) FILTER (WHERE k = 1), max(mo), min(mo) FROM huge;
SELECT total(i4) FROM huge;
SELECT g, total(i4) FROM huge GROUP BY g;
SELECT sum(i8)::bigint FROM huge;
SELECT sum(i8 + 1) FROM huge;
SELECT g, sum(1 / (k - k)) FROM huge GROUP BY g;
SELECT sum(n) * sum(n) > 0, sum(n / 3)::numeric(150,10) FROM huge;
SELECT round(sum(0.1::float8)::numeric, 10), round(sum(f / 1e308)::numeric, 6) FROM huge;
-- Ordered sets and hypothetical rows.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4), percentile_cont(0.25) WITHIN GROUP (ORDER BY f8), percentile_cont(0.9) WITHIN GROUP (ORDER BY iv), percentile_disc(0.5) WITHIN GROUP (ORDER BY t) FROM m;
SELECT g, percentile_disc(ARRAY[0.1, 0.5, NULL, 1]) WITHIN GROUP (ORDER BY i4 DESC), percentile_cont(ARRAY[0, 1]) WITHIN GROUP (ORDER BY i2) FROM m GROUP BY g;
SELECT k, mode() WITHIN GROUP (ORDER BY h), percentile_disc(0.3) WITHIN GROUP (ORDER BY nick) FROM m GROUP BY k;
SELECT mode() WITHIN GROUP (ORDER BY g), mode() WITHIN GROUP (ORDER BY h DESC), mode() WITHIN GROUP (ORDER BY mm) FROM m;
SELECT rank(10) WITHIN GROUP (ORDER BY i4), dense_rank(10) WITHIN GROUP (ORDER BY i4), round(percent_rank(10) WITHIN GROUP (ORDER BY i4)::numeric, 8), round(cume_dist(10) WITHIN GROUP (ORDER BY i4)::numeric, 8) FROM m;
SELECT g, rank('t3', 4) WITHIN GROUP (ORDER BY t, i4), dense_rank('t3') WITHIN GROUP (ORDER BY t DESC NULLS LAST) FROM m GROUP BY g;
SELECT most_common() WITHIN GROUP (ORDER BY h), count(*), sum(i4) FROM m;
SELECT percentile_cont(g / 10.0) WITHIN GROUP (ORDER BY i4), g FROM m WHERE g IS NOT NULL GROUP BY g;
SELECT percentile_cont(2) WITHIN GROUP (ORDER BY i4) FROM m;
-- Aggregates of the user.
SELECT total(i4), total_or_null(i4), average(f8), plus_text(t ORDER BY id), weighted(n, i4) FROM m WHERE id < 30;
SELECT g, total(i4), total_or_null(i4), average(f8), weighted(nd, i2) FROM m GROUP BY g;
SELECT k, total(i4), plus_text(h ORDER BY id), total(DISTINCT i4), total(i4) FILTER (WHERE b) FROM m GROUP BY k;
SELECT g, plus_text(DISTINCT h ORDER BY h), total(DISTINCT i2::int), average(i4) FILTER (WHERE i4 > 0) FROM m GROUP BY g;
SELECT g, total(i4) FROM m GROUP BY g HAVING total(i4) > 300;
SELECT g, h, total(i4), sum(i4) FROM m GROUP BY CUBE (g, h);
-- Groups by expressions, duplicates, constants.
SELECT g % 2, count(*), sum(i4) FROM m GROUP BY g % 2;
SELECT k % 3 AS e, h || '!' AS f, count(*), avg(i4) FROM m GROUP BY e, f;
SELECT k % 3 AS x, count(*) FROM m GROUP BY x;
SELECT k, k, count(*) FROM m GROUP BY k, k, 1;
SELECT k + 0, k, count(*), sum(i4) FROM m GROUP BY k + 0, k;
SELECT 'all', count(*) FROM m GROUP BY 1;
SELECT count(*), max(id) FROM m GROUP BY 'a'::text || 'b';
SELECT lower(nick), count(*), min(nick) FROM m GROUP BY lower(nick);
SELECT nick, count(*) FROM m GROUP BY nick;
SELECT n::int, sum(n), count(*) FROM m WHERE id < 60 GROUP BY n::int;
SELECT CASE WHEN i4 > 0 THEN 'plus' WHEN i4 < 0 THEN 'minus' END, count(*), sum(i4) FROM m GROUP BY 1;
SELECT b, b IS NULL, count(*) FROM m GROUP BY b, b IS NULL;
SELECT date_trunc('week', d::timestamp), count(*), min(d) FROM m GROUP BY 1;
SELECT ia[1], count(*), sum(ia[2]) FROM m GROUP BY ia[1];
SELECT ia, count(*) FROM m GROUP BY ia;
SELECT j ->> 'n', count(*), sum((j ->> 'n')::int) FROM m GROUP BY j ->> 'n';
SELECT mm, c, count(*), max(vc) FROM m GROUP BY mm, c;
SELECT (g, h), count(*) FROM m GROUP BY (g, h);
SELECT ROW(g, h)::text, count(*) FROM m GROUP BY ROW(g, h)::text;
SELECT odd(g), count(*) FROM m GROUP BY odd(g);
SELECT g, i4 > (SELECT avg(i4) FROM m) AS above, count(*) FROM m GROUP BY g, above;
SELECT n.label, count(*), sum(m.i4) FROM m JOIN names n ON n.id = m.g GROUP BY n.label;
SELECT n.label, m.h, count(*), stddev(m.i4), count(DISTINCT m.k) FROM m LEFT JOIN names n ON n.id = m.g GROUP BY n.label, m.h;
SELECT m.g, count(*), sum(i.price), count(DISTINCT i.line) FROM m JOIN items i USING (k) GROUP BY m.g;
SELECT m.g, sum(i.price), avg(m.i4) FROM m LEFT JOIN items i ON i.k = m.k AND i.line = m.id GROUP BY m.g;
SELECT g, (SELECT count(*) FROM names WHERE id < sum(m.i2)) FROM m GROUP BY g;
SELECT g, sum((SELECT n.id FROM names n WHERE n.id = m.g)) FROM m GROUP BY g;
-- @ordered
SELECT g, sum(i4) AS s FROM m GROUP BY g ORDER BY s DESC, g LIMIT 3;
-- @ordered
SELECT h, avg(i4) FROM m GROUP BY h ORDER BY avg(i4), h NULLS FIRST;
-- @ordered
SELECT g, count(*) FROM m GROUP BY g ORDER BY stddev(i4) DESC NULLS LAST, g OFFSET 1;
-- @ordered
SELECT g, count(*) FROM m GROUP BY g ORDER BY count(DISTINCT h) FILTER (WHERE b), g DESC FETCH FIRST 2 ROWS WITH TIES;
SELECT DISTINCT count(*) FROM m GROUP BY g, h;
SELECT DISTINCT ON (h) h, g, count(*) FROM m GROUP BY g, h ORDER BY h, count(*) DESC, g;
SELECT g, sum(i4), rank() OVER (ORDER BY sum(i4)), sum(sum(i4)) OVER (ORDER BY g), sum(i4) FILTER (WHERE b) * 100 / sum(sum(abs(i4))) OVER () FROM m GROUP BY g;
SELECT g, count(*), lag(count(*)) OVER (ORDER BY g NULLS FIRST), max(avg(n)) OVER () FROM m GROUP BY g;
SELECT generate_series(1, count(*)::int % 3 + 1), g FROM m GROUP BY g;
SELECT sum(n), max(a) FROM by_g WHERE s > 0;
SELECT a.g, a.n, b.n FROM by_g a JOIN (SELECT g, count(*) FILTER (WHERE b) AS n FROM m GROUP BY g) b USING (g);
SELECT g, count(*) FROM m GROUP BY g UNION ALL SELECT k, sum(i4) FROM m GROUP BY k;
WITH q AS (SELECT g, h, sum(i4) AS s FROM m GROUP BY g, h) SELECT h, max(s), count(*) FROM q GROUP BY h;
-- Grouping sets.
SELECT g, h, count(*), sum(i4), avg(n), grouping(g), grouping(h), grouping(g, h) FROM m GROUP BY ROLLUP (g, h);
SELECT g, h, count(*), sum(i4), avg(i4), min(t), max(nick), grouping(h, g) FROM m GROUP BY CUBE (g, h);
SELECT g, h, b, count(*), sum(i8), avg(f8) FROM m GROUP BY GROUPING SETS ((g, h), (h, b), (b), ());
SELECT k, g, count(*), sum(i4) FROM m GROUP BY ROLLUP (k, g);
SELECT k, g, count(*), sum(i4), grouping(k), grouping(g) FROM m GROUP BY GROUPING SETS ((k, g), (k));
SELECT k, g, h, count(*) FROM m GROUP BY k, ROLLUP (g, h);
SELECT k, g, h, count(*), avg(i4) FROM m GROUP BY k, CUBE (g, h) HAVING count(*) > 2;
SELECT g, h, count(*) FROM m GROUP BY GROUPING SETS ((g), (g), (h), (h), ());
SELECT g, count(*), sum(i4) FROM m GROUP BY GROUPING SETS ((), (), (g));
SELECT count(*), sum(i4) FROM m GROUP BY GROUPING SETS ((), ());
SELECT count(*), sum(n), max(a) FROM void GROUP BY GROUPING SETS ((), ());
SELECT a, t, count(*), sum(n), grouping(a, t) FROM void GROUP BY CUBE (a, t);
SELECT a, count(*) FROM void GROUP BY GROUPING SETS ((a));
SELECT a, t, count(*), grouping(a, t) FROM nulls GROUP BY CUBE (a, t);
SELECT g, h, count(*) FROM m GROUP BY DISTINCT ROLLUP (g, h), ROLLUP (g);
SELECT g, h, count(*) FROM m GROUP BY ALL ROLLUP (g), ROLLUP (g, h);
SELECT g, h, count(*), sum(i4) FROM m GROUP BY CUBE (g), ROLLUP (h);
SELECT g, h, b, count(*) FROM m GROUP BY ROLLUP ((g, h), b);
SELECT g, h, b, count(*), grouping(b, g, h) FROM m GROUP BY GROUPING SETS (ROLLUP (g, h), CUBE (b), (h, b));
SELECT region, year, quarter, sum(amount), avg(amount), count(*), grouping(region, year, quarter) FROM sales GROUP BY ROLLUP (region, year, quarter);
SELECT region, year, sum(amount), count(amount), min(product), max(qty), grouping(region, year) FROM sales GROUP BY CUBE (region, year);
SELECT product, region, sum(amount), grouping(product, region) FROM sales GROUP BY ROLLUP (product, region);
SELECT year, count(DISTINCT product), count(DISTINCT region), sum(DISTINCT qty) FROM sales GROUP BY ROLLUP (year);
SELECT region, year, count(DISTINCT product) FILTER (WHERE qty > 3), sum(amount) FILTER (WHERE quarter = 1) FROM sales GROUP BY CUBE (region, year);
SELECT region, year, string_agg(product, ',' ORDER BY product, qty), array_agg(qty ORDER BY qty) FROM sales WHERE qty < 3 GROUP BY ROLLUP (region, year);
SELECT region, stddev(amount), variance(qty), round(corr(amount, qty)::numeric, 8), regr_count(amount, qty) FROM sales GROUP BY ROLLUP (region);
SELECT region, percentile_disc(0.5) WITHIN GROUP (ORDER BY amount), mode() WITHIN GROUP (ORDER BY product) FROM sales GROUP BY ROLLUP (region);
SELECT region, year, bool_and(qty < 8), bit_or(qty), max(amount), jsonb_agg(qty ORDER BY qty) FILTER (WHERE qty > 6) FROM sales GROUP BY CUBE (region, year);
SELECT g, range_agg(r), range_intersect_agg(mr), sum(iv), sum(mo), avg(iv) FROM m GROUP BY ROLLUP (g);
SELECT g, max(ia), min(mm), min(c), max(tz), min(net) FROM m GROUP BY ROLLUP (g);
SELECT g, sum(n), max(f), avg(f4) FROM special GROUP BY ROLLUP (g);
SELECT g % 2 AS x, h || '!' AS y, count(*), sum(i4), grouping(g % 2), grouping(h || '!') FROM m GROUP BY ROLLUP (g % 2, h || '!');
SELECT g + 1, g, count(*) FROM m GROUP BY GROUPING SETS ((g), (g + 1));
SELECT g + h::int8, count(*) FROM (SELECT g, '1' AS h FROM m) z GROUP BY CUBE (g, h);
SELECT coalesce(g, -1), grouping(g), count(*) FROM m GROUP BY ROLLUP (g);
SELECT g IS NULL, h IS NULL, count(*) FROM m GROUP BY CUBE (g, h);
SELECT upper(h), count(*) FROM m GROUP BY ROLLUP (h);
SELECT CASE WHEN grouping(g) = 1 THEN 'all' ELSE coalesce(g::text, 'none') END AS label, sum(i4) FROM m GROUP BY ROLLUP (g);
SELECT g, h, count(*) FROM m GROUP BY CUBE (g, h) HAVING grouping(g) = 1 OR count(*) > 12;
SELECT g, h, sum(i4) FROM m GROUP BY CUBE (g, h) HAVING g = 1;
SELECT g, h, sum(i4) FROM m GROUP BY ROLLUP (g, h) HAVING h IS NULL AND sum(i4) > 100;
SELECT g, h, sum(i4) FROM m WHERE g > 0 GROUP BY GROUPING SETS ((g), (h)) HAVING sum(i4) FILTER (WHERE b) > 50;
SELECT g, count(*) FROM m GROUP BY GROUPING SETS ((g), ()) HAVING count(DISTINCT h) > 2;
SELECT 'c' AS c, g, count(*) FROM m GROUP BY ROLLUP (c, g);
SELECT 1 AS one, count(*) FROM m GROUP BY GROUPING SETS ((), (1));
-- @ordered
SELECT g, h, count(*), grouping(g, h) FROM m GROUP BY ROLLUP (g, h) ORDER BY grouping(g, h), g, h;
-- @ordered
SELECT region, year, sum(amount) AS s FROM sales GROUP BY CUBE (region, year) ORDER BY s DESC NULLS LAST, region, year LIMIT 6;
-- @ordered
SELECT g, count(*) FROM m GROUP BY ROLLUP (g) ORDER BY grouping(g) DESC, g NULLS FIRST FETCH FIRST 3 ROWS ONLY;
SELECT DISTINCT grouping(g, h), count(*) > 20 FROM m GROUP BY CUBE (g, h);
SELECT DISTINCT g FROM m GROUP BY CUBE (g, h);
SELECT g, h, sum(i4), rank() OVER (PARTITION BY grouping(g, h) ORDER BY sum(i4), g, h) FROM m GROUP BY ROLLUP (g, h);
SELECT g, sum(count(*)) OVER (ORDER BY grouping(g), g NULLS FIRST) FROM m GROUP BY ROLLUP (g);
SELECT z.g, max(z.c) FROM (SELECT g, h, count(*) AS c FROM m GROUP BY CUBE (g, h)) z GROUP BY z.g;
SELECT z.g, z.c, n.label FROM (SELECT g, count(*) AS c FROM m GROUP BY ROLLUP (g)) z LEFT JOIN names n ON n.id = z.g;
SELECT z.* FROM (SELECT g, h, sum(i4) AS s FROM m GROUP BY CUBE (g, h)) z WHERE z.g = 1;
SELECT z.* FROM (SELECT g, h, sum(i4) AS s FROM m GROUP BY ROLLUP (g, h)) z WHERE z.h = 'h1' AND z.s > 10;
SELECT n.label, m.h, count(*), sum(m.i4), grouping(n.label, m.h) FROM m JOIN names n ON n.id = m.g GROUP BY CUBE (n.label, m.h);
SELECT m.g, count(*), sum(i.price), count(DISTINCT i.line) FROM m JOIN items i USING (k) GROUP BY ROLLUP (m.g);
SELECT m.k, m.g, count(*), sum(i.price) FROM m JOIN items i USING (k) GROUP BY GROUPING SETS ((m.k, m.g), (m.k));
SELECT g, count(*) FROM m GROUP BY ROLLUP (g) UNION ALL SELECT k, count(*) FROM m GROUP BY CUBE (k);
SELECT g, (SELECT count(*) FROM names WHERE id = m.g), count(*) FROM m GROUP BY ROLLUP (g);
SELECT g, count(*), (SELECT grouping(m.g)) FROM m GROUP BY ROLLUP (g);
SELECT g, sum((SELECT max(id) FROM names)), count(*) FILTER (WHERE i4 > (SELECT avg(i4) FROM m)) FROM m GROUP BY ROLLUP (g);
SELECT g, array_agg(x.c ORDER BY x.c) FROM (SELECT g, h, count(*) AS c FROM m GROUP BY GROUPING SETS ((g, h), (g))) x GROUP BY ROLLUP (g);
SELECT g, h, total(i4), plus_text(h ORDER BY id), weighted(n, i4), average(f8) FROM m WHERE id < 80 GROUP BY GROUPING SETS ((g), (h), ());
SELECT g, rank(5) WITHIN GROUP (ORDER BY i4), percentile_cont(0.5) WITHIN GROUP (ORDER BY i4) FILTER (WHERE b) FROM m GROUP BY GROUPING SETS ((g), ());
SELECT g, sum(mo) FROM huge GROUP BY ROLLUP (g);
SELECT g, sum(i8), avg(i8) FROM huge GROUP BY CUBE (g);
SELECT c, nick, count(*) FROM m GROUP BY GROUPING SETS ((c), (nick), (c, nick)) HAVING count(*) > 8;
SELECT mm, ia, count(*), grouping(mm, ia) FROM m GROUP BY GROUPING SETS ((mm), (ia), ());
SELECT generate_series(1, 2), g, count(*) FROM m GROUP BY ROLLUP (g);
SELECT m.k, m.g, m.id FROM m WHERE id < 12 GROUP BY GROUPING SETS ((k, g, id), (id));
SELECT k, count(*) FROM m WHERE k = 3 GROUP BY ROLLUP (k);
SELECT k, g, sum(i4) FROM m WHERE k = 3 GROUP BY CUBE (k, g);
SELECT k, count(*) FROM m WHERE false GROUP BY ROLLUP (k);
-- The same with other plans above the shards.
SET enable_hashagg = off;
SELECT g, h, count(*), sum(i4), avg(n), count(DISTINCT b) FROM m GROUP BY CUBE (g, h);
SELECT g, stddev(i4), count(DISTINCT h), string_agg(DISTINCT h, ',' ORDER BY h) FROM m GROUP BY g;
RESET enable_hashagg;
SET enable_sort = off;
SELECT g, h, count(*), sum(i4), avg(n) FROM m GROUP BY CUBE (g, h);
SELECT g, stddev(i4), count(DISTINCT h), count(*) FILTER (WHERE b) FROM m GROUP BY g;
RESET enable_sort;
SET plan_cache_mode = force_generic_plan;
PREPARE p1(int, text) AS SELECT g, sum(i4 + $1), count(*) FILTER (WHERE h = $2), string_agg(h, $2 ORDER BY id) FROM m WHERE id < 50 GROUP BY g HAVING count(*) > $1;
EXECUTE p1(1, 'h1');
EXECUTE p1(NULL, NULL);
PREPARE p2(int) AS SELECT k % $1 AS x, count(*), avg(i4), grouping(k % $1) FROM m GROUP BY ROLLUP (k % $1);
EXECUTE p2(3);
EXECUTE p2(4);
PREPARE p3(float8) AS SELECT percentile_disc($1) WITHIN GROUP (ORDER BY i4), sum(i4), stddev(i4) FROM m WHERE k <> 3;
EXECUTE p3(0.5);
EXECUTE p3(1);
RESET plan_cache_mode;
CREATE TABLE copied AS SELECT g, h, count(*) AS c, sum(i4) AS s, avg(n) AS a, stddev(i4) AS d FROM m GROUP BY CUBE (g, h);
SELECT * FROM copied;
BEGIN;
DELETE FROM m WHERE k = 4;
UPDATE m SET i4 = 1000 WHERE k = 5;
SELECT g, count(*), sum(i4), avg(i4), stddev(i4), count(DISTINCT h) FROM m GROUP BY ROLLUP (g);
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT g, h, count(*), avg(i4) FROM m GROUP BY ROLLUP (g, h) ORDER BY grouping(g, h), g, h;
-- @ordered
FETCH 5 FROM c;
-- @ordered
FETCH BACKWARD 2 FROM c;
-- @ordered
FETCH LAST FROM c;
COMMIT;
