#!/usr/bin/env bash
# Purpose: the sources keep the project's format and rules (make lint).
set -euo pipefail
# shellcheck source=test/tools/suite.sh
. "$(dirname "$0")/../tools/suite.sh"

if suite_wants lint; then
    if make -s -k --no-print-directory -C "$ROOT" lint >"$SCRATCH/log" 2>&1; then
        suite_pass lint
    else
        head -n 40 "$SCRATCH/log"
        suite_fail "lint (all of it: $SCRATCH/log)"
    fi
fi
suite_end
