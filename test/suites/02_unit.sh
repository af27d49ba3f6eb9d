#!/usr/bin/env bash
# Purpose: the unit tests of the parts that need no server (make unit). T=unit/name runs one of them.
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"

# Adds up the test cases that the report calls passed or failed.
count() {
    sed -n "s/^ *\([0-9]*\) test cases\{0,1\} out of [0-9]* $1$/\1/p" "$SCRATCH/log" | paste -sd+ | sed 's/^$/0/'
}

export BOOST_TEST_REPORT_LEVEL=short BOOST_TEST_COLOR_OUTPUT=no
[ -z "$T" ] || export BOOST_TEST_RUN_FILTERS="$T:*/$T"
status=0
make -s -k --no-print-directory -C "$ROOT" unit >"$SCRATCH/log" 2>&1 || status=$?
passed=$(($(count passed)))
failed=$(($(count failed)))
if [ -n "$T" ] && [ $((passed + failed)) = 0 ]; then
    suite_end # T is the name of another suite's test
fi
if [ "$status" != 0 ]; then
    cat "$SCRATCH/log"
    [ "$failed" -gt 0 ] || suite_fail "make unit"
elif [ "$passed" = 0 ]; then
    suite_pass "make unit"
fi
suite_end
