r"""Scalar expressions by the kind of their value, as texts with holes.

{int} is an expression of that kind, {A} and {B} of any kind (the same one wherever the letter stands), {E} of any kind but
arrays, {col} a column of any kind, {n} a small positive number, {nz} an integer that is not 0, {1} the first hole again.
Nothing here can fail for any values: otherwise it would depend on the plan whether a query fails.  That is why products
are cut with %.
"""

ANY = """
CASE WHEN {bool} THEN {A} ELSE {A} END
CASE WHEN {bool} THEN {A} WHEN {bool} THEN {A} END
CASE {B} WHEN {B} THEN {A} WHEN {B} THEN {A} ELSE {A} END
coalesce({A}, {A})
coalesce({A}, {A}, {A})
nullif({A}, {A})
({A})
"""

TEMPLATES = {
    "bool": """
{A} = {A}
{A} = {A}
{col} = {A}
{A} <> {A}
{A} < {A}
{A} >= {A}
{A} > {A}
{col} IS NULL
{col} IS NOT NULL
{A} IS DISTINCT FROM {A}
{A} IS NOT DISTINCT FROM {A}
{A} IN ({A}, {A}, {A})
{A} NOT IN ({A}, {A})
{A} BETWEEN {A} AND {A}
{A} NOT BETWEEN SYMMETRIC {A} AND {A}
({A}, {B}) = ({A}, {B})
({A}, {B}) < ({A}, {B})
ROW({A}, {B}) IS NOT DISTINCT FROM ROW({A}, {B})
({A}, {B}) IN (({A}, {B}), ({A}, {B}))
{E} = ANY (ARRAY[{E}, {E}])
{E} <> ALL (ARRAY[{E}, {E}])
({bool} AND {bool})
({bool} OR {bool})
({bool} OR {bool} OR NOT {bool})
NOT ({bool})
({bool}) IS TRUE
({bool}) IS NOT FALSE
({bool}) IS UNKNOWN
{text} LIKE 'a%'
{text} NOT LIKE '%\\_%'
{text} LIKE '%!%%' ESCAPE '!'
{text} ILIKE 'Ä%'
{text} SIMILAR TO '(a|B)%'
{text} ~ '^[a-z]+$'
{text} !~* 'B'
{text} < {text} COLLATE "C"
starts_with({text}, 'a')
{text} ^@ 'a'
{ints} @> ARRAY[{int}]::int[]
{ints} && {ints}
{int} = ANY (({ints})::int[])
{int} < ALL (({ints})::int[])
{text} = ANY (({texts})::text[])
{texts} <@ {texts}
{json} @> {json}
{json} ? 'a'
{json} ?| ARRAY['a', 'n']
jsonb_path_exists({json}, '$.a')
{json} -> 'a' IS NULL
{range} @> ({int})::int
{range} && {range}
({int})::int <@ {range}
{range} -|- {range}
isempty({range})
{days} @> {date}
{mood} = ANY (({moods})::mood[])
{inet} << '10.0.0.0/8'::inet
lower_inf({range})
({date}, {date}) OVERLAPS ({date}, {date})
({tstz}, {ivl}) OVERLAPS ({tstz}, {ivl})
{int} % 2 = 0
({int} & 3) = {n}
({pair}).a = {int}
{pair} IS NULL
{pair} IS NOT NULL
is_even({int})
{A} IN (VALUES ({A}), ({A}))
({A}, {B}) IN (VALUES ({A}, {B}))
{int} IN (SELECT unnest({ints}))
{int} <> ALL (SELECT unnest({ints}))
EXISTS (SELECT 1 WHERE {bool})
fz.vol({int}) >= {int}
random() < 2
{text} COLLATE "en-x-icu" >= {text}
{vec} @@ 'a'::tsquery
to_tsvector('simple', {text}) @@ to_tsquery('simple', 'a | b')
{multi} @> ({int})::int
{range} <@ {multi}
({deep}).l = {ints}
(({deep}).p).a = {int}
num_nulls(VARIADIC {ints}) > 0
{int} OPERATOR(fz.===) {int}
""",
    "int": """
{int} + {int}
{int} - {int}
({int} % 1000) * {n}
({int} % 100) * ({int} % 100)
{int} / {nz}
{int} % {nz}
- {int}
@ ({int})
abs({int})
length({text})
octet_length({text})
position({text} IN {text})
strpos({text}, 'a')
ascii({text})
cardinality({ints})
array_length({texts}, 1)
array_position({ints}, {int})
extract(year FROM {date})::int
date_part('dow', {tstz})::int
({date} - {date})
({ints})[{n}]
({pair}).a
lower({range})
upper({range})
({big} % 1000)::int
({bool})::int
num_nulls({A}, {B}, {A})
num_nonnulls({A}, {B})
width_bucket({int}, 0, 20, 4)
greatest({int}, {int}, {int})
least({int}, {int})
({int} & {int})
({int} # 5)
(({int} & 255) << {n})
length({bytes})
twice({int})
fz.vol({int})
(random() * 0)::int + {int}
(SELECT {int})
(SELECT max(x) FROM unnest({ints}) x)
(SELECT count(*)::int FROM unnest({texts}))
({deep}).s
(({pairs})[1]).a
array_upper({grid}, 1)
fz.plus(b => {int}, a => {n})
char_length({json}::text)
""",
    "big": """
{big} + {int}
{big} - {big}
({big} % 1000) * ({int} % 1000)
{big} / {nz}
{int}::bigint
length({text})::int8
abs({big})
greatest({big}, {int}::bigint)
""",
    "num": """
{num} + {num}
{num} - {num}
{num} * {num}
{num} / {nz}
round({num}, 1)
trunc({num})
abs({num})
{int}::numeric
{int} / 3.0
{int} * 1.10
extract(epoch FROM {ivl})
extract(day FROM {tstz})
ceil({num})
sign({num})
{big} * 2.5
greatest({num}, {num})
trim_scale({num})
- {num}
""",
    "float": """
{float} + {float}
{float} * 0.5
{float} / {nz}
- {float}
abs({float})
{int}::float8
{num}::float8
floor({float})
sqrt(abs({float}))
date_part('epoch', {ivl})
greatest({float}, {float})
""",
    "text": """
{text} || {text}
{text} || {int}
lower({text})
upper({text})
initcap({text})
substr({text}, {n}, {n})
substring({text} FROM {n} FOR 2)
left({text}, {n})
right({text}, -1)
reverse({text})
replace({text}, 'a', 'bb')
trim(BOTH ' a' FROM {text})
ltrim({text})
lpad({text}, 5, '*')
overlay({text} PLACING 'xx' FROM 2)
split_part({text}, ',', 1)
md5({text})
concat({A}, {B})
concat_ws('-', {text}, {int}, {text})
({A})::text
CAST({A} AS text)
format('%s|%L', {A}, {text})
quote_literal({text})
quote_nullable({text})
to_char({date}, 'YYYY-MM-DD')
to_char({tstz}, 'YYYY-MM-DD HH24:MI TZ')
to_char({int}, 'FM0000')
({pair}).b
{json} ->> 'a'
{json} #>> '{{a,b,c}}'
array_to_string({texts}, ',', '*')
({texts})[{n}]
{mood}::text
encode({bytes}, 'hex')
jsonb_typeof({json})
regexp_replace({text}, '[aeiou]', '.', 'g')
translate({text}, 'ab', 'xy')
pg_typeof({A})::text
fz.label({text})
(SELECT string_agg(x, ',' ORDER BY x) FROM unnest({texts}) x)
array_to_string(ARRAY(SELECT unnest({ints})), ',')
{name}::text
{money}::text
{deep}::text
{vec}::text
{zoned}::text
ROW({A}, {B})::text
current_user::text
to_char({num}, 'FM999990.00')
greatest({text}, {text})
{uuid}::text
{chars}::text
host({inet})
CASE WHEN {bool} THEN 'yes' ELSE {text} END
""",
    "date": """
{date} + ({int} % 1000)
{date} - {n}
{tstz}::date
({date} + {ivl})::date
greatest({date}, {date})
(date_trunc('month', {tstz}))::date
""",
    "tstz": """
{tstz} + {ivl}
{tstz} - {ivl}
date_trunc('month', {tstz})
date_trunc('day', {tstz}, 'Asia/Tokyo')
{date}::timestamptz
({tstz} AT TIME ZONE 'UTC') AT TIME ZONE 'Europe/Berlin'
least({tstz}, {tstz})
""",
    "ivl": """
{ivl} + {ivl}
{ivl} * {n}
{tstz} - {tstz}
justify_hours({ivl})
make_interval(days => ({int} % 100), hours => {n})
age({tstz}, {tstz})
- {ivl}
""",
    "mood": """
greatest({mood}, {mood})
(ARRAY['sad', 'ok', 'happy']::mood[])[{n}]
""",
    "ints": """
array_append({ints}, {int})
{int} || {ints}
ARRAY[{int}, {int}]
array_remove({ints}, {int})
({ints})[1:2]
({ints})[{n}:]
array_replace({ints}, 1, {int})
string_to_array('3,4', ',')::int[]
""",
    "texts": """
array_append({texts}, {text})
{texts} || {texts}
ARRAY[{text}, {text}]
string_to_array({text}, 'a')
array_remove({texts}, {text})
""",
    "json": """
to_jsonb({int})
to_jsonb({text}::text)
to_jsonb({ints})
jsonb_build_object('x', {int}, 'y', {text})
jsonb_build_array({int}, {text}, {bool})
{json} -> 'a'
{json} #> '{{a,b}}'
{json} || {json}
jsonb_strip_nulls({json})
jsonb_path_query_array({json}, '$.b[*]')
""",
    "pair": """
ROW({int}, {text})::fz.pair
""",
    "range": """
int4range(least({int}, 5), greatest(6, {n}))
int4range({int}, NULL)
{range} * {range}
range_merge({range}, {range})
""",
    "multi": """
int4multirange({range})
{multi} + {multi}
{multi} - {multi}
""",
    "vec": """
to_tsvector('simple', {text})
{vec} || {vec}
""",
    "name": """
{text}::name
""",
    "money": """
{money} + {money}
""",
    "pairs": """
ARRAY[{pair}, {pair}]
array_append({pairs}, {pair})
""",
    "deep": """
ROW({pair}, {ints}, {n})::fz.deep
""",
    "zoned": """
{clock}::timetz AT TIME ZONE 'UTC'
""",
    "uuid": """
md5({text})::uuid
""",
    "bytes": """
{bytes} || {bytes}
convert_to({text}, 'UTF8')
sha256({bytes})
decode(md5({text}), 'hex')
substring({bytes} FROM 1 FOR 2)
""",
    "ci": """
{ci} || {ci}
""",
    "stamp": """
{tstz} AT TIME ZONE 'UTC'
{date} + {clock}
{date}::timestamp
date_trunc('hour', {stamp})
""",
    "clock": """
{stamp}::time
""",
    "days": """
daterange({date}, NULL)
{days} * {days}
""",
    "moods": """
ARRAY[{mood}, {mood}]
array_remove({moods}, {mood})
""",
}

# Aggregates: {=E} is an expression in canonical form.  The order in which rows arrive must not matter: floats are added
# only from columns, whose sums are exact.
AGGREGATES = {
    "big": """
count(*)
count(*)
count({A})
count(DISTINCT {A})
count(DISTINCT ({A}, {B}))
sum({int})
sum(DISTINCT {int})
sum(length({text}))
rank({n}) WITHIN GROUP (ORDER BY {int})
fz.total({int})
fz.total(DISTINCT {int} ORDER BY {1})
dense_rank({n}) WITHIN GROUP (ORDER BY {int})
regr_count({float}, {float})
""",
    "int": """
min({int})
max({int})
bit_and({int})
bit_or({int})
bit_xor({int})
count({A})::int
mode() WITHIN GROUP (ORDER BY {int})
percentile_disc(0.5) WITHIN GROUP (ORDER BY {int} DESC)
(array_agg({int} ORDER BY {1}))[1]
""",
    "num": """
sum({num})
avg({num})
sum({big})
avg({int})
avg({big})
avg(DISTINCT {int})
stddev({int})
var_pop({num})
variance({int})
max(trim_scale({num}))
min(trim_scale({num}))
sum({num}) / nullif(count(*), 0)
round(corr({int}, {int})::numeric, 6)
""",
    "float": """
sum({flt})
avg({flt})
min({flt})
max({flt})
percentile_cont(0.25) WITHIN GROUP (ORDER BY {flt})
percent_rank({n}) WITHIN GROUP (ORDER BY {int})
""",
    "text": """
min({text})
max({text})
string_agg({text}, ',' ORDER BY {1})
string_agg({text}, ',' ORDER BY {1} DESC NULLS LAST)
string_agg(DISTINCT {text}, '|' ORDER BY {1})
json_agg({text} ORDER BY {1})::text
array_agg({=E} ORDER BY {1})::text
array_agg(DISTINCT {=E})::text
json_object_agg(coalesce({text}, '-'), {int} ORDER BY {1}, {2})::text
range_agg({range})::text
string_agg({text}, {text} ORDER BY {1}, {2})
array_agg({pair} ORDER BY {1})::text
percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY {int})::text
jsonb_agg({ints} ORDER BY {1})::text
mode() WITHIN GROUP (ORDER BY {text})
""",
    "bool": """
bool_and({bool})
bool_or({bool})
every({bool})
count(*) > {n}
count(DISTINCT {A}) > 1
sum({int}) > {n}
""",
    "date": "min({date})\nmax({date})",
    "tstz": "min({tstz})\nmax({tstz})",
    "ivl": "sum({ivl})\navg({ivl})",
    "mood": "min({mood})\nmax({mood})",
    "ints": "array_agg({int} ORDER BY {1})\nmax({ints})\narray_agg(DISTINCT {int} ORDER BY {1})",
    "texts": "array_agg({text} ORDER BY {1})\nmin({texts})",
    "json": """
jsonb_agg({int} ORDER BY {1})
jsonb_agg({text} ORDER BY {1})
jsonb_object_agg(coalesce({text}, '-'), {int} ORDER BY {1}, {2})
""",
    "range": "range_intersect_agg({range})",
    "multi": "range_agg({range})\nrange_agg({multi})\nrange_intersect_agg({multi})",
    "uuid": "(array_agg({uuid} ORDER BY {1}))[1]",
    "bytes": "string_agg({bytes}, ''::bytea ORDER BY {1})",
    "pair": "(array_agg({pair} ORDER BY {1}))[1]",
    "inet": "min({inet})\nmax({inet})",
    "clock": "min({clock})\nmax({clock})",
    "stamp": "min({stamp})\nmax({stamp})",
    "chars": "min({chars})\nmax({chars})",
    "real": "min({real})\nmax({real})",
}

# Window functions: those under "any" go with any window, those under "rows" only with one whose order is total.
WINDOWS = {
    "big": {
        "any": "rank()\ndense_rank()\ncount(*)\ncount({A})\nsum({int})",
        "rows": "row_number()\nrow_number()\ncount(*)\nsum({int})\nfirst_value({big})",
    },
    "int": {
        "any": "min({int})\nmax({int})\nbit_or({int})",
        "rows": "ntile({n})\nlag({int})\nlead({int}, 2, {n})\nfirst_value({int})\nlast_value({int})\nnth_value({int}, 2)",
    },
    "num": {"any": "sum({num})\navg({int})\nmax(trim_scale({num}))", "rows": "sum({num})\nlag({num}, {n})\navg({num})"},
    "float": {"any": "percent_rank()\ncume_dist()\nmax({flt})", "rows": "lag({float})\nfirst_value({float})"},
    "text": {
        "any": "min({text})\nmax({text})",
        "rows": "lag({text}, 1, 'none')\nfirst_value({text})\nstring_agg({text}, ',')\nlast_value({text})",
    },
    "bool": {"any": "bool_or({bool})\nevery({bool})", "rows": "lag({bool})"},
    "date": {"any": "max({date})", "rows": "lead({date})"},
    "ints": {"any": "max({ints})", "rows": "array_agg({int})\nlag({ints})"},
    "json": {"any": "", "rows": "jsonb_agg({int})\nfirst_value({json})"},
    "mood": {"any": "min({mood})", "rows": "nth_value({mood}, {n})"},
    "uuid": {"any": "", "rows": "lag({uuid})"},
}


def lines(text):
    """Returns the templates of one kind."""
    return [line for line in text.split("\n") if line]


TEMPLATES = {kind: lines(text) for kind, text in TEMPLATES.items()}
AGGREGATES = {kind: lines(text) for kind, text in AGGREGATES.items()}
WINDOWS = {kind: {how: lines(text) for how, text in ways.items()} for kind, ways in WINDOWS.items()}
ANY = lines(ANY)
