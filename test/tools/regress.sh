# shellcheck shell=bash
# Purpose: run PostgreSQL's own test drivers (pg_regress, pg_isolation_regress) against a suite's cluster.
# Sourced by the suites that use them, after suite.sh.

# Prints the tests of a schedule, in order.
scheduled_tests() {
    [ ! -f "$1" ] || sed -n 's/^test:[[:space:]]*//p' "$1" | xargs -n 1
}

# Runs the tests of a schedule with a driver and counts them; prints the differences of those that failed.
#   run_regress DRIVER INPUT_DIR SCHEDULE TEST_FILE...
# INPUT_DIR/setup.sql, if there is one, is run before them. A test file that the schedule does not name is a failure. With T set only that test is run.
run_regress() {
    local driver=$1 input=$2 schedule=$3 file name tests args=()
    shift 3
    tests=$(scheduled_tests "$schedule")
    for file in "$@"; do
        name=$(basename "${file%.*}")
        grep -qx -- "$name" <<<"$tests" || suite_fail "$name is not in ${schedule#"$ROOT"/}"
    done
    if [ -n "$T" ]; then
        tests=$(grep -x -- "$T" <<<"$tests" || true)
        args=("$T")
    else
        args=(--schedule="$schedule")
    fi
    [ -n "$tests" ] || return 0

    suite_cluster --nodes 2
    [ ! -f "$input/setup.sql" ] || "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -f "$input/setup.sql"
    drive "$driver" "$input" "$PGPORT" app "$SCRATCH" "${args[@]}"
    suite_logs_clean
}

# Runs a driver against one server and counts what it reports.
#   drive DRIVER INPUT_DIR PORT DATABASE OUTPUT_DIR ARGUMENT...
drive() {
    local driver input=$2 port=$3 database=$4 output=$5 log=$5/driver.log ok bad status=0
    driver=$("$PG_CONFIG" --pkglibdir)/pgxs/src/test/$1
    shift 5
    "$driver" --use-existing --dbname="$database" --host="$PGHOST" --port="$port" --user="$PGUSER" \
        --bindir="$PG_BIN" --inputdir="$input" --outputdir="$output" "$@" 2>&1 | tee "$log" || status=$?

    # "test name ... ok" until PostgreSQL 15, "ok 1 - name" since.
    ok=$(grep -cE '^ *(test )?.* \.\.\. +ok |^ok ' "$log" || true)
    bad=$(grep -cE '\.\.\. +(FAILED|failed)|^not ok ' "$log" || true)
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ "$status" != 0 ] && [ -s "$output/regression.diffs" ]; then
        head -n 500 "$output/regression.diffs"
    fi
}
