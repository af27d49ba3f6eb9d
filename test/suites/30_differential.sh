#!/usr/bin/env bash
# Purpose: the same statements on a plain and on a distributed database, in every layout (test/differential).
# T=differential/NAME runs one case file.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/differential/suite.sh
. "$ROOT/test/differential/suite.sh"

options=()
if [ -n "$T" ]; then
    [ -e "$ROOT/test/differential/cases/$T.sql" ] || suite_end # T is the name of another suite's test
    options=(--later --exactly "$T")
fi

run_differential "${options[@]}"
suite_end
