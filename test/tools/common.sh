# shellcheck shell=bash
# Purpose: what all test tools share: where things are, and how to run as the server's user.
# Sourced by the scripts in test/tools and test/suites, never run.

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILD=${BUILD:-$ROOT/build}
PG_CONFIG=${PG_CONFIG:-pg_config}

# Prints a message to standard error and leaves.
die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Prints the directory of PostgreSQL's server programs that the extension was installed for.
pg_bindir() {
    local dir
    if [ -s "$BUILD/pgbin" ]; then
        dir=$(cat "$BUILD/pgbin")
        [ -x "$dir/postgres" ] && { echo "$dir"; return; }
    fi
    dir=$("$PG_CONFIG" --bindir 2>/dev/null || true)
    [ -x "$dir/postgres" ] || dir=/usr/lib/postgresql/15/bin
    [ -x "$dir/postgres" ] || die "no PostgreSQL server found: run test/tools/prepare, or set PG_CONFIG"
    echo "$dir"
}

# Runs a command as the user that owns the servers: "postgres" when we are root, else ourselves.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}
