"""What the benchmarks share: clips, timings, medians, and the words on where a table was taken."""

import argparse
import datetime
import glob
import os
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.join(ROOT, "test", "conformance"))
import harness  # noqa: E402  (of the folder just added)

MOST_EXTENSIONS = 3  # a clip that is too slow gets up to so many times the rounds: other work disturbs a few of them
LIMIT = 300  # seconds for one measurement
COUNTING_LIMIT = 600  # seconds for one run under the emulator
KEPT_COUNTS = 1 << 24  # bytes of what the plug-in prints
# What a Cortex-A76 of a Raspberry Pi 5 is taken to do: 2.4 GHz, 1.7 instructions a cycle.
INSTRUCTIONS_A_SECOND = 2.4e9 * 1.7


class Unmeasured(Exception):
    """What a figure claims to measure did not happen."""


@dataclass
class Timing:
    frames: int
    seconds: float
    cpu_seconds: float


def planar_format(clip):
    return "yuv420p10le" if is_ten_bits(clip) else "yuv420p"


def is_ten_bits(clip):
    return any(word in os.path.basename(clip) for word in ("10bit", "hevc10"))


def benchmark_clips(folder, match, codecs):
    clips = sorted(path for path in glob.glob(os.path.join(folder, match))
                   if any(f"_{codec}_" in os.path.basename(path) for codec in codecs))
    if not clips:
        raise harness.Unusable(f"no clips in {folder}; set DAEDALUS_CLIPS or give --clips")
    return clips


def shortfall(faults):
    """What a document says below its table of the rows that miss a demand."""
    return "".join(f"\nNot reached: {fault}.\n" for fault in faults)


def median(numbers):
    return statistics.median(numbers) if numbers else 0.0


def ffmpeg_timing(finished):
    """Of stock ffmpeg's -benchmark."""
    seconds = re.search(r"utime=([\d.]+)s stime=([\d.]+)s rtime=([\d.]+)s", finished.err)
    frames = re.findall(r"frame=\s*(\d+)", finished.err)
    if finished.status != 0 or not seconds or not frames:
        raise Unmeasured(f"ffmpeg: {finished.crash or finished.last_error}")
    user, system, real = map(float, seconds.groups())
    return Timing(int(frames[-1]), real, user + system)


def counting_plugin(binaries):
    """The plug-in that counts an arm64 program's instructions, for QEMU's interface of version 2 (from QEMU 9.1 on) or 1."""
    shown = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\d+)\.(\d+)", shown)
    interface = 2 if version and tuple(map(int, version.groups())) >= (9, 1) else 1
    return os.path.join(binaries, "benchmarks", f"instruction_count_{interface}.so")


def counted_on_cortex_a76(command, plugin):
    """Runs an arm64 program under the plug-in; what that printed is in .err."""
    finished = harness.run(["qemu-aarch64", "-cpu", "cortex-a76", "-plugin", plugin, "-d", "plugin", *command],
                           COUNTING_LIMIT, keep=KEPT_COUNTS)
    if finished.status != 0:
        raise Unmeasured(f"{' '.join(command)}: {finished.crash or finished.last_error or finished.status}")
    return finished


def instructions_on_cortex_a76(command, plugin):
    counted = re.search(r"^instructions: (\d+)$", counted_on_cortex_a76(command, plugin).err, re.MULTILINE)
    if not counted:
        raise Unmeasured(f"{' '.join(command)}: not counted")
    return int(counted.group(1))


def versions(programs):
    first = subprocess.run([programs.ffmpeg, "-version"], capture_output=True, text=True, check=False).stdout
    text = " ".join(first.split("\n", 1)[0].split()[:3])
    libavcodec = re.search(r"libavcodec\s+([\d. ]+)/", first)
    return text + (f", libavcodec {libavcodec.group(1).replace(' ', '')}" if libavcodec else "")


def circumstances(options, programs):
    """Where and when, in a line."""
    load = os.getloadavg()[0]
    busy = f" Other work was running meanwhile: load average {load:.1f}." if load > options.threads + 1 else ""
    return (f"Machine: {harness.machine_text()}. {versions(programs)}. Date: {datetime.date.today()}. "
            f"{options.threads} threads.{busy}")


def parser_of(name, description):
    parser = argparse.ArgumentParser(prog=f"bench {name}", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", metavar="FOLDER", default=os.environ.get(
        "DAEDALUS_CLIPS", os.path.join(ROOT, "..", "shared", "clips")))
    parser.add_argument("--match", metavar="GLOB", default="*")
    parser.add_argument("--pairs", type=int, default=7, metavar="N", help="rounds for each clip")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--out", metavar="FILE", help="default: its document in docs/ after a whole run, else none")
    harness.add_program_options(parser)
    return parser


def document_from(path, heading):
    """What a document holds from the line that is `heading` on; '' where it has none."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    first = next((index for index, line in enumerate(lines) if not heading or line.rstrip() == heading), len(lines))
    return "".join(lines[first:])


def write_document(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"written: {path}")
