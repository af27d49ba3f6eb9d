#!/usr/bin/env bash
# Purpose: nodes, backends and the coordinator die at every step of queries and commits (test/faults): nothing is
# lost, nothing is left hanging. T=faults/NAME runs one test.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"

if [ -n "$T" ] && ! /usr/bin/python3 -B "$ROOT/test/faults/run.py" --list | grep -x -- "$T" >/dev/null; then
    suite_end # T is the name of another suite's test
fi
suite_cluster --nodes 2
status=0
/usr/bin/python3 -B "$ROOT/test/faults/run.py" --tool "$CLUSTER_TOOL" --cluster "$SCRATCH/cluster" ${T:+"$T"} |
    tee "$SCRATCH/log" || status=$?
result=$(tail -n 1 "$SCRATCH/log" | sed -n 's/^suite .*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
if [ -n "$result" ]; then
    passed=${result% *}
    failed=${result#* }
else
    suite_fail "the tests left with status $status"
fi
suite_logs_clean --allow-signal-9
suite_end
