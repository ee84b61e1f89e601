#!/usr/bin/env python3
"""bench_h264.py: the native H.264 engine against libavcodec.

Per clip and row both sides are measured one after the other in the same round; a ratio is libavcodec's time divided by
ours, the median over the rounds counts. Instructions are counted for a Cortex-A76 under qemu-user, both sides' builds
for it, and those of each task scheduled on several cores by the engine's own rules (simulate_h264). Fails (exit status
1) where a demand is missed or what should have been measured did not happen. Writes docs/benchmarks-h264.md.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from measuring import (INSTRUCTIONS_A_SECOND, LIMIT, MOST_EXTENSIONS, ROOT, Timing, Unmeasured, benchmark_clips,
                       circumstances, counted_on_cortex_a76, counting_plugin, harness, instructions_on_cortex_a76, median,
                       parser_of, shortfall, write_document)
from task_costs import Malformed, costs_text

CODECS = ("h264",)
COUNTED_FRAMES = (4, 34)  # the difference is free of start-up
PICTURE_MIB = 1920 * 1088 * 1.5 / 2**20
PICTURES_IN_FLIGHT = (1, 5)
SIMULATED_JOBS = 60
WAKE_SECONDS = 10e-6  # what a Raspberry Pi 5 is taken to need for waking a thread


@dataclass(frozen=True)
class Row:
    """One line of the demands: ours and libavcodec's threads, and the least ratio by clip; '' stands for the others."""
    name: str
    threads: int
    in_flight: int
    frame_threads: bool
    least: dict
    aim: dict

    def demand(self, clip, of):
        return next((value for word, value in of.items() if word and word in os.path.basename(clip)), of.get(""))


ROWS = (
    Row("1 thread", 1, 1, False, {"": 0.85}, {"": 1.15}),
    # A clip of several slices is what the slice threads are made for.
    Row("2 threads, 1 picture in flight", 2, 1, False, {"_4sl": None, "20m": 1.35, "": 1.5},
        {"_4sl": None, "20m": 1.6, "": 1.8}),
    Row("2 threads, 4 in flight, against frame threads", 2, 4, True, {"": 0.85}, {"": 1.1}),
)
MOST_INSTRUCTIONS, AIM_INSTRUCTIONS = 1.15, 0.85
MOST_MIB, AIM_MIB = 8, 3


@dataclass
class Result:
    clip: str
    ratios: dict = field(default_factory=lambda: {row.name: [] for row in ROWS})
    reference_fps: list = field(default_factory=list)
    instructions: dict = field(default_factory=dict)  # millions a frame: libavcodec, native
    simulated: dict = field(default_factory=dict)  # frames a second by cores and pictures in flight
    mib: float = 0.0  # beyond the picture itself, for each in flight
    substrate: str = ""
    unmeasured: str = ""

    def missed(self):
        """The demands that are not reached, in words."""
        for row in ROWS:
            least = row.demand(self.clip, row.least)
            if least and median(self.ratios[row.name]) < least:
                yield f"{row.name}: {median(self.ratios[row.name]):.2f} of libavcodec, {least} demanded"
        if self.instructions and self.instruction_ratio > MOST_INSTRUCTIONS:
            yield f"{self.instruction_ratio:.2f} of libavcodec's instructions, {MOST_INSTRUCTIONS} allowed"
        if self.mib > MOST_MIB:
            yield f"{self.mib:.1f} MiB beside each picture in flight, {MOST_MIB} allowed"

    @property
    def instruction_ratio(self):
        return self.instructions["native"] / self.instructions["libavcodec"]


class Bench:
    def __init__(self, options):
        self.programs = harness.programs_from(options)
        binaries = os.environ.get("DAEDALUS_BIN", os.path.join(ROOT, "bazel-bin"))
        self.reference = os.path.join(binaries, "benchmarks", "libavcodec_reference")
        self.simulator = os.path.join(binaries, "benchmarks", "simulate_h264")
        self.plugin = counting_plugin(binaries)
        self.pi5 = os.environ.get("DAEDALUS_PI5_BIN", "")
        for path in (self.reference, self.simulator, self.plugin):
            if not os.path.exists(path):
                raise harness.Unusable(f"no program {path}: build //benchmarks/... first (./dev does)")

    def timing_of(self, command, environment=None):
        finished = harness.run(command, LIMIT, environment)
        if finished.status != 0:
            raise Unmeasured(f"{' '.join(command)}: {finished.crash or finished.last_error or finished.status}")
        line = json.loads(finished.out.strip().splitlines()[-1])
        return Timing(int(line["frames"]), float(line["seconds"]), float(line["cpu_seconds"]))

    def libavcodec(self, row, clip):
        frame_threads = ["--frame-threads"] if row.frame_threads else []
        return self.timing_of([self.reference, "--threads", str(row.threads), *frame_threads, clip])

    def ours(self, clip, threads, in_flight, measure, result):
        """Runs `measure(command, environment)`; the statistics must say that the native engine decoded each frame."""
        command = self.programs.command("decode", "--front", "replay", "--engine", "native", "--threads", str(threads),
                                        "--in-flight", str(in_flight), "--benchmark", clip)
        with tempfile.TemporaryDirectory(prefix="daedalus.") as folder:
            measured = measure(command, {**self.programs.client_environment(), "DAEDALUS_STATS": folder})
            sessions = harness.read_statistics(self.programs, folder)
        if harness.values(sessions, "engine") != ["native"] or harness.total(sessions, "errors"):
            raise Unmeasured(f"decoded by {harness.values(sessions, 'engine')}, "
                             f"{harness.total(sessions, 'errors')} errors")
        if harness.substrates(sessions):
            result.substrate = harness.substrate_text(sessions)
        return measured, harness.total(sessions, "pictures")

    def round(self, row, result):
        backwards = len(result.ratios[row.name]) % 2
        reference = None if backwards else self.libavcodec(row, result.clip)
        timing, pictures = self.ours(result.clip, row.threads, row.in_flight, self.timing_of, result)
        reference = reference or self.libavcodec(row, result.clip)
        if not timing.frames == reference.frames <= pictures:
            raise Unmeasured(f"{timing.frames} frames, {pictures} pictures by us; libavcodec {reference.frames} frames")
        result.ratios[row.name].append(reference.seconds / timing.seconds)
        if row is ROWS[0]:
            result.reference_fps.append(reference.frames / reference.seconds)

    def measure_memory(self, result):
        """By the largest resident size, with one and with several pictures in flight."""
        peaks = [self.ours(result.clip, 2, count, peak_mib, result)[0] for count in PICTURES_IN_FLIGHT]
        more = PICTURES_IN_FLIGHT[1] - PICTURES_IN_FLIGHT[0]
        result.mib = max(0.0, (peaks[1] - peaks[0]) / more - PICTURE_MIB)

    def count_instructions(self, result):
        if not self.pi5:
            return
        programs = {
            "libavcodec": [os.path.join(self.pi5, "benchmarks", "libavcodec_reference")],
            "native": [os.path.join(self.pi5, "tools", "daedalus", "daedalus"), "decode", "--front", "replay",
                       "--engine", "native", "--threads", "1", "--in-flight", "1", "--benchmark"],
        }
        for name, program in programs.items():
            first, last = (instructions_on_cortex_a76([*program, "--frames", str(count), result.clip], self.plugin)
                           for count in COUNTED_FRAMES)
            result.instructions[name] = (last - first) / (COUNTED_FRAMES[1] - COUNTED_FRAMES[0]) / 1e6

    def simulate(self, result):
        """Counts the tasks' instructions and schedules them."""
        if not self.pi5:
            return
        command = [os.path.join(self.pi5, "benchmarks", "h264_task_costs"), result.clip, str(SIMULATED_JOBS)]
        counted = counted_on_cortex_a76(command, self.plugin + ",marks=mark_")
        try:
            costs = costs_text(counted.out, counted.err)
        except Malformed as error:
            raise Unmeasured(f"{' '.join(command)}: {error}") from error
        finished = subprocess.run([self.simulator, str(round(WAKE_SECONDS * INSTRUCTIONS_A_SECOND))],
                                  input=costs, capture_output=True, text=True, timeout=LIMIT, check=False)
        if finished.returncode != 0:
            raise Unmeasured(f"simulate_h264: {finished.stderr.strip() or finished.returncode}")
        for line in map(json.loads, finished.stdout.splitlines()):
            seconds = line["instructions"] / INSTRUCTIONS_A_SECOND
            result.simulated[line["cores"], line["in_flight"]] = line["frames"] / seconds


def peak_mib(command, environment):
    """The largest resident size of a run, MiB."""
    finished = harness.run(["/usr/bin/env", "python3", "-c", PEAK, *command], LIMIT, environment)
    peak = re.search(r"^peak (\d+)$", finished.out, re.MULTILINE)
    if finished.status != 0 or not peak:
        raise Unmeasured(f"{' '.join(command)}: {finished.crash or finished.last_error or finished.status}")
    return int(peak.group(1)) / 1024


PEAK = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


def table(results):
    names = [row.name for row in ROWS]
    lines = ["| clip | libavcodec, 1 thread, fps | " + " | ".join(names) +
             " | Cortex-A76 instructions a frame | of libavcodec's | MiB a picture in flight | rounds | substrate |",
             "|---" * (7 + len(names)) + "|"]
    for result in results:
        counted = result.instructions
        lines.append("| " + " | ".join([
            os.path.basename(result.clip), f"{median(result.reference_fps):.0f}",
            *(f"{median(result.ratios[row.name]):.2f}" for row in ROWS),
            f"{counted['native']:.1f} M" if counted else "not counted",
            f"{result.instruction_ratio:.2f}" if counted else "", f"{result.mib:.1f}", str(len(result.ratios[ROWS[0].name])),
            result.substrate]) + " |")
    return "\n".join(lines) + "\n"


def simulation_table(results):
    """Frames a second, and how many times those of one core."""
    columns = sorted({column for result in results for column in result.simulated})
    if not columns:
        return "Not computed.\n"
    heads = (f"{cores} core{'s' * (cores > 1)}, {in_flight} in flight" for cores, in_flight in columns)
    lines = ["| clip | " + " | ".join(heads) + " |", "|---" * (1 + len(columns)) + "|"]
    for result in results:
        if result.simulated:
            alone = result.simulated[columns[0]]
            cells = (f"{result.simulated[column]:.0f} ({result.simulated[column] / alone:.2f}×)" for column in columns)
            lines.append("| " + " | ".join([os.path.basename(result.clip), *cells]) + " |")
    return "\n".join(lines) + "\n"


def demands():
    """What is demanded of a row, in words, and what is aimed at."""
    for row in ROWS:
        yield (row.name, *(", ".join(f"{value} ({word})" if word else str(value) for word, value in of.items() if value)
                           for of in (row.least, row.aim)))
    yield "instructions, of libavcodec's", f"at most {MOST_INSTRUCTIONS}", str(AIM_INSTRUCTIONS)
    yield "MiB a picture in flight", f"at most {MOST_MIB}", str(AIM_MIB)


def faults(results):
    return [f"{os.path.basename(result.clip)}: {line}" for result in results
            for line in ([f"not measured: {result.unmeasured}"] if result.unmeasured else result.missed())]


DOCUMENT = """# The native H.264 engine against libavcodec

Made by `./dev bench h264`; do not edit.

{circumstances}

A ratio is libavcodec's time divided by ours, measured one after the other in the same round, median of all rounds:
above 1 we are faster. Ours is `daedalus decode --front replay --engine native --in-flight N`: N pictures are under way at
most, 1 being what a client does that waits for each picture. libavcodec has slice threads, or frame threads where the
row says so. Instructions are those of a frame, one thread, counted by a plug-in of qemu-user for a Cortex-A76 with both
sides' arm64 builds. Memory is the largest resident size with {many} pictures in flight less that with {one}, for each
picture more, less the picture itself.

| | demanded | aim |
|---|---|---|
{demands}

{table}{shortfall}
## On a Raspberry Pi 5, computed

Not measured: the instructions of each task (a pass over a row) of the first {jobs} pictures, counted as above, are
given to cores by the engine's own rules (`task_schedule`). Each core does {rate:.2f} G instructions a second (2.4 GHz,
1.7 a cycle, an estimate), a thread wakes in {wake:.0f} µs, memory is never waited for, and nothing else runs. Frames a
second, and how many times those of one core:

{simulation}"""


def document(options, programs, results):
    return DOCUMENT.format(circumstances=circumstances(options, programs), one=PICTURES_IN_FLIGHT[0],
                           many=PICTURES_IN_FLIGHT[1],
                           demands="\n".join(f"| {name} | {least} | {aim} |" for name, least, aim in demands()),
                           jobs=SIMULATED_JOBS, rate=INSTRUCTIONS_A_SECOND / 1e9, wake=WAKE_SECONDS * 1e6,
                           simulation=simulation_table(results), table=table(results),
                           shortfall=shortfall(faults(results)))


def measure_clip(bench, result, options, report):
    done = 0
    for row in ROWS:
        for number in range(MOST_EXTENSIONS * options.pairs):
            least = row.demand(result.clip, row.least)
            if number >= options.pairs and (not least or median(result.ratios[row.name]) >= least):
                break
            bench.round(row, result)
        done += 1
        report(done)
    bench.measure_memory(result)
    bench.count_instructions(result)
    bench.simulate(result)


def measure_all(bench, clips, options):
    results = []
    steps = len(ROWS) + 1
    progress = harness.Progress(len(clips) * steps)
    for index, clip in enumerate(clips):
        result = Result(clip)
        results.append(result)
        try:
            measure_clip(bench, result, options,
                         lambda done, result=result, base=index * steps: progress.update(
                             base + done, os.path.basename(result.clip)))
        except Unmeasured as error:
            result.unmeasured = str(error)
    progress.finish()
    return results


def main():
    options = parser_of("h264", __doc__).parse_args()
    try:
        bench = Bench(options)
        clips = benchmark_clips(options.clips, options.match, CODECS)
        results = measure_all(bench, clips, options)
    except (harness.Unusable, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        harness.stop_all()
        return 130
    print(table(results), end="")
    print("\nComputed for a Raspberry Pi 5, frames a second:")
    print(simulation_table(results), end="")
    out = options.out or (os.path.join(ROOT, "docs", "benchmarks-h264.md") if options.match == "*" else None)
    if out:
        write_document(out, document(options, bench.programs, results))
    found = faults(results)
    for line in found:
        print(f"FAILED {line}")
    print(f"bench h264: {len(results)} clips, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
