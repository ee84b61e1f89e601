#!/usr/bin/env python3
"""Fuzzes the ioctls of the V4L2 nodes until a million calls were made, and fails where they were not.

    ioctl_fuzz_test.py [--calls N] [--keep FOLDER] FUZZER SEED...

FUZZER is //test/cuse_device/v4l2:ioctl_fuzzer built with libFuzzer. Each round starts it from the corpus that the rounds
before it found; FOLDER gets that corpus at the end. The last line but one says how many calls there were.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOTALS = re.compile(r"^(\d+) sequences, (\d+) calls, (\d+) successful, (\d+) jobs$", re.MULTILINE)
SEQUENCES_A_ROUND = 2000


def fuzz(fuzzer, corpus, artifacts, number):
    """One round: (sequences, calls, successful calls, jobs), or None after a fault, which is printed."""
    # Under Bazel's TEST_TARGET the program would take files for seeds and nothing else.
    environment = {name: value for name, value in os.environ.items() if name != "TEST_TARGET"}
    command = [fuzzer, f"-runs={SEQUENCES_A_ROUND}", f"-seed={number}", "-max_len=2048", "-timeout=60",
               f"-artifact_prefix={artifacts}/", corpus]
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", env=environment, check=False)
    found = TOTALS.search(finished.stdout)
    if finished.returncode != 0 or not found:
        print(finished.stdout[-20000:])
        print(f"round {number}: exit status {finished.returncode}; the input is in {artifacts}")
        return None
    return tuple(map(int, found.groups()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1000000)
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("fuzzer")
    parser.add_argument("seeds", nargs="+")
    options = parser.parse_args()
    artifacts = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp(prefix="ioctl_fuzz.")
    total = (0, 0, 0, 0)
    number = 0
    with tempfile.TemporaryDirectory() as corpus:
        for seed in options.seeds:
            shutil.copy(seed, corpus)
        while total[1] < options.calls:
            number += 1
            made = fuzz(os.path.abspath(options.fuzzer), corpus, artifacts, number)
            if made is None or made[1] == 0:
                break
            total = tuple(map(sum, zip(total, made)))
            print(f"round {number}: {total[1]} calls", flush=True)
        if options.keep:
            shutil.copytree(corpus, options.keep, dirs_exist_ok=True)
    # Calls that are all refused reach nothing.
    good = total[1] >= options.calls and total[2] > total[1] / 10 and total[3] > 0
    print("%d sequences, %d calls, %d successful, %d jobs" % total)
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
