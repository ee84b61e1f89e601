#!/usr/bin/env python3
"""bench_gpu.py: what the shaders of a picture cost a Raspberry Pi 5's GPU, beside SIMD on its CPU. No board is needed.

Shaders are compiled by Mesa for a V3D 7.1 (DAEDALUS_V3D names the folder that has it; v3d_budgets.py says how). SIMD's
instructions are those that a Cortex-A76 executes for the same work, counted under qemu-user. Both are of one 1080p
picture; times are computed from them. Fails (exit status 1) where a budget is exceeded; 2: nothing could be computed.
Writes the table of docs/gpu.md; with --check changes nothing and fails where that is out of date.
"""

import argparse
import os
import sys

from measuring import (INSTRUCTIONS_A_SECOND, ROOT, Unmeasured, counted_on_cortex_a76, counting_plugin, harness,
                       instructions_on_cortex_a76)

sys.path.insert(0, os.path.join(ROOT, "gpu_kernels", "vulkan"))
import table as tables  # noqa: E402  (of test/conformance, beside the harness)
from v3d_budgets import BUDGETS, HERTZ, QPUS, SUMS, compile_modules, module, totals  # noqa: E402

BEGIN = "<!-- budgets: made by ./dev bench gpu, do not edit -->"
END = "<!-- end of budgets -->"
# A program's start-up varies by some 20,000 instructions with where its libraries are loaded: so many are counted that
# the three digits shown do not.
COUNTED_INSTRUCTIONS = 1e9
TOGETHER = {2: "both", 3: "all three", 4: "all four"}

HEAD = """| shader | instructions | threads | uniforms | issue | allowed | memory operations | allowed | SIMD instructions | on a core |
|---|---|---|---|---|---|---|---|---|---|
"""
FOOT = """
Nothing here was measured on a board. Issue: the time in which {qpus} QPUs at {gpu:.2f} GHz could issue the instructions.
SIMD instructions: what a Cortex-A76 executes for the same work (NEON, one thread), counted under qemu-user; on a core:
the time of so many at {rate:.2f} G a second (2.4 GHz, 1.7 a cycle, an estimate).
"""


class Bench:
    def __init__(self):
        self.v3d = os.environ.get("DAEDALUS_V3D", "")
        if not os.path.exists(os.path.join(self.v3d, "v3d-env")):
            raise harness.Unusable("DAEDALUS_V3D must name a folder with v3d-env, which compiles for a V3D 7.1")
        self.built = os.environ.get("DAEDALUS_BIN", os.path.join(ROOT, "bazel-bin"))
        self.plugin = counting_plugin(self.built)
        self.stage_frame = os.path.join(os.environ.get("DAEDALUS_PI5_BIN", ""), "gpu_kernels", "stage_frame")
        for path in (self.plugin, self.stage_frame):
            if not os.path.exists(path):
                raise harness.Unusable(f"no program {path}: ./dev bench gpu builds it")

    def compiled(self):
        try:
            return compile_modules(self.v3d, self.built, map(module, BUDGETS))
        except RuntimeError as error:
            raise Unmeasured(str(error)) from error

    def simd_instructions(self, work):
        """Of one picture. NEON must have done it."""
        command = [self.stage_frame, work, "simd"]
        if not counted_on_cortex_a76([*command, "1"], self.plugin).out.startswith(f"{work} simd NEON "):
            raise Unmeasured(f"{work} was not done by NEON")
        first, third = (instructions_on_cortex_a76([*command, frames], self.plugin) for frames in ("1", "3"))
        frames = max(2, round(2 * COUNTED_INSTRUCTIONS / (third - first)))
        last = instructions_on_cortex_a76([*command, str(1 + frames)], self.plugin)
        return (last - first) / frames


def on_cpu(instructions):
    """The last two cells of a row; None: that work has a row of its own."""
    if instructions is None:
        return "| |"
    return f"{instructions / 1e6:.3g} M | {instructions / INSTRUCTIONS_A_SECOND * 1e3:.3g} ms |"


def limits(time, tmu, budget):
    return f"{time:.3f} ms | {budget.milliseconds:.2f} ms | {tmu:.0f}k | {budget.tmu_thousands}k"


def shader_row(name, shader, simd):
    budget = BUDGETS[name]
    what = f": {budget.what}" if budget.what else ""
    cells = limits(shader.milliseconds(budget), shader.tmu_thousands(budget), budget)
    return f"| `{name}`{what} | {shader.instructions} | {shader.threads} | {shader.uniforms} | {cells} | {on_cpu(simd)}\n"


def sum_row(name, compiled, simd):
    together = SUMS[name]
    cells = limits(*totals(compiled, together.parts), together)
    return f"| {TOGETHER[len(together.parts)]}: {name} | | | | {cells} | {on_cpu(simd)}\n"


def table(compiled, simd):
    """`simd`: instructions of a picture by what stage_frame calls the work."""
    lines = []
    for name in BUDGETS:
        lines.append(shader_row(name, compiled[name], simd.get(BUDGETS[name].on_cpu)))
        lines += [sum_row(together, compiled, simd[SUMS[together].on_cpu]) for together in SUMS
                  if SUMS[together].parts[-1] == name]
    return HEAD + "".join(lines)


def faults(compiled):
    """The budgets that are exceeded, in words."""
    found = [(name, compiled[name].milliseconds(budget), compiled[name].tmu_thousands(budget), budget)
             for name, budget in BUDGETS.items()]
    found += [(name, *totals(compiled, together.parts), together) for name, together in SUMS.items()]
    for name, time, tmu, budget in found:
        if time > budget.milliseconds or tmu > budget.tmu_thousands:
            yield (f"{name}: {time:.3f} ms and {tmu:.0f}k memory operations, {budget.milliseconds} ms and "
                   f"{budget.tmu_thousands}k allowed")


def written(path, text, check):
    """Puts the table into the document; with `check` only whether it is there. False: it was not."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = tables.replaced(old, text, BEGIN, END)
    if not check and new != old:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new)
        print(f"written: {path}")
    return new == old or not check


def main():
    parser = argparse.ArgumentParser(prog="bench gpu", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", default=os.path.join(ROOT, "docs", "gpu.md"))
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the table is out of date")
    options = parser.parse_args()
    try:
        bench = Bench()
        compiled = bench.compiled()
        works = [budget.on_cpu for budget in (*BUDGETS.values(), *SUMS.values()) if budget.on_cpu]
        simd = {work: bench.simd_instructions(work) for work in works}
        text = table(compiled, simd)
        print(text, end="")
        current = written(options.file, text + FOOT.format(qpus=QPUS, gpu=HERTZ / 1e9, rate=INSTRUCTIONS_A_SECOND / 1e9),
                          options.check)
    except (harness.Unusable, Unmeasured, ValueError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        harness.stop_all()
        return 130
    failed = list(faults(compiled)) + ([] if current else [f"{options.file} is out of date"])
    for line in failed:
        print(f"FAILED {line}")
    print(f"bench gpu: {len(BUDGETS)} shaders, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
