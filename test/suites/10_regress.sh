#!/usr/bin/env bash
# Purpose: what users see: sql/*.sql against expected/*.out, in the order of test/regress_schedule.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/tools/regress.sh
. "$ROOT/test/tools/regress.sh"
shopt -s nullglob

run_regress regress/pg_regress "$ROOT" "$ROOT/test/regress_schedule" "$ROOT"/sql/*.sql
suite_end
