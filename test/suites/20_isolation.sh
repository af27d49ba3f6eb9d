#!/usr/bin/env bash
# Purpose: concurrent clients: test/isolation/specs/*.spec, in the order of test/isolation/schedule.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/tools/regress.sh
. "$ROOT/test/tools/regress.sh"
shopt -s nullglob

run_regress isolation/pg_isolation_regress "$ROOT/test/isolation" "$ROOT/test/isolation/schedule" \
    "$ROOT"/test/isolation/specs/*.spec
suite_end
