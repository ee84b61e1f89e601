#!/usr/bin/env python3
"""The shaders against their budgets on a V3D 7.1. Without DAEDALUS_V3D the test skips."""

import os
import sys
import tempfile
import unittest

# Bazel starts this file through a link of another name in the same folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from v3d_budgets import BUDGETS, SUMS, compile_modules, module, totals  # noqa: E402


class BudgetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.environ.get("DAEDALUS_V3D", "")
        if not os.path.exists(os.path.join(cls.folder, "v3d-env")):
            raise unittest.SkipTest("DAEDALUS_V3D names no folder with v3d-env")
        cls.compiled = compile_modules(cls.folder, ".", map(module, BUDGETS))

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
        for name, budget in SUMS.items():
            with self.subTest(name):
                time, tmu = totals(self.compiled, budget.parts)
                print(f"figures: V3D {name}: {time:.3f} ms (<= {budget.milliseconds}), {tmu:.1f}k TMU operations "
                      f"(<= {budget.tmu_thousands}k)")
                self.assertLessEqual(time, budget.milliseconds)
                self.assertLessEqual(tmu, budget.tmu_thousands)

    def test_no_shader_uses_memory_of_its_own(self):
        for name in BUDGETS:
            with self.subTest(name):
                found = self.compiled[name]
                self.assertEqual((found.spills, found.fills, found.scratch), (0, 0, 0))
                self.assertGreaterEqual(found.threads, 2)

    def test_what_is_in_the_pipeline_cache_is_not_compiled(self):
        with tempfile.TemporaryDirectory() as kept:
            first, second = (compile_modules(self.folder, ".", map(module, BUDGETS), kept) for _ in range(2))
        self.assertEqual(first.keys(), BUDGETS.keys())
        self.assertEqual(second, {})

    def test_scratch_memory_would_be_seen(self):
        # A local array that a loop indexes, which the optimizer was not allowed to unroll.
        found = compile_modules(self.folder, ".", ["gpu_kernels/vulkan/scratch.spv"])["scratch"]
        self.assertGreater(found.scratch, 0)


def main():
    program = unittest.main(exit=False)
    result = program.result
    skipped = 5 if result.skipped else 0
    failed = len({str(test).split(" [")[0] for test, _ in result.failures + result.errors})
    print(f"{0 if skipped else 5 - failed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
