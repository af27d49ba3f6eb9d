#!/usr/bin/env python3
"""Runs the fault tests against a cluster that test/tools/cluster has started, and counts them."""

import argparse
import signal
import sys
import time
import traceback

import bank
import histories
import lost_commits
import staging
import tests
import waits
import walk
from cluster import Cluster, Failure, TimeUp

LIMIT = 40  # seconds for a test
TESTS = {
    **tests.TESTS,
    **lost_commits.TESTS,
    **waits.TESTS,
    **staging.TESTS,
    **walk.TESTS,
    **bank.TESTS,
    **histories.TESTS,
}


def time_is_up(*_):
    raise TimeUp(f"no end after {LIMIT} s")


def guarded(action, cluster):
    """Runs a part of a test within the limit; returns what it has found wrong, or None."""
    signal.alarm(LIMIT)
    try:
        action(cluster)
        return None
    except (Failure, TimeUp) as found:
        return str(found) + "\n" + traceback.format_exc().split("\n")[-4].strip()
    except Exception:  # a test that breaks down has found something, too
        return traceback.format_exc()
    finally:
        signal.alarm(0)


def check_afterwards(cluster):
    cluster.clean_up()
    cluster.check_everything()


def repair(cluster):
    """Gives the next test a fresh start: the coordinator looks for what is left when it starts."""
    cluster.clean_up()
    cluster.control("restart", "coordinator")
    cluster.wait_until_recovered()


def run_test(test, cluster):
    """Runs a test and returns what it has found wrong, or None."""
    problem = guarded(test, cluster) or guarded(check_afterwards, cluster)
    if problem is not None:
        also = guarded(repair, cluster)
        if also is not None:
            problem += f"\nnot repaired: {also}"
    return problem


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", help="test/tools/cluster")
    parser.add_argument("--cluster", help="the cluster's directory")
    parser.add_argument("--list", action="store_true", help="print the names of all tests")
    parser.add_argument("test", nargs="*", help="names of tests; all without")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(TESTS))
        return 0

    signal.signal(signal.SIGALRM, time_is_up)
    cluster = Cluster(arguments.tool, arguments.cluster)
    tests.set_up(cluster)
    passed = failed = 0
    for name, test in TESTS.items():
        if arguments.test and name not in arguments.test:
            continue
        start = time.monotonic()
        problem = run_test(test, cluster)
        took = f"{time.monotonic() - start:.1f} s"
        if problem is None:
            passed += 1
            print(f"ok      {name} ({took})", flush=True)
        else:
            failed += 1
            print(f"FAILED  {name} ({took})\n{problem}", flush=True)
    print(f"suite faults: {passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


sys.exit(main())
