#!/usr/bin/env python3
"""./dev demo: every sample clip comes out bit-exact through the driver, and one that does not is not passed over."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
DATA = os.path.join(HERE, "..", "data")


def demo(out, *files, **environment):
    built = {"DAEDALUS_BIN": os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])}
    return subprocess.run([os.path.join(HERE, "demo.py"), "--out", out, *files], capture_output=True, text=True,
                          check=False, env={**os.environ, **built, **environment})


def verdicts(shown):
    """The column bit-exact: file → yes or NO."""
    rows = [line.split() for line in shown.stdout.splitlines()]
    return {row[0]: row[4] for row in rows if len(row) == 9 and row[4] in ("yes", "NO")}


def every_sample_is_exact(out):
    shown = demo(out)
    expected = {name: "yes" for name in os.listdir(DATA) if name.endswith((".mp4", ".webm", ".mpg"))}
    sheet = os.path.join(out, "contact_sheet.png")
    return shown.returncode == 0 and verdicts(shown) == expected and os.path.getsize(sheet) > 0, shown


def what_the_driver_did_not_decode_is_a_failure(out):
    shown = demo(out, os.path.join(DATA, "h264.mp4"), DAEDALUS_ENGINE="dav1d")
    return shown.returncode == 1 and verdicts(shown) == {"h264.mp4": "NO"}, shown


def main():
    failed = 0
    cases = (every_sample_is_exact, what_the_driver_did_not_decode_is_a_failure)
    for case in cases:
        passed, shown = case(os.path.join(os.environ["TEST_TMPDIR"], case.__name__))
        print(f"{'pass' if passed else 'FAIL'} {case.__name__}")
        if not passed:
            failed += 1
            print(shown.returncode, shown.stdout, shown.stderr[-2000:], sep="\n")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
