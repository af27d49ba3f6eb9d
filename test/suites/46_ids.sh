#!/usr/bin/env bash
# Purpose: unique ids never repeat and only grow: with many sessions at once, over crashes and restarts of the coordinator,
# on a promoted standby, in a restored dump, and with a clock that goes back.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"

if [ -n "$T" ] && ! suite_wants ids; then
    suite_end
fi
suite_cluster --nodes 2
SETTINGS="-c shardext.clock_offset"
back="$SETTINGS=-3600" # seconds: the clock no longer helps
newest=0               # the largest id so far

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# check NAME EXPECTED GOT
check() {
    if [ "$2" = "$3" ]; then
        suite_pass "$1"
    else
        suite_fail "$1: $3"
    fi
}

# Prints ids, as a client sees them that commits nothing.
take_ids() { sql -c "SELECT shardext_next_id() FROM generate_series(1, 1000)"; }

# Takes ids and checks that they grow and are larger than all before.
check_ids() {
    local name=$1 ids
    if ! ids=$(take_ids 2>"$SCRATCH/messages") || [ "$(wc -l <<<"$ids")" != 1000 ]; then
        suite_fail "$name: $(cat "$SCRATCH/messages")"
    elif ! sort -n -u -c <<<"$ids" 2>/dev/null || [ "$(head -n 1 <<<"$ids")" -le "$newest" ]; then
        suite_fail "$name: ids have been given out before"
    else
        suite_pass "$name"
    fi
    newest=$(sort -n <<<"$newest"$'\n'"$ids" | tail -n 1)
}

# Kills the coordinator with everything in flight, and starts it again.
crash() {
    "$CLUSTER_TOOL" kill "$SCRATCH/cluster" coordinator
    "$CLUSTER_TOOL" up "$SCRATCH/cluster" coordinator
}

# --- many sessions at once ---------------------------------------------------------------------------

sql -c "SET shardext.shard_count = 4" -c "CREATE TABLE made (id bigint PRIMARY KEY DEFAULT shardext_next_id(), client int, n int)" \
    -c "SELECT create_distributed_table('made', 'id')" >/dev/null
cat >"$SCRATCH/insert.sql" <<'SQL'
INSERT INTO made (client, n) SELECT :client_id, n FROM generate_series(1, 50) n;
SQL
"$PG_BIN/pgbench" -n -c 8 -j 2 -t 100 -f "$SCRATCH/insert.sql" >"$SCRATCH/pgbench.log" 2>&1 ||
    suite_fail "pgbench: $(tail -n 3 "$SCRATCH/pgbench.log")"
check "many sessions" "40000|40000" "$(sql -c "SELECT count(*), count(DISTINCT id) FROM made")"
check "ids of a statement grow with its rows" 0 \
    "$(sql -c "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY client ORDER BY id) AS p FROM made) x WHERE n <> p % 50 + 1")"
newest=$(sql -c "SELECT max(id) FROM made")

# --- crashes and restarts ------------------------------------------------------------------------------

for round in 1 2 3; do
    # While sessions write, and after ids that nobody has stored; the second crash comes right after the first.
    "$PG_BIN/pgbench" -n -c 4 -j 2 -T 30 -f "$SCRATCH/insert.sql" >"$SCRATCH/pgbench.log" 2>&1 &
    writers=$!
    sleep 1
    check_ids "ids beside writers ($round)"
    crash
    wait $writers || true
    stored=$(sql -c "SELECT max(id) FROM made")
    [ "$stored" -le "$newest" ] || newest=$stored
    PGOPTIONS=$back check_ids "ids after a crash ($round)"
    crash
    PGOPTIONS=$back check_ids "ids after the next crash ($round)"
done
# An id stored by a transaction whose COMMIT was not acknowledged counts, too.
check "rows after crashes" t "$(sql -c "SELECT count(*) = count(DISTINCT id) FROM made")"
"$CLUSTER_TOOL" restart "$SCRATCH/cluster" coordinator
PGOPTIONS=$back check_ids "ids after a restart"
for database in first second third; do
    sql -c "CREATE DATABASE $database"
    PGDATABASE=$database sql -c "CREATE EXTENSION shardext" -c CHECKPOINT
    newest=0
    PGDATABASE=$database check_ids "the first ids of a database"
    crash
    PGDATABASE=$database PGOPTIONS=$back check_ids "ids after a crash right then"
done
newest=$(take_ids | tail -n 1)

# --- the clock -----------------------------------------------------------------------------------------

"$CLUSTER_TOOL" restart "$SCRATCH/cluster" coordinator
check_ids "ids after one more restart"
PGOPTIONS=$back check_ids "ids when the clock has gone back"
check "a warning" 1 "$(grep -c 'WARNING:  the clock of this server is .* seconds behind the newest id' "$SCRATCH/messages")"
PGOPTIONS=$back check_ids "more ids with that clock"
check "no second warning" 0 "$(grep -c WARNING "$SCRATCH/messages")"
PGOPTIONS="$SETTINGS=-1000000000" check_ids "ids when the clock reads a time before 2025"
check_ids "ids when the clock is right again"
check "their time is right" t "$(sql -c "SELECT abs(extract(epoch FROM clock_timestamp() - shardext_id_time(shardext_next_id()))) < 20")"
check "a clock past the end" 2200H \
    "$(PGOPTIONS="$SETTINGS=1500000000" sql -v VERBOSITY=sqlstate -c "SELECT shardext_next_id()" 2>&1 | sed -n 's/^ERROR:  //p')"
check_ids "ids after a clock past the end"
PGOPTIONS="$SETTINGS=864000" check_ids "ids of a clock ten days ahead"
check_ids "ids when it is right again"

# --- dump and standby ------------------------------------------------------------------------------------

pg_dump -Fc -f "$SCRATCH/app.dump"
sql -c "CREATE DATABASE restored"
pg_restore -d restored "$SCRATCH/app.dump"
before=$newest
PGDATABASE=restored PGOPTIONS=$back check_ids "ids of a restored dump"
newest=$before
sql -c "CREATE DATABASE copied TEMPLATE restored"
PGDATABASE=copied PGOPTIONS=$back check_ids "ids of a copied database"
newest=$before

standby=$CLUSTER_DATA/node3
as_server "$PG_BIN/pg_basebackup" -h 127.0.0.1 -p "$PGPORT" -U postgres -D "$standby" -R -c fast --no-sync
port=$((NODE2_PORT + 1))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
echo "port = $port" | as_server tee -a "$standby/postgresql.conf" >/dev/null
"$CLUSTER_TOOL" up "$SCRATCH/cluster" node3
check "an error on a standby" "cannot execute shardext_next_id() during recovery" \
    "$(PGPORT=$port sql -c "SELECT shardext_next_id()" 2>&1 | sed -n 's/^ERROR:  //p')"
check "the parts of ids on a standby" 0 "$(PGPORT=$port sql -c "SELECT shardext_id_shard(0)")"
check_ids "ids while a standby follows"
sql -c "SELECT pg_sleep(0.1) FROM generate_series(1, 50) WHERE (SELECT replay_lsn < pg_current_wal_lsn() FROM pg_stat_replication)" >/dev/null
"$CLUSTER_TOOL" kill "$SCRATCH/cluster" coordinator
PGPORT=$port sql -c "SELECT pg_promote()" >/dev/null
PGPORT=$port PGOPTIONS=$back check_ids "ids of a promoted standby"
suite_logs_clean --allow-signal-9
suite_end
