#!/usr/bin/env python3
"""The hardware backend through the system's own calls: `daedalus decode --backend hardware:loopback` under
`daedalus run`, whose in-process nodes stand in for a device. Same frames as software, both ends in the statistics.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
DAEDALUS = os.path.join(ROOT, "tools/daedalus/daedalus")
if not os.path.exists(DAEDALUS):
    DAEDALUS = os.path.join(ROOT, "bazel-bin/tools/daedalus/daedalus")
DRIVER = os.path.join(os.path.dirname(DAEDALUS), "../../va_driver/daedalus_drv_video.so")
CLIPS = os.path.join(ROOT, "test/data")


def output_of(command, **environment):
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Loopback(unittest.TestCase):
    # Returns the pages of both ends.
    def check(self, clip, front="replay", style="ffmpeg"):
        path = os.path.join(CLIPS, clip)
        expected = output_of([DAEDALUS, "decode", "--backend", "software", "--framemd5", path], DAEDALUS_STATS="")
        with tempfile.TemporaryDirectory() as folder:
            frames = output_of([DAEDALUS, "run", "--", DAEDALUS, "decode", "--backend", "hardware:loopback",
                                "--front", front, "--driver", DRIVER, "--style", style, "--framemd5", path], DAEDALUS_STATS=folder)
            pages = json.loads(output_of([DAEDALUS, "stats", "--json", folder]))
        self.assertEqual(frames, expected)
        backends = {page["front"]: page for page in pages}
        self.assertEqual(backends[front]["backend"], "hardware")
        self.assertEqual(backends[front]["engine"], "daedalus")
        self.assertEqual(backends["v4l2-request"]["backend"], "software")
        # Frames are the device's own buffers, and no copies.
        self.assertEqual(backends[front]["substrate"]["capture"], "adopted")
        self.assertEqual(backends[front]["stage_pictures"]["capture"], backends[front]["pictures"])
        count = expected.count("\n")
        for page in backends.values():
            self.assertGreaterEqual(page["pictures"], count)
            self.assertEqual(page["errors"], 0)
        return backends

    def test_h264(self):
        self.check("h264.mp4")

    def test_vp9(self):
        self.check("vp9.webm")

    def test_hevc_10_bits(self):
        self.check("hevc_10bit.mp4")

    # What VA does not carry is found in the slices.
    def test_va_h264_fields(self):
        self.check("h264_interlaced.mp4", "va")

    # Nor does it tell what a picture replaces.
    def test_va_av1(self):
        self.check("av1.webm", "va")

    def test_va_hevc(self):
        self.check("hevc.mp4", "va")

    def test_va_mpeg2(self):
        self.check("mpeg2.mpg", "va")

    def test_va_vp8(self):
        self.check("vp8.webm", "va")

    # Exported after it was decoded, a surface is the device's buffer, and all that is decoded into it later lies there.
    def test_va_export_without_a_copy(self):
        for clip in "h264.mp4", "vp8.webm", "hevc_10bit.mp4":
            page = self.check(clip, "va", style="firefox")["va"]
            self.assertEqual(page["substrate"]["export"], "in place")
            self.assertNotIn("pack", page["substrate"])

    def test_nothing_but_our_own_nodes_is_no_hardware(self):
        command = [DAEDALUS, "run", "--", DAEDALUS, "decode", "--md5", os.path.join(CLIPS, "h264.mp4")]
        refused = subprocess.run(command[:5] + ["--backend", "hardware"] + command[5:], capture_output=True,
                                 env={**os.environ, "DAEDALUS_STATS": ""}, text=True, timeout=240)
        self.assertNotEqual(refused.returncode, 0)
        with tempfile.TemporaryDirectory() as folder:
            output_of(command, DAEDALUS_STATS=folder)
            pages = json.loads(output_of([DAEDALUS, "stats", "--json", folder]))
        self.assertEqual([page["backend"] for page in pages], ["software"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
