#!/usr/bin/env bash
# Purpose: start a cluster of a coordinator and two nodes, run the fuzzer on it, and stop the cluster.
#
#     SECONDS_TO_RUN=600 test/fuzz/run.sh [options of fuzz.py]      # e.g. --seed 7 --layout nodes-4 --only 123
#
# PORT_BASE chooses the first port. The extension must be installed. The last line is "suite fuzz: P passed, F failed".
set -euo pipefail
SCRATCH=${SCRATCH:-${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}/fuzz}
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
suite=fuzz

cluster_options=(--nodes 2)
[ -z "${PORT_BASE:-}" ] || cluster_options+=(--port-base "$PORT_BASE")
suite_cluster "${cluster_options[@]}"

# The plain database is on node1, where no extension is loaded.
server="host=127.0.0.1 user=$PGUSER dbname=postgres port"
status=0
/usr/bin/python3 -B "$ROOT/test/fuzz/fuzz.py" --seconds "${SECONDS_TO_RUN:-60}" \
    --plain "$server=$NODE1_PORT" --coordinator "$server=$PGPORT" \
    --node "$server=$NODE1_PORT" --node "$server=$NODE2_PORT" "$@" | tee "$SCRATCH/log" || status=$?

result=$(sed -n 's/^suite .*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$SCRATCH/log" | tail -n 1)
if [ -n "$result" ]; then
    passed=${result% *}
    failed=${result#* }
else
    suite_fail "the fuzzer left with status $status"
fi
suite_logs_clean
suite_end
