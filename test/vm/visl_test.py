#!/usr/bin/env python3
"""The hardware backend on visl, the kernel's stateless decoder without hardware, in the virtual machine: visl_test.cc's
cases, one by one."""

import functools
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import in_machine  # noqa: E402
from in_machine import Failure, Skip, built, expect  # noqa: E402

PROGRAM = "test/vm/visl_cases"
SKIPPED = "skipped: "


def names():
    listed = subprocess.run([built(PROGRAM), "--list-test-names-only"], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if line.strip()]


def run_case(name):
    result = in_machine.run([built(PROGRAM), name.replace(",", "\\,")], seconds=600, status=None, cwd=in_machine.ROOT)
    if result.returncode != 0:
        raise Failure((result.stdout + result.stderr)[-3000:])
    if SKIPPED in result.stdout + result.stderr:
        raise Skip(result.stdout.partition(SKIPPED)[2].splitlines()[0])
    return "; ".join(line for line in result.stdout.splitlines() if "requests" in line)


def main():
    in_machine.enter(900, "--visl", "--memory", "2048")
    in_machine.run(["mount", "-t", "debugfs", "debugfs", "/sys/kernel/debug"])
    cases = []
    for name in names():
        case = functools.partial(run_case, name)
        case.__name__ = name
        cases.append(case)
    expect(cases, f"{PROGRAM} has no case")
    return in_machine.run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
