# shellcheck shell=bash
# Purpose: what every suite in test/suites shares: choosing tests, counting them, a cluster, the end.
# Sourced by suites, never run. A suite also works when started by hand, outside of test/tools/check.
#
#     . "$(dirname "$0")/../tools/suite.sh"
#     suite_cluster --nodes 2                # servers in $SCRATCH/cluster, stopped at the end
#     if suite_wants name; then ... && suite_pass name || suite_fail name; fi
#     suite_end

# shellcheck source=test/tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

suite=$(basename "$0" .sh)
suite=${suite#[0-9][0-9]_}
T=${T:-}
SCRATCH=${SCRATCH:-$BUILD/check/$suite}
CLUSTER_TOOL=${CLUSTER_TOOL:-$ROOT/test/tools/cluster}
passed=0
failed=0
mkdir -p "$SCRATCH"

# Tells whether a test is to be run: all are, unless T names one.
suite_wants() {
    [ -z "$T" ] || [ "$T" = "$1" ]
}

# Counts a test that passed.
suite_pass() {
    passed=$((passed + 1))
    [ $# = 0 ] || echo "ok      $*"
}

# Counts a test that failed.
suite_fail() {
    failed=$((failed + 1))
    [ $# = 0 ] || echo "FAILED  $*"
}

# Starts the suite's cluster (with the options of `cluster start`) and points libpq's environment at it.
suite_cluster() {
    "$CLUSTER_TOOL" stop "$SCRATCH/cluster"
    "$CLUSTER_TOOL" start "$SCRATCH/cluster" "$@"
    # shellcheck disable=SC1091
    . "$SCRATCH/cluster/env"
}

# Counts a crash that the logs tell of as a failed test (options go to `cluster logs-clean`).
suite_logs_clean() {
    "$CLUSTER_TOOL" logs-clean "$SCRATCH/cluster" "$@" || suite_fail "a server crashed"
}

# Prints the line that test/tools/check reads, and leaves.
suite_end() {
    echo "suite $suite: $passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# Stops the cluster, whatever happened; after a failure its logs stay in the scratch directory.
suite_cleanup() {
    local status=$?
    if [ -d "$SCRATCH/cluster" ]; then
        [ "$status" = 0 ] || cp -L "$SCRATCH"/cluster/*.log "$SCRATCH/" 2>/dev/null || true
        "$CLUSTER_TOOL" stop "$SCRATCH/cluster" || true
    fi
    exit "$status"
}
trap suite_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
