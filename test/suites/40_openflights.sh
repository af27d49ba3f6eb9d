#!/usr/bin/env bash
# Purpose: real data: questions about the flights of the world get the same answers from a coordinator with two nodes
# as from a plain database (test/openflights). The data is not part of the project; without it nothing is checked.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/differential/suite.sh
. "$ROOT/test/differential/suite.sh"

data=${OPENFLIGHTS_DIR:-$ROOT/../shared/data/openflights}
suite_wants openflights || suite_end
if [ ! -r "$data/routes.dat" ]; then
    echo "skipped: there is no OpenFlights data; see test/openflights/README.md"
    suite_end
fi

run_differential --cases "$ROOT/test/openflights" --data "$data" --layout nodes-4 nodes-32 --timeout 60
suite_end
