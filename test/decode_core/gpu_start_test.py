#!/usr/bin/env python3
"""Who asks for no GPU opens no part of Vulkan, and a machine without a driver decodes as before."""

import glob
import os
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = "test/decode_core/first_picture"
CLIP = "test/data/vp9.webm"
# What packing alone asks of a GPU, and what an engine does.
CLIPS = (CLIP, "test/data/h264.mp4")
ON_GPU = {"DAEDALUS_SUBSTRATE": "pack=vulkan"}
NO_GPU = {"DAEDALUS_GPU": "none"}
NO_DRIVER = {name: "/nonexistent" for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")}
ROUNDS = 15


def environment_of(folder, variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAEDALUS_", "VK_"))}
    return kept | {"XDG_CACHE_HOME": folder, "DAEDALUS_STATS": folder} | variables


def without_loader(folder):
    """Variables with which libvulkan cannot be opened: what is found first is no library."""
    for name in ("libvulkan.so.1", "libvulkan.so"):
        with open(os.path.join(folder, name), "wb"):
            pass
    return {"LD_LIBRARY_PATH": folder}


def decode(variables, clip=CLIP):
    """What was decoded, the log, and the names under which the dynamic linker was asked for Vulkan."""
    with tempfile.TemporaryDirectory() as folder:
        told = os.path.join(folder, "opened")
        run = subprocess.run([PROGRAM, clip], text=True, capture_output=True, check=True,
                             env=environment_of(folder, {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": told} | variables))
        opened = set()
        for path in glob.glob(told + ".*"):
            with open(path, encoding="utf-8", errors="replace") as file:
                opened |= {line.split("file=")[1].split()[0] for line in file if "file=" in line and "vulkan" in line}
    return run.stdout, run.stderr, opened


def start_times(cases):
    """The quickest start of each case, by turns: from nothing to the first picture, in seconds."""
    times = {name: float("inf") for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, variables in cases.items():
                begun = time.monotonic()
                subprocess.run([PROGRAM, CLIP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                               env=environment_of(folder, variables))
                times[name] = min(times[name], time.monotonic() - begun)
    return times


def has_videocore():
    for path in glob.glob("/sys/class/drm/renderD*/device/uevent"):
        with open(path, encoding="utf-8") as file:
            if "DRIVER=v3d\n" in file.read():
                return True
    return False


class GpuStartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.expected = decode(NO_GPU)[0]

    def test_who_asks_for_no_gpu_opens_nothing(self):
        cases = [NO_GPU, NO_GPU | ON_GPU, {"DAEDALUS_SUBSTRATE": "simd"}]
        if not has_videocore():  # it is measured there by itself
            cases.append({})
        for clip in CLIPS:
            expected = decode(NO_GPU, clip)[0]
            for variables in cases:
                with self.subTest(variables, clip=clip):
                    picture, _, opened = decode(variables, clip)
                    self.assertEqual(picture, expected)
                    self.assertEqual(opened, set())

    def test_who_asks_for_one_opens_the_loader(self):
        picture, log, opened = decode(ON_GPU | NO_DRIVER)
        if "is not installed" in log:
            self.skipTest("no libvulkan.so.1")
        self.assertEqual(picture, self.expected)
        self.assertIn("libvulkan.so.1", opened)
        self.assertIn("no stage runs on a GPU", log)

    def test_without_the_loader_it_decodes_as_before(self):
        with tempfile.TemporaryDirectory() as folder:
            picture, log, _ = decode(ON_GPU | without_loader(folder))
        self.assertEqual(picture, self.expected)
        self.assertIn("the Vulkan loader, libvulkan.so.1, is not installed", log)

    def test_how_soon_the_first_picture_is_there_is_told(self):
        # Times are figures, not demands: on a busy machine they say nothing. What costs time is counted above.
        with tempfile.TemporaryDirectory() as folder:
            times = start_times({
                "no GPU wanted": NO_GPU,
                "nothing said, no driver": NO_DRIVER,
                "nothing said, no loader": without_loader(folder),
                "asked for, no driver": ON_GPU | NO_DRIVER,
                "asked for, no loader": ON_GPU | without_loader(folder),
            })
        print("figures: start to first picture: " +
              ", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in times.items()))


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    skipped, failed = len(result.skipped), len(result.failures) + len(result.errors)
    print(f"{result.testsRun - skipped - failed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)
