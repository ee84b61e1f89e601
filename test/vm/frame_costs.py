#!/usr/bin/env python3
"""What CUSE costs a decoded frame: ioctls, the trips that the kernel makes for them, polls, bytes that they copy, copies
of the frame's samples, and time.

    frame_costs.py [--rounds N] [--times N]      in the virtual machine; prints a row of JSON for each client and clip

`--times`: the clip is decoded so many times in one go. Everything but time is counted by the daemon, on its statistics
pages. Time is the client's own: the same client on the same clip with the node inside the process and over CUSE, in turns,
medians. All of it is the machine's, where instructions are emulated, so times are to be read as ratios.
"""

import argparse
import dataclasses
import json
import os
import re
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import in_machine  # noqa: E402
from clips import looped_clip  # noqa: E402
from in_machine import Daemon, Failure, built, expect, run  # noqa: E402

FRAME_BYTES = {"h264.mp4": 320 * 180 * 3 // 2, "vp9.webm": 320 * 180 * 3 // 2}
DECODERS = {"h264.mp4": "h264_v4l2m2m", "vp9.webm": "vp9_v4l2m2m"}
# What a frame may cost at most. With three trips for each of QBUF and DQBUF of either queue (the argument, the planes, the
# call) a frame takes twelve; the stateless one's request takes some more.
MOST_TRIPS = 30
MOST_COPIES = 1
MOST_OF_A_FRAME = 0.1  # in bytes that ioctls copy: no frame goes that way


@dataclasses.dataclass
class Costs:
    """All but `frames` and `frame_bytes` are per frame."""

    client: str
    clip: str
    frames: int
    frame_bytes: int
    ioctls: float
    trips: float
    polls: float
    bytes: float
    copies: float  # beyond decoding
    most_copies: int = MOST_COPIES
    in_process_us: float = 0.0
    cuse_us: float = 0.0


def ffmpeg(clip, path):
    return ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "info", "-benchmark", "-c:v", DECODERS[clip], "-i", path,
            "-fps_mode", "passthrough", "-f", "null", "-"]


def stateless(_, path):
    return [built("test/clients/v4l2/v4l2_stateless_client"), path]


CLIENTS = {"ffmpeg": (ffmpeg, re.compile(r"rtime=([\d.]+)s")),
           "stateless client": (stateless, re.compile(r"frames through .* in ([\d.]+) s"))}


def seconds_of(client, clip, path, transport):
    make, pattern = CLIENTS[client]
    said = run([built("tools/daedalus/daedalus"), "run", "--transport", transport, "--", *make(clip, path)]).stderr
    found = pattern.search(said)
    expect(found, f"{client} does not say how long it took: {said[-500:]}")
    return float(found.group(1))


def totals(daemon):
    """What the daemon has counted so far."""
    pages = daemon.sessions()
    nodes = [page for page in pages if page["front"] == "cuse"]
    counts = {key: sum(node[key] for node in nodes) for key in ("calls", "trips", "polls", "bytes")}
    counts["pictures"] = sum(page["pictures"] for page in pages)
    counts["written"] = sum(page["stage_pictures"].get("pack", 0) for page in pages)
    return counts


def costs_over(daemon, client, clip, path):
    """(the costs of one run over CUSE, the seconds that it took)."""
    before = totals(daemon)
    seconds = seconds_of(client, clip, path, "cuse")
    after = totals(daemon)
    counts = {key: after[key] - before[key] for key in after}
    frames = counts["pictures"]
    expect(frames > 0, f"{client} {clip}: the daemon decoded nothing")
    expect(counts["calls"] > 0 and counts["written"] > 0, f"{client} {clip}: nothing was counted: {counts}")
    expect(counts["trips"] >= counts["calls"], f"{client} {clip}: fewer trips than ioctls: {counts}")
    return Costs(client, clip, frames, FRAME_BYTES[clip], *(counts[key] / frames for key in (
        "calls", "trips", "polls", "bytes", "written"))), seconds


def expect_cheap(costs):
    name = f"{costs.client} {costs.clip}"
    expect(costs.trips <= MOST_TRIPS, f"{name}: {costs.trips:.1f} trips a frame")
    expect(costs.copies <= MOST_COPIES, f"{name}: {costs.copies:.2f} copies a frame")
    share = costs.bytes / costs.frame_bytes
    expect(share <= MOST_OF_A_FRAME, f"{name}: {costs.bytes:.0f} bytes a frame in ioctls, {share:.2f} of it")


def measure(client, clip, rounds, times):
    path = looped_clip(clip, times)
    in_process, cuse = [], []
    for _ in range(rounds):
        in_process.append(seconds_of(client, clip, path, "in-process"))  # with no other node to find
        with Daemon() as daemon:
            costs, seconds = costs_over(daemon, client, clip, path)
        cuse.append(seconds)
    expect_cheap(costs)
    costs.in_process_us = statistics.median(in_process) * 1e6 / costs.frames
    costs.cuse_us = statistics.median(cuse) * 1e6 / costs.frames
    return costs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    in_machine.enter(0, "--memory", "2048", or_skip=False)
    for client in CLIENTS:
        for clip in DECODERS:
            try:
                print(json.dumps(dataclasses.asdict(measure(client, clip, options.rounds, options.times))), flush=True)
            except Failure as error:
                print(f"frame_costs: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
