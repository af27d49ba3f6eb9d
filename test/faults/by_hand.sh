#!/usr/bin/env bash
# Purpose: start a cluster of a coordinator and two nodes, run one of the long tests on it, and stop the cluster.
#
#     test/faults/by_hand.sh walk [options of walk.py]     # every point of every scenario, with every action
#     test/faults/by_hand.sh bank [options of bank.py]     # the bank under fire
#
# PORT_BASE chooses the first port. The extension must be installed.
set -euo pipefail
program=$1
shift
SCRATCH=${SCRATCH:-${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}/$program}
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
suite=$program

cluster_options=(--nodes 2)
[ -z "${PORT_BASE:-}" ] || cluster_options+=(--port-base "$PORT_BASE")
suite_cluster "${cluster_options[@]}"
if /usr/bin/python3 -B "$ROOT/test/faults/$program.py" --tool "$CLUSTER_TOOL" --cluster "$SCRATCH/cluster" "$@"; then
    suite_pass
else
    suite_fail
fi
suite_logs_clean --allow-signal-9
suite_end
