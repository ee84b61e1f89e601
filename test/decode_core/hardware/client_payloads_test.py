#!/usr/bin/env python3
"""What the hardware backend would send for each picture of the clips of test/data, by client: stock ffmpeg,
GStreamer's two VA plugins and our own client of the VA driver, each against the parsed stream. They send the same,
byte for byte, but for what VA-API does not carry (va_gaps.cc).

One line a case, and at the end `N passed, N failed[, N skipped]`, as stock_clients_test.
"""

import functools
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "test/clients/stock"))

import ffmpeg  # noqa: E402
import gstreamer  # noqa: E402
import workbench  # noqa: E402
from workbench import CLIPS, Case, Failure  # noqa: E402


def built(path):
    """A built file: below the runfiles' root under bazel test, else in bazel-bin."""
    beside = os.path.join(ROOT, path)
    return beside if os.path.exists(beside) else os.path.join(ROOT, "bazel-bin", path)


DAEDALUS = built("tools/daedalus/daedalus")
DRIVER = built("va_driver/daedalus_drv_video.so")
COMPARE = built("test/decode_core/hardware/compare_payloads")


class RecordingBench(workbench.Workbench):
    """Every client that is run records its pictures into the file `recording`."""

    recording = ""

    def run(self, command, render_node_options=(), unprivileged=False, environment=None):
        environment = {**(environment or {}), "DAEDALUS_RECORD": self.recording}
        return super().run(command, render_node_options, unprivileged, environment)

    def record(self, clip, client):
        """Lets the client, a function of a clip, decode it; the file with its pictures."""
        self.recording = os.path.join(self.scratch("recording"), clip.name)
        client(clip)
        return self.recording


def decode(bench, front, clip):
    """`daedalus decode`, which needs no render node."""
    command = [DAEDALUS, "decode", "--front", front, "--driver", DRIVER, "--md5", bench.path(clip)]
    environment = {**os.environ, "DAEDALUS_RECORD": bench.recording, "DAEDALUS_STATS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    if done.returncode != 0:
        raise Failure(f"front {front} ended with {done.returncode}: {done.stderr.strip()}")


class Comparison:
    def __init__(self, bench):
        self.bench = bench
        self.stream = functools.lru_cache(maxsize=None)(self._stream)

    def _stream(self, clip):
        return self.bench.record(clip, functools.partial(decode, self.bench, "replay"))

    def check(self, client, clip):
        stream = self.stream(clip)
        recording = self.bench.record(clip, client)
        done = subprocess.run([COMPARE, stream, recording], capture_output=True, text=True, timeout=60)
        lines = done.stdout.splitlines()
        if done.returncode != 0:
            raise Failure("\n  ".join(["", *lines, done.stderr.strip()]).rstrip())
        if f": {clip.pictures} requests" not in lines[0]:
            raise Failure(f"{lines[0]}, not {clip.pictures}")
        unknown = [line.split(":")[0].removeprefix("unknown ") for line in lines[1:]]
        return f"{clip.pictures} requests the same" + (f", but for {', '.join(unknown)}" if unknown else "")


def main():
    bench = RecordingBench(
        driver=DRIVER,
        daedalus=DAEDALUS,
        render_node=os.path.join(ROOT, "test/render_node/with_render_node"),
        shim=built("test/render_node/libdaedalus_render_node.so"),
        clips=os.path.join(ROOT, "test/data"),
    )
    clients = {
        "our VA client": functools.partial(decode, bench, "va"),
        "ffmpeg": functools.partial(ffmpeg.hwdownload, bench),
        **{f"gstreamer {plugin.name}": plugin.decode for plugin in gstreamer.plugins(bench)},
    }
    comparison = Comparison(bench)
    try:
        return workbench.judge_all(Case(f"{name} {clip.name}", functools.partial(comparison.check, client, clip))
                                   for clip in CLIPS for name, client in clients.items())
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
