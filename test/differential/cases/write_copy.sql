-- COPY FROM in text and CSV: options, defaults, WHERE, errors in the middle, COPY inside transactions.
-- @setup
CREATE TABLE t (k int, v text DEFAULT 'dflt', n numeric(8,2), d date, s serial, CHECK (n < 1000));
CREATE TABLE u (name text PRIMARY KEY, tags text[], j jsonb, b boolean, g text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE r (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE idt (k int, id int GENERATED ALWAYS AS IDENTITY, ts timestamptz DEFAULT timestamptz '2024-01-01 00:00+00');
-- @distribute
SELECT create_distributed_table('t', 'k');
SELECT create_distributed_table('u', 'name');
SELECT create_reference_table('r');
SELECT create_distributed_table('idt', 'k');
-- @run
COPY t (k, v, n, d) FROM STDIN;
1	one	1.5	2024-01-01
2	\N	2.555	\N
\N	null key	3	2024-02-29
4	tab\there and \\ backslash	4	infinity
5	new\nline	5	2024-05-05
\.
COPY t (v, k) FROM STDIN;
reordered	6
again	7
\.
COPY t (k) FROM STDIN;
8
9
10
\.
COPY t (k, v, n) FROM STDIN WITH (FORMAT csv);
11,plain,1
12,"quoted, comma",2
13,"with ""quotes""",3
14,"two
lines",4
15,,5
16,"",6
\.
COPY t (k, v, n) FROM STDIN WITH (FORMAT csv, HEADER);
k,v,n
17,header,1
\.
COPY t (k, v, n) FROM STDIN WITH (FORMAT csv, HEADER MATCH);
k,v,wrong
18,header,1
\.
COPY t (k, v, n) FROM STDIN WITH (FORMAT csv, DELIMITER ';', NULL 'NIL', QUOTE '$', ESCAPE '!');
19;$a;b!$c$;NIL
20;NIL;5
\.
COPY t (k, v) FROM STDIN (DELIMITER '|', NULL '');
21|a
22|
|b
\.
COPY t (k, v) FROM STDIN CSV FORCE NULL v;
23,""
\.
COPY t (k, v) FROM STDIN CSV FORCE NOT NULL v;
24,
\.
COPY t (k, v, n) FROM STDIN WHERE n > 2 AND v <> 'skip';
30	a	1
31	b	3
32	skip	5
33	c	\N
\.
COPY t (k, v, n) FROM STDIN WHERE k % 2 = 0;
40	a	1
41	b	3
42	c	3
\.
COPY t (k, v, n) FROM STDIN;
50	a	1
51	b	x
52	c	1
\.
COPY t (k, v, n) FROM STDIN;
50	a	1
51	b	5000
52	c	1
\.
SELECT setval('t_s_seq', 100);
COPY t (k, v, n) FROM STDIN;
notanumber	a	1
\.
COPY t (k, v, n) FROM STDIN;
53	a
\.
COPY t (k, v, n) FROM STDIN;
53	a	1	extra
\.
COPY t (k, nope) FROM STDIN;
53	a
\.
COPY t (k, v, v) FROM STDIN;
53	a	b
\.
COPY t (k, v, n) FROM STDIN WITH (FORMAT nope);
53	a	b
\.
SELECT setval('t_s_seq', 200);
COPY t FROM STDIN;
\.
COPY u (name, tags, j, b) FROM STDIN;
ann	{a,"b c",NULL}	{"x": [1, 2]}	t
böb	{}	null	f
	\N	\N	\N
\.
COPY u (name, tags) FROM STDIN;
carl	{x}
ann	{dup}
dora	{}
\.
COPY u (name, tags) FROM STDIN;
eve	{x}
eve	{dup}
\.
COPY u (name, tags) FROM STDIN;
\N	{x}
\.
COPY u (name, j) FROM STDIN;
fred	{broken
\.
COPY u (name, b) FROM STDIN;
gina	perhaps
\.
COPY u (name, g) FROM STDIN;
hugo	X
\.
COPY r FROM STDIN;
1	one
2	two
\.
COPY r FROM STDIN;
3	three
1	dup
\.
COPY r FROM STDIN;
4	\N
\.
COPY r FROM STDIN WHERE id > 10;
5	five
11	eleven
\.
COPY idt (k) FROM STDIN;
1
2
3
\.
COPY idt FROM STDIN;
4	1000	2024-05-05 12:00+02
\.
COPY idt (k, ts) FROM STDIN;
5	2024-05-05 12:00
\.
SET TimeZone = 'Asia/Tokyo';
COPY idt (k, ts) FROM STDIN;
6	2024-05-05 12:00
\.
SET DateStyle = 'SQL, DMY';
COPY t (k, d) FROM STDIN;
60	05/04/2024
\.
SET DateStyle = 'SQL, MDY';
COPY t (k, d) FROM STDIN;
61	05/04/2024
\.
RESET DateStyle;
RESET TimeZone;
BEGIN;
COPY t (k, v) FROM STDIN;
70	in transaction
71	in transaction
\.
SELECT count(*) FROM t WHERE v = 'in transaction';
UPDATE t SET n = 1 WHERE k = 70;
SAVEPOINT s;
COPY t (k, n) FROM STDIN;
72	1
73	oops
\.
SELECT 1;
ROLLBACK TO s;
SELECT setval('t_s_seq', 300);
COPY t (k, v) FROM STDIN;
74	in transaction
\.
COMMIT;
BEGIN;
COPY t (k, v) FROM STDIN;
80	rolled back
\.
COPY r FROM STDIN;
80	rolled back
\.
ROLLBACK;
SELECT k, v, n, d FROM t WHERE k >= 60;
SELECT * FROM u;
SELECT s, count(*) FROM t GROUP BY s HAVING count(*) > 1;
COPY u TO STDOUT CSV HEADER;
COPY (SELECT k, id FROM idt) TO STDOUT;
