#!/usr/bin/env bash
# Purpose: a coordinator's dump, restored: its tables are ordinary tables with all rows; then the nodes are taken over, or
# the tables are distributed anew.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"

if [ -n "$T" ] && ! suite_wants forget && ! suite_wants adopt && ! suite_wants ordinary; then
    suite_end
fi
suite_cluster --nodes 2
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }
contents() { sql "$1" -f "$ROOT/test/restore/contents.sql"; }
# check NAME EXPECTED GOT
check() {
    if [ "$2" = "$3" ]; then
        suite_pass "$1"
    else
        suite_fail "$1"
        diff <(echo "$2") <(echo "$3") || true
    fi
}
# The message of the error that a statement raises.
error_of() { sql "$1" -c "$2" 2>&1 | sed -n 's/^.*ERROR:  //p' | head -n 1; }

sql postgres -c "CREATE DATABASE origin" -c "CREATE DATABASE plain" -c "CREATE DATABASE taker"
sql origin -c "CREATE EXTENSION shardext"
PGOPTIONS="-c test.port1=$NODE1_PORT -c test.port2=$NODE2_PORT" sql origin -f "$ROOT/test/restore/tables.sql" >/dev/null
before=$(contents origin)
pg_dump -Fc -d origin -f "$SCRATCH/origin.dump"

# Restored, the tables are ordinary ones with all their rows.
pg_restore -d plain "$SCRATCH/origin.dump"
check "rows of a restored dump" "$before" "$(contents plain)"
sql plain -c "INSERT INTO users VALUES (1000, 'fr'); DELETE FROM users WHERE id = 1000; UPDATE countries SET name = name"
check "restored tables can be written" "$before" "$(contents plain)"
check "nothing is distributed before the decision" \
    "the distributed tables of this database come from a dump" "$(error_of plain "SELECT create_distributed_table('here', 'k')")"
check "kinds of restored tables" "distributed (restored)
reference (restored)" "$(sql plain -c "SELECT DISTINCT kind FROM shardext_tables ORDER BY 1")"

# Forget: they stay ordinary, and the statements returned distribute them as they were.
sql plain -c "SELECT * FROM shardext_forget_restored()" >"$SCRATCH/again.sql"
check "nothing left after forgetting" "0|1" \
    "$(sql plain -c "SELECT (SELECT count(*) FROM shardext_tables), (SELECT count(*) FROM shardext_nodes)")"
check "rows after forgetting" "$before" "$(contents plain)"
sed 's/$/;/' "$SCRATCH/again.sql" | sql plain >/dev/null
check "rows after distributing again" "$before" "$(contents plain)"
layout="SELECT table_name, kind, distribution_column, shard_count, dense_rank() OVER (ORDER BY colocation_id) FROM shardext_tables ORDER BY table_name::text"
check "layout after distributing again" "$(sql origin -c "$layout" | cut -d'|' -f1-4)" "$(sql plain -c "$layout" | cut -d'|' -f1-4)"
check "forgetting twice" "the distributed tables of this database do not come from a dump" \
    "$(error_of plain "SELECT shardext_forget_restored()")"

# Adopt: what has been written since the dump is on the nodes; local shards are as in the dump.
sql origin -c "INSERT INTO users VALUES (5000, 'it', '2026-02-02'); UPDATE orders SET total = total + 1; DELETE FROM users WHERE id = 7" \
    -c "INSERT INTO countries VALUES ('es', 'Spain'); UPDATE countries SET name = 'Deutschland' WHERE code = 'de'" \
    -c "CREATE TABLE later (k int)" -c "SELECT create_distributed_table('later', 'k', colocate_with => 'none')" >/dev/null
after=$(contents origin)
pg_restore -d taker "$SCRATCH/origin.dump"
check "restored beside its origin" "$before" "$(contents taker)"
check "nodes adopted" "2" "$(sql taker -c "SELECT shardext_adopt_nodes()")"
check "rows after adopting" "$after" "$(contents taker)"
case $(error_of origin "SELECT count(*) FROM users") in
*"belongs to another cluster"*) suite_pass "the former coordinator is locked out" ;;
*) suite_fail "the former coordinator is locked out" ;;
esac
sql taker -c "UPDATE countries SET name = 'Espana' WHERE code = 'es'; INSERT INTO users VALUES (6000, 'es')"
check "changes of reference tables reach the copies" "ESPANA|1" \
    "$(sql taker -c "SELECT c.upper_name, count(*) FROM users u JOIN countries c ON c.code = u.country WHERE u.id = 6000 GROUP BY 1")"
sql taker -c "INSERT INTO \"Zeta x\".\"Early \"\"child\"\"\" (k, n) VALUES (1, 1)" -c "INSERT INTO early VALUES (51, 'x', 'low')"
check "foreign keys of local shards" "$(printf '%s\n' 1)" "$(sql taker -c "INSERT INTO \"Zeta x\".\"Early \"\"child\"\"\" (k, n) VALUES (999, 1)" 2>&1 | grep -c 'violates foreign key')"
check "new tables after adopting" "5" "$(sql taker -c "CREATE TABLE fresh (k int)" \
    -c "SELECT create_distributed_table('fresh', 'k', colocate_with => 'none')" -c "INSERT INTO fresh SELECT generate_series(1, 5)" \
    -c "SELECT count(*) FROM fresh" | tail -n 1)"
check "the heap is empty" "0" "$(sql taker -c "SELECT pg_relation_size('users') + pg_relation_size('early')")"
sql taker -c "DROP TABLE orders, users; DROP EXTENSION shardext CASCADE" 2>/dev/null
suite_logs_clean
suite_end
