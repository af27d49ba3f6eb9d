# Purpose: run the differential runner on a cluster and count its results. Sourced by suites, after suite.sh.

# Starts a coordinator and two nodes, runs the runner with the options given, and adds up what it says.
# The plain database is on node1, where no extension is loaded.
run_differential() {
    local server result status=0
    suite_cluster --nodes 2
    server="host=127.0.0.1 user=$PGUSER dbname=postgres port"
    /usr/bin/python3 -B "$ROOT/test/differential/run.py" --suite "$suite" --keep-going \
        --plain "$server=$NODE1_PORT" --coordinator "$server=$PGPORT" \
        --node "$server=$NODE1_PORT" --node "$server=$NODE2_PORT" "$@" | tee "$SCRATCH/log" || status=$?
    result=$(tail -n 1 "$SCRATCH/log" | sed -n 's/^suite .*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
    if [ -n "$result" ]; then
        passed=${result% *}
        failed=${result#* }
    else
        suite_fail "the runner left with status $status"
    fi
    suite_logs_clean
}
