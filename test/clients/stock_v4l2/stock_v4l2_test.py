#!/usr/bin/env python3
"""Runs stock V4L2 clients under `daedalus run` and compares what they decode with software.

One line a case, and at the end `N passed, N failed[, N skipped]`. A client that is not installed is a
skip with its reason. Exit status 0 only if nothing failed and something passed.
"""

import argparse
import fnmatch
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
sys.path[:0] = [HERE, os.path.join(HERE, "../stock")]

import ffmpeg_m2m  # noqa: E402
import mpv_m2m  # noqa: E402
import node_bench  # noqa: E402
import v4l2_ctl  # noqa: E402
import workbench  # noqa: E402

CLIENTS = (v4l2_ctl, ffmpeg_m2m, mpv_m2m)


def built(path):
    """A built file: beside this one under bazel test, else in bazel-bin."""
    beside = os.path.join(ROOT, path)
    return beside if os.path.exists(beside) else os.path.join(ROOT, "bazel-bin", path)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--daedalus", default=built("tools/daedalus/daedalus"))
    parser.add_argument("--clips", default=os.path.join(ROOT, "test/data"))
    parser.add_argument("--only", metavar="GLOB", default="*", help="cases by name: 'mpv*'")
    parser.add_argument("--list", action="store_true", help="print the cases' names, run nothing")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if not os.path.exists(options.daedalus):
        sys.exit(f"{options.daedalus} does not exist: bazel build //tools/daedalus //cuse_device/preload:libraries")
    bench = node_bench.NodeBench(options.daedalus, options.clips)
    try:
        cases = [case for client in CLIENTS for case in client.cases(bench)]
        cases = [case for case in cases if fnmatch.fnmatch(case.name, options.only)]
        if options.list:
            print("\n".join(case.name for case in cases))
            return 0
        return workbench.judge_all(cases)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
