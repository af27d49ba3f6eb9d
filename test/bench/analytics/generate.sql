-- Fills the tables: psql -v scale=0.01 -f generate.sql. The same scale gives the same rows everywhere.
-- Scale 1 is about 1 GB in tables. Facts and customers grow with the scale, products and shops with its root.
\if :{?scale}
\else
\set scale 0.01
\endif
SET client_min_messages = warning;
SET timezone = 'UTC';

-- A number in [0, 1) that depends on n and on what it is for.
CREATE FUNCTION bench_rnd(n bigint, salt bigint) RETURNS float8 IMMUTABLE LANGUAGE sql
    AS 'SELECT ((hashint8extended(n, salt) >> 12) & 2251799813685247)::float8 / 2251799813685248';

-- A whole number from 0 to below - 1.
CREATE FUNCTION bench_int(n bigint, salt bigint, below int) RETURNS int IMMUTABLE LANGUAGE sql
    AS 'SELECT floor(bench_rnd(n, salt) * below)::int';

CREATE FUNCTION bench_pick(n bigint, salt bigint, words text[]) RETURNS text IMMUTABLE LANGUAGE sql
    AS 'SELECT words[1 + floor(bench_rnd(n, salt) * cardinality(words))::int]';

SELECT greatest(200, (200000 * :scale)::int) AS customers,
       greatest(300, (30000 * sqrt(:scale))::int) AS products,
       greatest(25, (200 * sqrt(:scale))::int) AS shops,
       greatest(40, (1000 * sqrt(:scale))::int) AS suppliers,
       greatest(30, (400 * sqrt(:scale))::int) AS promotions,
       greatest(2000, (2000000 * :scale)::int) AS orders,
       greatest(3000, (3000000 * :scale)::int) AS stocks,
       greatest(2000, (2000000 * :scale)::int) AS visits \gset

-- --- dimensions ------------------------------------------------------------------------------------

INSERT INTO region
SELECT g,
       CASE WHEN g > 25 THEN 6 + (g - 26) % 20 WHEN g > 5 THEN 1 + (g - 6) % 5 END,
       CASE WHEN g > 25 THEN 3 WHEN g > 5 THEN 2 ELSE 1 END,
       CASE WHEN g > 25 THEN (ARRAY['North','South','East','West','Upper','Lower'])[1 + g % 6] || ' district ' || g
            WHEN g > 5 THEN (ARRAY['Arden','Belmar','Corvia','Dunmere','Estland','Farrow','Gallia','Hestia','Ivora','Jutmark',
                                   'Kestel','Lorne','Mirland','Norvik','Ostara','Pellan','Quern','Rhoss','Sylve','Tarn'])[g - 5]
            ELSE (ARRAY['Middle Lands','North Coast','Great Plain','Islands','Far South'])[g] END,
       CASE WHEN g > 25 THEN (ARRAY['AR','BE','CO','DU','ES','FA','GA','HE','IV','JU','KE','LO','MI','NO','OS','PE','QU','RH','SY','TA'])[1 + (g - 26) % 20]
            WHEN g > 5 THEN (ARRAY['AR','BE','CO','DU','ES','FA','GA','HE','IV','JU','KE','LO','MI','NO','OS','PE','QU','RH','SY','TA'])[g - 5] END
FROM generate_series(1, 105) g;

INSERT INTO calendar
SELECT d, extract(year FROM d), extract(quarter FROM d), extract(month FROM d), extract(week FROM d),
       extract(isodow FROM d), extract(isodow FROM d) > 5,
       (ARRAY['winter','winter','spring','spring','spring','summer','summer','summer','autumn','autumn','autumn','winter'])[extract(month FROM d)::int],
       CASE to_char(d, 'MM-DD') WHEN '01-01' THEN 'new year' WHEN '05-01' THEN 'labour day' WHEN '06-21' THEN 'midsummer'
            WHEN '10-31' THEN 'harvest' WHEN '12-24' THEN 'gift eve' WHEN '12-25' THEN 'gift day' END
FROM (SELECT date '2020-01-01' + n AS d FROM generate_series(0, 1826) n) days;

INSERT INTO category
SELECT g,
       CASE WHEN g > 40 THEN 9 + (g - 41) % 32 WHEN g > 8 THEN 1 + (g - 9) % 8 END,
       CASE WHEN g > 40 THEN (ARRAY['basic','classic','premium'])[1 + (g - 41) / 32] || ' line ' || g
            WHEN g > 8 THEN 'group ' || g
            ELSE (ARRAY['garden','kitchen','toys','clothing','sports','books','electronics','food'])[g] END,
       0.10 + (g * 7 % 40) / 100.0
FROM generate_series(1, 136) g;

INSERT INTO supplier
SELECT g, 26 + bench_int(g, 101, 80),
       bench_pick(g, 102, ARRAY['Alba','Brook','Cedar','Delta','Ember','Fjord','Grove','Harbor']) || ' ' ||
       bench_pick(g, 103, ARRAY['Works','Trading','Mills','Goods','Supply']) || ' ' || g,
       CASE WHEN bench_rnd(g, 104) > 0.15 THEN round((1 + 4 * bench_rnd(g, 105))::numeric, 1) END,
       date '2005-01-01' + bench_int(g, 106, 6000)
FROM generate_series(1, :suppliers) g;

INSERT INTO product
SELECT g,
       41 + floor(96 * bench_rnd(g, 201) ^ 1.5)::int,
       CASE WHEN bench_rnd(g, 202) > 0.03 THEN 1 + floor(:suppliers * bench_rnd(g, 203) ^ 2)::int END,
       bench_pick(g, 204, ARRAY['Light','Heavy','Folding','Smart','Plain','Royal','Tiny','Grand','Silent','Rapid']) || ' ' ||
       bench_pick(g, 205, ARRAY['lamp','chair','pan','ball','shirt','novel','radio','tea','spade','kite','boots','clock']) || ' ' || g,
       'brand ' || lpad(floor(60 * bench_rnd(g, 206) ^ 2)::text, 2, '0'),
       CASE WHEN bench_rnd(g, 207) > 0.25 THEN bench_pick(g, 208, ARRAY['red','green','blue','black','white','grey']) END,
       price, round(price * (0.4 + 0.4 * bench_rnd(g, 209))::numeric, 2),
       CASE WHEN bench_rnd(g, 210) > 0.1 THEN round((0.05 + 20 * bench_rnd(g, 211) ^ 4)::numeric, 3)::float8 END,
       date '2015-01-01' + bench_int(g, 212, 2500),
       CASE WHEN bench_rnd(g, 213) < 0.12 THEN date '2022-01-01' + bench_int(g, 214, 900) END
FROM (SELECT g, round((1 + 400 * bench_rnd(g, 200) ^ 3)::numeric, 2) AS price FROM generate_series(1, :products) g) p;

INSERT INTO shop
SELECT g, 26 + bench_int(g, 301, 80), 'Shop ' || lpad(g::text, 3, '0'),
       CASE WHEN g % 12 = 0 THEN 'warehouse' ELSE bench_pick(g, 302, ARRAY['store','store','store','outlet','pickup']) END,
       date '2008-01-01' + bench_int(g, 303, 5000),
       CASE WHEN bench_rnd(g, 304) < 0.08 THEN date '2022-06-01' + bench_int(g, 305, 500) END,
       CASE WHEN bench_rnd(g, 306) > 0.1 THEN 80 + bench_int(g, 307, 2400) END
FROM generate_series(1, :shops) g;

INSERT INTO promotion
SELECT g, bench_pick(g, 401, ARRAY['Spring','Happy','Super','Flash','Double']) || ' ' || bench_pick(g, 402, ARRAY['days','deal','week','bonus']) || ' ' || g,
       bench_pick(g, 403, ARRAY['percent','percent','coupon','bundle']),
       CASE WHEN bench_rnd(g, 404) > 0.3 THEN 1 + bench_int(g, 405, 8) END,
       starts, starts + 3 + bench_int(g, 406, 25), (5 + bench_int(g, 407, 8) * 5) / 100.0,
       CASE WHEN bench_rnd(g, 408) > 0.2 THEN 1000 + 500 * bench_int(g, 409, 100) END
FROM (SELECT g, date '2021-01-01' + bench_int(g, 400, 1060) AS starts FROM generate_series(1, :promotions) g) p;

INSERT INTO carrier
SELECT g, (ARRAY['Arrow','Badger','Comet','Dove','Eagle','Falcon','Gull','Hare','Ibis','Jackal','Kite','Lynx'])[g],
       (ARRAY['road','road','road','rail','air','bike'])[1 + g % 6], 0.5 + g * 0.15
FROM generate_series(1, 12) g;

INSERT INTO customer
SELECT g, 26 + floor(80 * bench_rnd(g, 501) ^ 1.6)::int,
       CASE WHEN g > 10 AND bench_rnd(g, 502) < 0.3 THEN 1 + floor((g - 1) * bench_rnd(g, 503) ^ 2)::bigint END,
       first || ' ' || last,
       CASE WHEN bench_rnd(g, 506) > 0.12 THEN lower(first || '.' || last) || g || '@' ||
            bench_pick(g, 507, ARRAY['mail.example','mail.example','post.example','inbox.example','Work.Example']) END,
       bench_pick(g, 508, ARRAY['private','private','private','private','club','club','business','school']),
       CASE WHEN bench_rnd(g, 509) > 0.2 THEN date '1940-01-01' + bench_int(g, 510, 23700) END,
       date '2018-01-01' + floor(2190 * bench_rnd(g, 511))::int,
       CASE WHEN bench_rnd(g, 512) > 0.5 THEN round((5000 * bench_rnd(g, 513) ^ 2)::numeric, 2) END
FROM (SELECT g, bench_pick(g, 504, ARRAY['Ada','Bo','Cleo','Dan','Eve','Finn','Gia','Hugo','Ines','Jon','Kai','Lea','Max','Nia','Otto','Pia']) AS first,
             bench_pick(g, 505, ARRAY['Abel','Berg','Croft','Dale','Ebner','Frost','Gray','Hill','Iver','Jansen','Koch','Lind','Moor','Nagy']) AS last
        FROM generate_series(1, :customers) g) c;

-- --- facts -----------------------------------------------------------------------------------------

-- A few customers order most; December and weekends are busy; a growing part comes from the web.
INSERT INTO orders
SELECT customer_id, g,
       CASE WHEN channel IN ('shop', 'pickup') THEN 1 + floor(:shops * bench_rnd(g, 602) ^ 1.5)::int END,
       CASE WHEN bench_rnd(g, 603) < 0.22 THEN 1 + bench_int(g, 604, :promotions) END,
       day + make_interval(secs => 25200 + bench_int(g, 605, 57600)), day, channel,
       CASE WHEN day > date '2023-12-20' AND bench_rnd(g, 606) < 0.5 THEN 'open'
            ELSE (ARRAY['done','done','done','done','done','done','done','done','cancelled','failed'])[1 + bench_int(g, 607, 10)] END,
       CASE WHEN bench_rnd(g, 608) > 0.05 THEN bench_pick(g, 609, ARRAY['card','card','card','invoice','cash','voucher']) END,
       CASE WHEN bench_rnd(g, 610) < 0.08 THEN bench_pick(g, 611, ARRAY['please ring twice','leave at the door','Gift wrap!','call before delivery','no plastic']) END
FROM (SELECT g, 1 + floor(:customers * bench_rnd(g, 600) ^ 2)::bigint AS customer_id, day,
             CASE WHEN bench_rnd(g, 601) < 0.2 + (day - date '2021-01-01') / 3000.0 THEN 'web'
                  WHEN bench_rnd(g, 612) < 0.1 THEN 'phone' WHEN bench_rnd(g, 613) < 0.15 THEN 'pickup' ELSE 'shop' END AS channel
        FROM (SELECT g, CASE WHEN bench_rnd(g, 614) < 0.08 THEN date '2021-12-01' + 365 * bench_int(g, 615, 3) + bench_int(g, 616, 30)
                             ELSE date '2021-01-01' + bench_int(g, 617, 1095) END AS day
                FROM generate_series(1, :orders) g) d) o;

INSERT INTO sale
SELECT l.customer_id, l.order_id, l.line_no, l.product_id,
       1 + floor(9 * bench_rnd(l.line_id, 702) ^ 3)::int,
       round(p.price * (0.9 + 0.2 * bench_rnd(l.line_id, 703))::numeric, 2),
       CASE WHEN l.promotion_id IS NOT NULL AND bench_rnd(l.line_id, 704) < 0.7 THEN (1 + bench_int(l.line_id, 705, 8)) * 0.05 ELSE 0 END,
       CASE WHEN bench_rnd(l.line_id, 706) > 0.6 THEN bench_rnd(l.line_id, 707) < 0.1 END
FROM (SELECT o.customer_id, o.order_id, o.promotion_id, n AS line_no, o.order_id * 8 + n AS line_id,
             1 + floor(:products * bench_rnd(o.order_id * 8 + n, 701) ^ 2)::int AS product_id
        FROM orders o, generate_series(1, 1 + bench_int(o.order_id, 700, 5)) n) l
JOIN product p ON p.product_id = l.product_id;

INSERT INTO shipment
SELECT customer_id, s, order_id, 1 + floor(12 * bench_rnd(s, 801) ^ 2)::int, coalesce(shop_id, 1 + bench_int(s, 802, :shops)),
       shipped_on, CASE WHEN bench_rnd(s, 803) > 0.03 THEN shipped_on + floor(1 + 14 * bench_rnd(s, 804) ^ 3)::int END,
       round((0.1 + 30 * bench_rnd(s, 805) ^ 3)::numeric, 2)::float8, round((2 + 25 * bench_rnd(s, 806) ^ 2)::numeric, 2)
FROM (SELECT o.*, o.order_id * 2 + n AS s, o.ordered_on + bench_int(o.order_id * 2 + n, 800, 5) AS shipped_on
        FROM orders o, generate_series(0, CASE WHEN bench_rnd(o.order_id, 807) < 0.1 THEN 1 ELSE 0 END) n
       WHERE o.status = 'done' AND (o.channel <> 'shop' OR bench_rnd(o.order_id, 808) < 0.7)) o;

INSERT INTO refund
SELECT s.customer_id, s.order_id * 8 + s.line_no, s.order_id, s.line_no, o.ordered_on + 3 + bench_int(s.order_id * 8 + s.line_no, 901, 38),
       q.quantity, round(q.quantity * s.unit_price * (1 - s.discount), 2),
       CASE WHEN bench_rnd(s.order_id * 8 + s.line_no, 902) > 0.2
            THEN bench_pick(s.order_id * 8 + s.line_no, 903, ARRAY['broken','too late','wrong item','not as shown','too small','changed mind']) END
FROM sale s JOIN orders o USING (customer_id, order_id),
     LATERAL (SELECT 1 + bench_int(s.order_id * 8 + s.line_no, 904, s.quantity) AS quantity) q
WHERE o.status = 'done' AND bench_rnd(s.order_id * 8 + s.line_no, 900) < CASE WHEN s.product_id % 17 = 0 THEN 0.3 ELSE 0.06 END;

INSERT INTO stock
SELECT product_id, 1 + (product_id * 7 + n / 12) % :shops,
       (date '2023-02-01' + make_interval(months => (n + product_id) % 12))::date - 1,
       floor(200 * bench_rnd(g, 1001) ^ 2)::int, bench_int(g, 1002, 15),
       CASE WHEN bench_rnd(g, 1003) > 0.2 THEN 5 + bench_int(product_id, 1004, 40) END
FROM (SELECT g, 1 + g % :products AS product_id, g / :products AS n FROM generate_series(0, :stocks - 1) g) s;

INSERT INTO visit
SELECT g, CASE WHEN bench_rnd(g, 1101) > 0.25 THEN 1 + floor(:customers * bench_rnd(g, 1102) ^ 2)::bigint END,
       CASE WHEN bench_rnd(g, 1103) > 0.1 THEN 1 + floor(:products * bench_rnd(g, 1104) ^ 1.5)::int END,
       timestamp '2022-07-01' + make_interval(secs => bench_int(g, 1105, 548 * 86400)),
       floor(1 + 1800 * bench_rnd(g, 1106) ^ 3)::int, floor(1 + 30 * bench_rnd(g, 1107) ^ 3)::int,
       bench_pick(g, 1108, ARRAY['phone','phone','phone','desktop','desktop','tablet']),
       CASE WHEN bench_rnd(g, 1109) > 0.15 THEN bench_pick(g, 1110, ARRAY['search','search','mail','partner','social','direct']) END,
       CASE WHEN bench_rnd(g, 1111) > 0.3 THEN bench_rnd(g, 1112) END
FROM generate_series(1, :visits) g;

DROP FUNCTION bench_pick(bigint, bigint, text[]), bench_int(bigint, bigint, int), bench_rnd(bigint, bigint);
