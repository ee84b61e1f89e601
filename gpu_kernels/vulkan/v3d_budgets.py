"""The budgets of the shaders, and what Mesa's compiler makes of them for a V3D 7.1 (Raspberry Pi 5).

DAEDALUS_V3D is a folder with `v3d-env`, a program that runs another with Mesa's v3dv on a DRM device that only
pretends: pipelines really compile, nothing runs.
"""

import dataclasses
import os
import re
import subprocess
import tempfile

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
    what: str = ""  # that the name does not say
    # What gpu_kernels/stage_frame calls the same work, where it is this shader's alone.
    on_cpu: str = ""


# Chroma: an invocation does 16 bytes of u and of v. Luma: 16 bytes; its budgets are 16-bit samples'.
BUDGETS = {
    "nv12": Budget("pack", 960 * 540 // 16, 0.08, 8, "chroma of 8 bits", "nv12-chroma"),
    "p010": Budget("pack", 2 * 960 * 540 // 16, 0.12, 24, "chroma of 10 bits", "p010-chroma"),
    "luma": Budget("pack", 2 * 1920 * 1080 // 16, 0.30, 33, "10 bits", "p010-luma"),
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
    "cdef_filter": Budget("cdef", 240 * (1088 + 544), 9.80, 392, "luma and chroma"),
    # 16 samples, or 24, of both planes.
    "sand_nc12": Budget("sand", 120 * (1080 + 540), 0.20, 25, "luma and chroma", "sand-nc12"),
    "sand_nc30": Budget("sand", 80 * (1080 + 540), 0.30, 41, "luma and chroma", "sand-nc30"),
    # A block, or one of Cb and one of Cr: every block of the picture has coefficients.
    "h264_idct_8x8": Budget("idct", 240 * 136, 0.80, 100, "luma", "h264-idct-8x8"),
    "h264_idct_4x4": Budget("idct", 480 * 272, 0.72, 90, "luma", "h264-idct-4x4"),
    "h264_idct_chroma": Budget("idct", 240 * 136, 0.32, 43, "", "h264-idct-chroma"),
    # 4x4 luma samples, or their chroma.
    "h264_mc_luma": Budget("mc", 480 * 270, 2.00, 200, "one prediction at half samples both ways",
                           "h264-mc-luma"),
    "h264_mc_chroma": Budget("mc", 480 * 270, 0.35, 75, "one prediction"),
    "h264_mc_combine_luma": Budget("mc", 480 * 270, 1.00, 85, "four predictions, weighted"),
    "h264_mc_combine_chroma": Budget("mc", 480 * 270, 0.65, 75, "two predictions, weighted"),
}


@dataclasses.dataclass
class Sum:
    """What several shaders make together of one picture."""

    parts: tuple  # names, as BUDGETS has them one after another
    milliseconds: float
    tmu_thousands: int
    on_cpu: str


SUMS = {
    "film grain to NV12": Sum(("grain_nv12", "grain_nv12_overlap_luma", "grain_nv12_overlap_chroma"), 1.5, 150,
                              "film-grain-nv12"),
    "film grain to P010": Sum(("grain_p010", "grain_p010_overlap_luma", "grain_p010_overlap_chroma"), 1.5, 300,
                              "film-grain-p010"),
    "CDEF": Sum(("cdef_direction", "cdef_shift_luma", "cdef_shift_chroma", "cdef_filter"), 11.0, 630, "cdef-8"),
    "H.264's prediction of one list": Sum(("h264_mc_luma", "h264_mc_chroma"), 2.0, 260, "h264-mc"),
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


def module(name):
    """The file of a shader's SPIR-V in a folder of what Bazel built."""
    return f"gpu_kernels/{BUDGETS[name].folder}/{name}.spv"


def compile_modules(v3d, built, modules, kept=""):
    """What Mesa makes of `modules`, files in the folder `built`, by name; `v3d` is DAEDALUS_V3D. `kept`: the folder of
    the pipeline cache; of what is there already nothing is told, as nothing is compiled."""
    with tempfile.TemporaryDirectory() as cache:
        run = subprocess.run([os.path.join(v3d, "v3d-env"), os.path.join(built, "gpu_kernels/vulkan/compile_shaders"), kept,
                              *(os.path.join(built, path) for path in modules)],
                             env=dict(os.environ, V3D_DEBUG="shaderdb,cs", XDG_CACHE_HOME=cache), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"the shaders do not compile:\n{run.stdout[-2000:]}")
    if "device V3D 7.1" not in run.stdout:
        raise RuntimeError("the device is no V3D 7.1")
    if "\nimports dma-bufs\n" not in run.stdout:
        raise RuntimeError("the driver imports other memory than docs/gpu.md says")
    return read_log(run.stdout)


def totals(compiled, parts):
    """Milliseconds and thousands of TMU operations of several shaders together."""
    found = [(compiled[name], BUDGETS[name]) for name in parts]
    return (sum(shader.milliseconds(budget) for shader, budget in found),
            sum(shader.tmu_operations * shader.groups(budget) for shader, budget in found) / 1000)
