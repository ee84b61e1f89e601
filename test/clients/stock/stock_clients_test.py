#!/usr/bin/env python3
"""Runs stock VA-API clients through the driver and compares what they decode with software.

One line a case, and at the end `N passed, N failed[, N skipped]`. A client that is not installed is a
skip with its reason. Exit status 0 only if nothing failed and something passed.
"""

import argparse
import fnmatch
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
sys.path.insert(0, HERE)

import ffmpeg  # noqa: E402
import gstreamer  # noqa: E402
import mpv  # noqa: E402
import vainfo  # noqa: E402
import vlc  # noqa: E402
import workbench  # noqa: E402

CLIENTS = (vainfo, ffmpeg, mpv, gstreamer, vlc)


def built(path):
    """A built file: beside this one under bazel test, else in bazel-bin."""
    beside = os.path.join(ROOT, path)
    return beside if os.path.exists(beside) else os.path.join(ROOT, "bazel-bin", path)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", default=built("va_driver/daedalus_drv_video.so"))
    parser.add_argument("--daedalus", default=built("tools/daedalus/daedalus"))
    parser.add_argument("--shim", default=built("test/render_node/libdaedalus_render_node.so"))
    parser.add_argument("--clips", default=os.path.join(ROOT, "test/data"))
    parser.add_argument("--only", metavar="GLOB", default="*", help="cases by name: 'mpv*'")
    parser.add_argument("--list", action="store_true", help="print the cases' names, run nothing")
    return parser.parse_args()


def main():
    options = parse_arguments()
    for file in (options.driver, options.daedalus):
        if not os.path.exists(file):
            sys.exit(f"{file} does not exist: bazel build //va_driver //tools/daedalus")
    bench = workbench.Workbench(
        driver=options.driver,
        daedalus=options.daedalus,
        render_node=os.path.join(ROOT, "test/render_node/with_render_node"),
        shim=options.shim if os.path.exists(options.shim) else None,
        clips=options.clips,
    )
    try:
        cases = [case for client in CLIENTS for case in client.cases(bench)]
        cases = [case for case in cases if fnmatch.fnmatch(case.name, options.only)]
        if options.list:
            print("\n".join(case.name for case in cases))
            return 0
        print(f"render node: {bench.way()} {bench.node}", flush=True)
        return workbench.judge_all(cases)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
