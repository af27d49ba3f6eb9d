#!/usr/bin/env bash
# Purpose: the differential tests once more, with small sides of joins and sub-queries restricting the others wherever that
# is possible at all: the tables of the cases are too small for the planner to choose it.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/differential/suite.sh
. "$ROOT/test/differential/suite.sh"

export PGOPTIONS="-c shardext.always_ship=on"
options=()
if [ -n "$T" ]; then
    [ -e "$ROOT/test/differential/cases/$T.sql" ] || suite_end # T is the name of another suite's test
    options=(--exactly "$T")
fi
run_differential --layout local-4 nodes-4 "${options[@]}"
suite_end
