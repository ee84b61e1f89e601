#!/usr/bin/env python3
"""The table of docs/gpu.md: a row for each shader and each sum, what exceeds a budget is a failure, and so is no compiler."""

import os
import subprocess
import sys
import tempfile
import unittest

BENCHMARKS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "benchmarks")
sys.path.insert(0, BENCHMARKS)
import bench_gpu  # noqa: E402  (of the folder just added)
from v3d_budgets import BUDGETS, SUMS, Compiled  # noqa: E402  (of a folder that bench_gpu added)

# So small that it keeps any budget.
SMALL = Compiled(instructions=10, threads=4, uniforms=3, spills=0, fills=0, tmu_operations=1, scratch=0)
SIMD = {budget.on_cpu: 4.08e6 for budget in (*BUDGETS.values(), *SUMS.values()) if budget.on_cpu}


class BenchGpuTest(unittest.TestCase):
    def test_each_shader_and_each_sum_has_a_row(self):
        rows = bench_gpu.table({name: SMALL for name in BUDGETS}, SIMD).splitlines()[2:]
        self.assertEqual(len(rows), len(BUDGETS) + len(SUMS))
        self.assertEqual({row.count("|") for row in rows}, {11})
        self.assertTrue(rows[0].startswith("| `nv12`: chroma of 8 bits | 10 | 4 | 3 | 0.007 ms | 0.08 ms | 2k | 8k "), rows[0])
        self.assertTrue(rows[0].endswith(" | 4.08 M | 1 ms |"), rows[0])
        for name, together in SUMS.items():
            place = next(index for index, row in enumerate(rows) if f": {name} |" in row)
            self.assertTrue(rows[place - 1].startswith(f"| `{together.parts[-1]}`"), rows[place - 1])

    def test_what_exceeds_its_budget_is_named(self):
        compiled = {name: SMALL for name in BUDGETS}
        self.assertEqual(list(bench_gpu.faults(compiled)), [])
        compiled["luma"] = Compiled(10, 4, 3, 0, 0, 3, 0)
        found = list(bench_gpu.faults(compiled))
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("luma: "), found)

    def test_a_table_that_is_out_of_date_is_told_and_replaced(self):
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
            file.write(f"before\n{bench_gpu.BEGIN}\nold\n{bench_gpu.END}\nafter\n")
            file.flush()
            self.assertFalse(bench_gpu.written(file.name, "new\n", check=True))
            self.assertTrue(bench_gpu.written(file.name, "new\n", check=False))
            self.assertTrue(bench_gpu.written(file.name, "new\n", check=True))

    def test_without_a_compiler_it_fails_and_says_so(self):
        run = subprocess.run([sys.executable, os.path.join(BENCHMARKS, "bench_gpu.py"), "--check"],
                             env={**os.environ, "DAEDALUS_V3D": ""}, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn("DAEDALUS_V3D", run.stderr)


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
