#!/usr/bin/env python3
"""A small spread of the corpus passes through stock ffmpeg with the VA driver and with the stateful V4L2 decoder, through
our stateless V4L2 client, and through replay; with the hardware backend on our own stateless decoder; and with all stages
on Vulkan that can run there, where Mesa's driver for the CPU is installed.

The corpus is not part of the project: DAEDALUS_CORPUS names it, else ../shared/corpus beside the tree is taken. Without
one this test says so and passes with nothing run.
"""

import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
STREAMS = "12"
LOOPBACK = ("--backend", "hardware:loopback")
VULKAN = ("--substrate", "vulkan")
RUNS = (("replay",), ("va",), ("v4l2",), ("v4l2-request",), ("va", *LOOPBACK), ("replay", *LOOPBACK), ("va", *VULKAN))
SOFTWARE_DRIVERS = "/usr/share/vulkan/icd.d/lvp_icd*.json"


def main():
    corpus = os.environ.get("DAEDALUS_CORPUS") or os.path.join(HERE, "..", "..", "..", "shared", "corpus")
    if not os.path.exists(os.path.join(corpus, "MANIFEST.tsv")):
        print(f"SKIPPED: no corpus in {corpus}; set DAEDALUS_CORPUS to a folder with a MANIFEST.tsv")
        print("0 passed, 0 failed")
        return 0
    runfiles = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""))
    built = {"DAEDALUS_BIN": runfiles} if os.environ.get("TEST_SRCDIR") else {}
    failed = skipped = 0
    for front, *options in RUNS:
        if VULKAN[1] in options and not glob.glob(SOFTWARE_DRIVERS):
            print(f"SKIPPED: {front} on Vulkan: no {SOFTWARE_DRIVERS} (package mesa-vulkan-drivers)")
            skipped += 1
            continue
        command = [os.path.join(HERE, "conformance.py"), "--front", front, *options, "--sample", STREAMS, corpus]
        failed += subprocess.run(command, env={**os.environ, **built}, check=False).returncode != 0
    print(f"{len(RUNS) - failed - skipped} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
