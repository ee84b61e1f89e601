#!/usr/bin/env python3
"""What `daedalus gpu` says of devices and of what runs each stage."""

import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = "tools/daedalus/daedalus"


def gpu_lines(*options, **variables):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("DAEDALUS_") and name not in ("HOME", "XDG_CACHE_HOME")}
    run = subprocess.run([PROGRAM, "gpu", *options], env=environment | variables, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=True)
    return run.stdout.splitlines()


def gpu(**variables):
    """The device's line and each stage's words by its name."""
    lines = gpu_lines(**variables)
    costs = next(number for number, line in enumerate(lines) if line.startswith("costs "))
    stages = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines[lines.index("stages:") + 1:costs]}
    return lines[0], stages


def costs(*options, **variables):
    """The lines of what was measured."""
    return [line for line in gpu_lines(*options, **variables) if " bit: " in line]


class GpuCommandTest(unittest.TestCase):
    def test_by_default_no_stage_is_on_a_gpu(self):
        _, stages = gpu()
        self.assertEqual(sorted(stages), ["deblock", "film_grain", "idct", "intra", "mc", "pack", "sand"])
        self.assertNotIn("vulkan", [substrate for substrate, _ in stages.values()])
        for stage in ("pack", "film_grain", "mc", "idct", "sand"):
            self.assertIn("was measured to be better", stages[stage][1])
        _, stages = gpu(DAEDALUS_SUBSTRATE="idct=simd")
        self.assertIn("only where asked for", stages["mc"][1])

    def test_without_a_device_the_reason_is_told(self):
        device, stages = gpu(DAEDALUS_GPU="none", DAEDALUS_SUBSTRATE="vulkan")
        self.assertEqual(device, "device: none (no GPU is to be used)")
        self.assertNotEqual(stages["pack"][0], "vulkan")
        self.assertEqual(stages["pack"][1], "no GPU is to be used")
        self.assertEqual(stages["mc"][1], "no GPU is to be used")
        self.assertEqual(stages["intra"][1], "it has no Vulkan twin")

    def test_a_stage_is_on_the_device_where_asked_for(self):
        device, stages = gpu(DAEDALUS_GPU="software", DAEDALUS_SUBSTRATE="pack=vulkan")
        if device.startswith("device: none"):
            self.skipTest(device)
        self.assertIn("runs on the CPU", device)
        self.assertEqual(stages["pack"][0], "vulkan")
        self.assertNotEqual(stages["mc"][0], "vulkan")
        self.assertNotEqual(stages["sand"][0], "vulkan")
        _, stages = gpu(DAEDALUS_GPU="software", DAEDALUS_SUBSTRATE="sand=vulkan")
        self.assertEqual(stages["sand"][0], "vulkan")
        _, stages = gpu(DAEDALUS_GPU="software", DAEDALUS_SUBSTRATE="mc=vulkan,idct=vulkan")
        self.assertEqual((stages["mc"][0], stages["idct"][0]), ("vulkan", "vulkan"))
        _, stages = gpu(DAEDALUS_GPU="software", DAEDALUS_SUBSTRATE="idct=vulkan")
        self.assertNotEqual(stages["idct"][0], "vulkan")
        self.assertEqual(stages["idct"][1], "a GPU does it only together with mc=vulkan")

    def test_what_was_measured_is_told_and_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            variables = {"DAEDALUS_GPU": "software", "XDG_CACHE_HOME": folder}
            if gpu(**variables)[0].startswith("device: none"):
                self.skipTest("no driver on the CPU")
            before = costs(**variables)
            for stage in ("pack", "film_grain", "sand"):
                self.assertEqual(len([line for line in before if line.startswith(f"  {stage} of ")]), 6, before)
            self.assertEqual(len([line for line in before if line.startswith("  mc and idct of ")]), 3, before)
            self.assertTrue(all(line.endswith(": not measured") for line in before), before)
            measured = costs("--measure", **variables)
            # Who wins depends on how this program was built: sanitizers do not slow the driver down.
            for line in measured:
                self.assertRegex(line, r"CPU [\d.]+ ms .*, GPU [\d.]+ ms \([\d.]+ ms of a core\): the (CPU|GPU)$")
            self.assertEqual(costs(**variables), measured)

    def test_measuring_without_a_device_is_an_error(self):
        with self.assertRaises(subprocess.CalledProcessError):
            gpu_lines("--measure", DAEDALUS_GPU="none")

    def test_a_wrong_value_is_an_error(self):
        for name in ("DAEDALUS_GPU", "DAEDALUS_GPU_GOAL", "DAEDALUS_SUBSTRATE"):
            with self.assertRaises(subprocess.CalledProcessError):
                gpu(**{name: "lavapipe"})


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    skipped, failed = len(result.skipped), len(result.failures) + len(result.errors)
    print(f"{result.testsRun - skipped - failed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)
