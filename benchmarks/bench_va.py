#!/usr/bin/env python3
"""bench_va.py: how much of a plain decoder's speed is left when the same decoder runs inside Daedalus.

Per clip and round, one after the other: libavcodec (for AV1 with dav1d in it) alone, the core (replay), the driver (a
VA client of our own in one process), and stock ffmpeg through the driver with vaGetImage. All with the same number of
slice threads. A ratio is libavcodec's time divided by ours in the same round; the median over the rounds counts. Fails
(exit status 1) where a median is below the demanded ratio, the output pass costs too many instructions, or what should
have been measured did not happen. Writes docs/benchmarks.md.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field

from measuring import (LIMIT, MOST_EXTENSIONS, ROOT, Timing, Unmeasured, benchmark_clips, circumstances, ffmpeg_timing,
                       harness, median, parser_of, planar_format, shortfall, write_document)

CODECS = ("h264", "hevc", "hevc10", "vp9", "vp8", "mpeg2", "av1")
LEAST_RATIO = 0.93
# Over VA-API an AV1 client need not say which slots a picture replaces: some are then decoded twice.
LEAST_RATIO_AV1 = {"core": 0.95, "driver": 0.6}
# Of the decoder's instructions a frame. A frame of MPEG-2 takes so few that merely copying it with 32-byte loads and
# stores, 0.2 million instructions, exceeds 1 %.
MOST_PACK_SHARE = 0.01
MOST_PACK_SHARE_MPEG2 = 0.03
COUNTED_FRAMES = (2, 32)  # callgrind counts both; the difference is free of start-up
PACKED_FRAMES = (2, 12)


@dataclass
class Result:
    clip: str
    frames: int = 0
    reference_fps: list = field(default_factory=list)
    ratios: dict = field(default_factory=lambda: {"core": [], "driver": [], "ffmpeg": []})
    cpu_ratios: dict = field(default_factory=lambda: {"core": [], "driver": []})
    engine: str = ""
    substrate: str = ""
    redecodes: int = 0  # by the driver, in one round
    decode_instructions: float = 0  # a frame
    pack_instructions: float = 0
    unmeasured: str = ""  # why the rest of the figures are missing

    @property
    def too_slow(self):
        """The demanded ratios that are not reached, by name."""
        return {name: median(self.ratios[name]) for name in ("core", "driver")
                if median(self.ratios[name]) < self.least(name)}

    def least(self, name):
        return LEAST_RATIO_AV1[name] if is_av1(self.clip) else LEAST_RATIO

    @property
    def most_pack_share(self):
        return MOST_PACK_SHARE_MPEG2 if "_mpeg2_" in os.path.basename(self.clip) else MOST_PACK_SHARE

    @property
    def pack_share(self):
        """None where it was not counted."""
        return self.pack_instructions / self.decode_instructions if self.decode_instructions else None


class Bench:
    def __init__(self, options):
        self.programs = harness.programs_from(options)
        self.threads = options.threads
        binaries = os.environ.get("DAEDALUS_BIN", os.path.join(ROOT, "bazel-bin"))
        self.reference = os.path.join(binaries, "benchmarks", "libavcodec_reference")
        self.stage_frame = os.path.join(binaries, "gpu_kernels", "stage_frame")
        for path in (self.reference, self.stage_frame):
            if not os.path.exists(path):
                raise harness.Unusable(f"no program {path}: build //benchmarks/... first (./dev does)")

    def timed(self, command, environment=None):
        finished = harness.run(command, LIMIT, environment)
        if finished.status != 0:
            raise Unmeasured(f"{' '.join(command)}: {finished.crash or finished.last_error or finished.status}")
        line = json.loads(finished.out.strip().splitlines()[-1])
        return Timing(int(line["frames"]), float(line["seconds"]), float(line["cpu_seconds"]))

    def libavcodec(self, clip):
        return self.timed([self.reference, "--threads", str(self.threads), clip])

    def with_statistics(self, front, measure, result):
        """Runs `measure(environment)`; the statistics pages must say that `front` decoded each frame of it."""
        with tempfile.TemporaryDirectory(prefix="daedalus.") as folder:
            timing = measure({**self.programs.client_environment(), "DAEDALUS_STATS": folder,
                              "DAEDALUS_THREADS": str(self.threads)})
            sessions = harness.read_statistics(self.programs, folder)
        pictures, errors = harness.total(sessions, "pictures"), harness.total(sessions, "errors")
        if harness.values(sessions, "front") != [front] or pictures < timing.frames or errors:
            raise Unmeasured(f"{front}: {pictures} pictures decoded by us, {errors} errors, for {timing.frames} frames")
        grained = sum((session.get("stage_pictures") or {}).get("film_grain", 0) for session in sessions)
        if has_film_grain(result.clip) and grained < timing.frames:
            raise Unmeasured(f"{front}: film grain on {grained} pictures of {timing.frames}")
        if front == "va":
            result.redecodes = harness.total(sessions, "redecodes")
        result.engine = "+".join(harness.values(sessions, "engine"))
        if harness.substrates(sessions):
            result.substrate = harness.substrate_text(sessions)
        return timing

    def ours(self, front, clip, result):
        command = self.programs.command("decode", "--front", front, "--threads", str(self.threads), clip, "--benchmark")
        return self.with_statistics(front, lambda environment: self.timed(command, environment), result)

    def stock_ffmpeg(self, clip, result):
        command = [self.programs.ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "info", "-benchmark",
                   *harness.va_input(self.programs.render_node, "av1" if is_av1(clip) else "", strict=True),
                   "-i", clip, "-map", "0:v:0", "-vf", harness.download_filter(planar_format(clip)),
                   "-fps_mode", "passthrough", "-f", "null", "-"]

        def measure(environment):
            return ffmpeg_timing(harness.run(command, LIMIT, environment))

        return self.with_statistics("va", measure, result)

    def round(self, clip, result):
        """One round of all four; only what decoded as many frames as libavcodec gives a ratio. Every other round goes
        backwards, so that nothing is always measured after the same thing."""
        measures = {"libavcodec": lambda: self.libavcodec(clip), "core": lambda: self.ours("replay", clip, result),
                    "driver": lambda: self.ours("va", clip, result),
                    "ffmpeg": lambda: self.stock_ffmpeg(clip, result)}
        names = list(measures) if len(result.reference_fps) % 2 == 0 else list(reversed(measures))
        timings = {name: measures[name]() for name in names}
        reference = timings.pop("libavcodec")
        result.frames = reference.frames
        result.reference_fps.append(reference.frames / reference.seconds)
        for name, timing in timings.items():
            if timing.frames != reference.frames:
                raise Unmeasured(f"{name}: {timing.frames} frames, libavcodec {reference.frames}")
            result.ratios[name].append(reference.seconds / timing.seconds)
            if name in result.cpu_ratios:
                result.cpu_ratios[name].append(reference.cpu_seconds / timing.cpu_seconds)

    def count_instructions(self, clip, result):
        form = "p010" if planar_format(clip).endswith("10le") else "nv12"
        decode = [instructions([self.reference, "--frames", str(count), clip]) for count in COUNTED_FRAMES]
        pack = [instructions([self.stage_frame, form, "simd", str(count)]) for count in PACKED_FRAMES]
        result.decode_instructions = (decode[1] - decode[0]) / (COUNTED_FRAMES[1] - COUNTED_FRAMES[0])
        result.pack_instructions = (pack[1] - pack[0]) / (PACKED_FRAMES[1] - PACKED_FRAMES[0])


def is_av1(clip):
    return "_av1_" in os.path.basename(clip)


def has_film_grain(clip):
    return os.path.splitext(clip)[0].endswith("_fg")


def instructions(command):
    finished = harness.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], LIMIT)
    counted = re.search(r"Collected\s*:\s*(\d+)", finished.err)
    if finished.status != 0 or not counted:
        raise Unmeasured(f"callgrind {' '.join(command)}: {finished.last_error}")
    return int(counted.group(1))


def table(results):
    lines = ["| clip | frames | libavcodec fps | core | driver | stock ffmpeg, GetImage | CPU core | CPU driver "
             "| pack instructions | decoded twice | rounds | engine | substrate |", "|---" * 13 + "|"]
    for result in results:
        share = f"{result.pack_share * 100:.2f} %" if result.pack_share is not None else "not counted"
        ratios = [f"{median(result.ratios[name]):.3f}" for name in ("core", "driver", "ffmpeg")]
        cpu = [f"{median(result.cpu_ratios[name]):.3f}" for name in ("core", "driver")]
        lines.append("| " + " | ".join([
            os.path.basename(result.clip), str(result.frames), f"{median(result.reference_fps):.0f}", *ratios, *cpu,
            share, str(result.redecodes), str(len(result.reference_fps)), result.engine, result.substrate]) + " |")
    return "\n".join(lines) + "\n"


def faults(results):
    found = []
    for result in results:
        name = os.path.basename(result.clip)
        if result.unmeasured:
            found.append(f"{name}: not measured: {result.unmeasured}")
            continue
        for front, ratio in result.too_slow.items():
            found.append(f"{name}: {front} runs at {ratio:.3f} of libavcodec, {result.least(front)} demanded")
        if result.pack_share is not None and result.pack_share > result.most_pack_share:
            found.append(f"{name}: the output pass costs {result.pack_share:.2%} of decoding's instructions, "
                         f"{result.most_pack_share:.0%} allowed")
    return found


DOCUMENT = """# Benchmarks

Made by `./dev bench va`; do not edit.

{circumstances}

A ratio is plain libavcodec's time divided by ours, measured one after the other in the same round, median of all
rounds: 1 is the same speed, at least {least} is demanded of core and driver; of AV1, which is compared with dav1d inside
libavcodec, {least_av1[core]} of the core and {least_av1[driver]} of the driver, where clients need not say which slots a
picture replaces and some pictures are therefore decoded twice. "CPU" is the same ratio of processor time.
"Core" is `daedalus decode --front replay`, "driver" is `daedalus decode --front va`: a VA client in the same process
that waits for each picture in display order. Both also read those that get film grain, which is added on the way (the
driver through vaGetImage). Stock ffmpeg also copies each frame out with vaGetImage and runs its own
filter graph. "Pack instructions" is the output pass (planar to NV12 or P010, SIMD) of a 1080p frame as a share of
libavcodec's instructions to decode a frame of the clip, counted by callgrind; at most {share} is allowed,
and {mpeg2_share} of MPEG-2, whose frames are so cheap that merely copying one with 32-byte loads and stores costs more
than 1 %.

{table}{shortfall}"""


def percent(share):
    return f"{share * 100:.0f} %"


def document(options, programs, results):
    return DOCUMENT.format(circumstances=circumstances(options, programs), least=LEAST_RATIO,
                           least_av1=LEAST_RATIO_AV1,
                           share=percent(MOST_PACK_SHARE), mpeg2_share=percent(MOST_PACK_SHARE_MPEG2),
                           table=table(results), shortfall=shortfall(faults(results)))


def parse_arguments():
    parser = parser_of("va", __doc__)
    parser.add_argument("--no-callgrind", action="store_true", help="count no instructions")
    return parser.parse_args()


def measure_all(bench, clips, options):
    results = []
    count = not options.no_callgrind
    if count and not shutil.which("valgrind"):
        raise harness.Unusable("valgrind is not installed; --no-callgrind goes without")
    progress = harness.Progress(len(clips) * (options.pairs + count))
    for index, clip in enumerate(clips):
        result = Result(clip)
        results.append(result)
        done = index * (options.pairs + count)
        try:
            measure_clip(bench, result, options, lambda number: progress.update(done + number, os.path.basename(clip)))
            if count:
                bench.count_instructions(clip, result)
        except Unmeasured as error:
            result.unmeasured = str(error)
    progress.finish()
    return results


def measure_clip(bench, result, options, report):
    for number in range(MOST_EXTENSIONS * options.pairs):
        if number >= options.pairs and not result.too_slow:
            return
        bench.round(result.clip, result)
        report(min(number + 1, options.pairs))


def main():
    options = parse_arguments()
    try:
        harness.ensure_render_node()
        bench = Bench(options)
        bench.programs.check(needs_driver=True)
        clips = benchmark_clips(options.clips, options.match, CODECS)
        results = measure_all(bench, clips, options)
    except (harness.Unusable, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        harness.stop_all()
        return 130
    print(table(results), end="")
    whole = options.match == "*" and not options.no_callgrind
    out = options.out or (os.path.join(ROOT, "docs", "benchmarks.md") if whole else None)
    if out:
        write_document(out, document(options, bench.programs, results))
    found = faults(results)
    for line in found:
        print(f"FAILED {line}")
    print(f"bench va: {len(results)} clips, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
