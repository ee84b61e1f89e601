#!/usr/bin/env python3
"""What Mesa's compiler makes of the shaders for a V3D 7.1 (Raspberry Pi 5), against their budgets.

DAEDALUS_V3D is a folder with `v3d-env`, a program that runs another with Mesa's v3dv on a DRM device that only
pretends: pipelines really compile, nothing runs. Without it the test skips.
"""

import dataclasses
import os
import re
import subprocess
import sys
import unittest

PROGRAM = "gpu_kernels/vulkan/compile_shaders"

LANES = 16
QPUS = 12
CLOCKS_PER_INSTRUCTION = 4
HERTZ = 0.96e9


@dataclasses.dataclass
class Budget:
    """Of one 1080p picture."""

    folder: str
    invocations: int
    milliseconds: float
    tmu_thousands: int


# Chroma: an invocation does 16 bytes of u and of v. Luma: 16 bytes; its budgets are 16-bit samples'.
BUDGETS = {
    "nv12": Budget("pack", 960 * 540 // 16, 0.08, 8),
    "p010": Budget("pack", 2 * 960 * 540 // 16, 0.12, 24),
    "luma": Budget("pack", 2 * 1920 * 1080 // 16, 0.30, 33),
    # Of 16 pairs of rows of each block one overlaps.
    "grain_nv12": Budget("film_grain", 60 * 540 * 15 // 16, 1.10, 136),
    "grain_nv12_overlap_luma": Budget("film_grain", 60 * 540 // 16, 0.08, 7),
    "grain_nv12_overlap_chroma": Budget("film_grain", 60 * 540 // 16, 0.06, 5),
    "grain_p010": Budget("film_grain", 60 * 540 * 15 // 16, 1.10, 262),
    "grain_p010_overlap_luma": Budget("film_grain", 60 * 540 // 16, 0.08, 14),
    "grain_p010_overlap_chroma": Budget("film_grain", 60 * 540 // 16, 0.06, 8),
    # A block, then eight samples: of planes with what surrounds them, and of blocks alone.
    "cdef_direction": Budget("cdef", 240 * 136, 0.85, 60),
    "cdef_shift_luma": Budget("cdef", 241 * 1092, 0.28, 116),
    "cdef_shift_chroma": Budget("cdef", 241 * 548, 0.14, 58),
    "cdef_filter": Budget("cdef", 240 * (1088 + 544), 9.80, 392),
}
# What several shaders make together: of one picture, too.
SUMS = {
    "film grain to NV12": ("grain_nv12", 3, 1.5, 150),
    "film grain to P010": ("grain_p010", 3, 1.5, 300),
    "CDEF": ("cdef", 4, 11.0, 630),
}


@dataclasses.dataclass
class Compiled:
    instructions: int
    threads: int
    uniforms: int
    spills: int
    fills: int
    tmu_operations: int  # of a group of 16 invocations
    scratch: int         # bytes of each invocation

    def groups(self, budget):
        return -(-budget.invocations // LANES)

    def milliseconds(self, budget):
        """The time in which all QPUs could issue the instructions: memory's is not in it."""
        return self.instructions * CLOCKS_PER_INSTRUCTION * self.groups(budget) / (QPUS * HERTZ) * 1e3

    def tmu_thousands(self, budget):
        return round(self.tmu_operations * self.groups(budget) / 1000)


STATISTICS = re.compile(r"^SHADER-DB-[0-9a-f]{40} .* shader: (\d+) inst, (\d+) threads, \d+ loops, (\d+) uniforms, \d+ max-temps, "
                        r"(\d+):(\d+) spills:fills")
# A write of a TMU address register starts an operation; tmud only carries data.
TMU_ADDRESS = re.compile(r"\b(?:tmua|tmuau|tmuas)\b")
# What NIR says of arrays that it could not keep in registers; Mesa's count of spills leaves them out.
SCRATCH = re.compile(r"^scratch: (\d+)$")


def read_log(text):
    """The last dump of each module's code and what the compiler counted, by the module's name."""
    compiled = {}
    name, tmu, scratch, in_code = None, 0, 0, False
    for line in text.splitlines():
        if line.startswith("module "):
            name, tmu, scratch, in_code = os.path.basename(line.split()[1])[:-len(".spv")], 0, 0, False
        elif line.endswith(" QPU:"):
            tmu, in_code = 0, True
        elif line.endswith(" NIR:"):
            in_code = False
        elif found := SCRATCH.match(line):
            scratch = max(scratch, int(found[1]))
        elif (found := STATISTICS.match(line)) and name:
            compiled[name] = Compiled(*map(int, found.groups()), tmu, scratch)
            in_code = False
        elif in_code and TMU_ADDRESS.search(line):
            tmu += 1
    return compiled


def compile_modules(folder, modules):
    environment = dict(os.environ, V3D_DEBUG="shaderdb,cs", XDG_CACHE_HOME=os.environ["TEST_TMPDIR"])
    run = subprocess.run([os.path.join(folder, "v3d-env"), PROGRAM, *modules], env=environment, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode != 0:
        raise RuntimeError(f"the shaders do not compile:\n{run.stdout[-2000:]}")
    if "device V3D 7.1" not in run.stdout:
        raise RuntimeError("the device is no V3D 7.1")
    return read_log(run.stdout)


class BudgetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.environ.get("DAEDALUS_V3D", "")
        if not os.path.exists(os.path.join(cls.folder, "v3d-env")):
            raise unittest.SkipTest("DAEDALUS_V3D names no folder with v3d-env")
        cls.compiled = compile_modules(cls.folder, [f"gpu_kernels/{budget.folder}/{name}.spv" for name, budget in BUDGETS.items()])

    def test_every_shader_keeps_its_budget(self):
        for name, budget in BUDGETS.items():
            with self.subTest(name):
                found = self.compiled[name]
                print(f"figures: V3D {name}: {found.instructions} instructions, {found.threads} threads, "
                      f"{found.uniforms} uniforms, {found.milliseconds(budget):.3f} ms (<= {budget.milliseconds}), "
                      f"{found.tmu_thousands(budget)}k TMU operations (<= {budget.tmu_thousands}k)")
                self.assertLessEqual(found.milliseconds(budget), budget.milliseconds)
                self.assertLessEqual(found.tmu_thousands(budget), budget.tmu_thousands)
                self.assertGreater(found.tmu_operations, 0)

    def test_pictures_of_several_shaders_keep_theirs(self):
        for name, (prefix, count, milliseconds, tmu_thousands) in SUMS.items():
            with self.subTest(name):
                parts = [(self.compiled[part], budget) for part, budget in BUDGETS.items() if part.startswith(prefix)]
                time = sum(found.milliseconds(budget) for found, budget in parts)
                tmu = sum(found.tmu_operations * found.groups(budget) for found, budget in parts) / 1000
                print(f"figures: V3D {name}: {time:.3f} ms (<= {milliseconds}), {tmu:.1f}k TMU operations "
                      f"(<= {tmu_thousands}k)")
                self.assertEqual(len(parts), count)
                self.assertLessEqual(time, milliseconds)
                self.assertLessEqual(tmu, tmu_thousands)

    def test_no_shader_uses_memory_of_its_own(self):
        for name in BUDGETS:
            with self.subTest(name):
                found = self.compiled[name]
                self.assertEqual((found.spills, found.fills, found.scratch), (0, 0, 0))
                self.assertGreaterEqual(found.threads, 2)

    def test_scratch_memory_would_be_seen(self):
        # A local array that a loop indexes, which the optimizer was not allowed to unroll.
        found = compile_modules(self.folder, ["gpu_kernels/vulkan/scratch.spv"])["scratch"]
        self.assertGreater(found.scratch, 0)


def main():
    program = unittest.main(exit=False)
    result = program.result
    skipped = 4 if result.skipped else 0
    failed = len({str(test).split(" [")[0] for test, _ in result.failures + result.errors})
    print(f"{0 if skipped else 4 - failed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
