#!/usr/bin/env bash
# Purpose: concurrent clients: test/isolation/specs/*.spec, in the order of test/isolation/schedule. Those of plain_schedule are run on a
# plain PostgreSQL server as well, with the same expected results.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"
# shellcheck source=test/tools/regress.sh
. "$ROOT/test/tools/regress.sh"
shopt -s nullglob

run_regress isolation/pg_isolation_regress "$ROOT/test/isolation" "$ROOT/test/isolation/schedule" \
    "$ROOT"/test/isolation/specs/*.spec

mapfile -t plain < <(scheduled_tests "$ROOT/test/isolation/plain_schedule" | grep -x -- "${T:-.*}" || true)
if [ ${#plain[@]} -gt 0 ]; then
    "$PG_BIN/psql" -X -q -p "$NODE1_PORT" -d postgres -c "CREATE DATABASE plain"
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -p "$NODE1_PORT" -d plain -f "$ROOT/test/isolation/plain.sql"
    mkdir -p "$SCRATCH/plain"
    drive isolation/pg_isolation_regress "$ROOT/test/isolation" "$NODE1_PORT" plain "$SCRATCH/plain" "${plain[@]}"
fi
suite_end
