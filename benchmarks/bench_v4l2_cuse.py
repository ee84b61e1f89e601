#!/usr/bin/env python3
"""bench_v4l2_cuse.py: what a decoded frame costs over CUSE, beyond what it costs with the node inside the process.

Runs test/vm/frame_costs.py in the virtual machine, which counts and fails where nothing was counted, where a frame took
more trips than it may, or where its samples were copied more than once beyond decoding. Writes the section "Over CUSE" of
docs/benchmarks-v4l2.md.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys

from measuring import ROOT, document_from, harness, write_document

HEADING = "## Over CUSE"

SECTION = HEADING + """

Made by `./dev bench v4l2_cuse`; do not edit. Machine: the virtual machine of `test/vm` on {machine}.
Date: {date}. Load average: {load:.1f}.

Per frame, counted by the daemon: ioctls; trips, which is how often the kernel asked the daemon for them (an ioctl with
nested pointers takes up to three); polls; bytes that ioctls copied; how often the frame's samples were written beyond plain
decoding, of which {most} is allowed. The times are the client's own over the whole clip, {times} times in one go, the median of
{rounds} rounds, the node inside the process and over CUSE in turns; "extra" is their difference. Instructions are emulated
there, so times are ratios and no measure of a board.

{table}"""

COLUMNS = ("client", "clip", "frames", "ioctls", "trips", "polls", "bytes", "copies", "in-process µs", "CUSE µs",
           "extra µs")


def table(rows):
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for row in rows:
        lines.append("| " + " | ".join([
            row["client"], row["clip"], str(row["frames"]), f"{row['ioctls']:.1f}", f"{row['trips']:.1f}",
            f"{row['polls']:.1f}", f"{row['bytes']:.0f}", f"{row['copies']:.2f}", f"{row['in_process_us']:.0f}",
            f"{row['cuse_us']:.0f}", f"{row['cuse_us'] - row['in_process_us']:.0f}"]) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="bench v4l2_cuse", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=10, help="each clip is decoded so many times in one go")
    parser.add_argument("--out", metavar="FILE", default=os.path.join(ROOT, "docs", "benchmarks-v4l2.md"))
    options = parser.parse_args()
    command = [sys.executable, os.path.join(ROOT, "test", "vm", "frame_costs.py"), "--rounds", str(options.rounds),
               "--times", str(options.times)]
    measured = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    rows = [json.loads(line) for line in measured.stdout.splitlines() if line.startswith("{")]
    print(table(rows), end="")
    if measured.returncode != 0 or not rows:
        print(f"bench v4l2_cuse: {len(rows)} rows, then failed ({measured.returncode})")
        return 1
    section = SECTION.format(machine=harness.machine_text(), load=os.getloadavg()[0], date=datetime.date.today(),
                             most=rows[0]["most_copies"], times=options.times, rounds=options.rounds, table=table(rows))
    before = document_from(options.out, "").removesuffix(document_from(options.out, HEADING)).rstrip("\n")
    write_document(options.out, f"{before}\n\n{section}")
    print(f"bench v4l2_cuse: {len(rows)} rows, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
