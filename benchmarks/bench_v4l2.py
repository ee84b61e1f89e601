#!/usr/bin/env python3
"""bench_v4l2.py: how much of ffmpeg's own speed is left when it decodes through the stateful V4L2 node.

Per clip, thread count and round, one after the other: stock ffmpeg with its own decoder, and stock ffmpeg with the V4L2
decoder under `daedalus run` (in-process), both with the same number of threads and no other work. A ratio is the first
one's time divided by the second one's; the median over the rounds counts. Thread counts are 1, where cores are left for
what the node does beside decoding, and all of --threads, where none is. Fails (exit status 1) where a median is below
the demanded ratio, or the node did not decode every frame. Writes docs/benchmarks-v4l2.md.
"""

import os
import sys
import tempfile
from dataclasses import dataclass, field

from measuring import (LIMIT, MOST_EXTENSIONS, ROOT, Unmeasured, benchmark_clips, circumstances, document_from,
                       ffmpeg_timing, harness, is_ten_bits, median, parser_of, shortfall, write_document)

CODECS = ("h264", "hevc", "vp9", "vp8", "mpeg2")
LEAST_RATIO = 0.90
# A clip is decoded so many times in one go that a measurement takes seconds: the start of either side counts little.
TIMES = {"h264": 6, "hevc": 3, "vp9": 6, "vp8": 10, "mpeg2": 20}


def codec_of(clip):
    return next(codec for codec in CODECS if f"_{codec}_" in os.path.basename(clip))


@dataclass
class Result:
    clip: str
    threads: int
    frames: int = 0
    reference_fps: list = field(default_factory=list)
    ratios: list = field(default_factory=list)
    cpu_ratios: list = field(default_factory=list)
    engine: str = ""
    substrate: str = ""
    unmeasured: str = ""  # why the rest of the figures are missing

    @property
    def too_slow(self):
        return median(self.ratios) < LEAST_RATIO


class Bench:
    def __init__(self, options):
        self.programs = harness.programs_from(options)

    def ffmpeg(self, playlist, *decoder):
        return [self.programs.ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "info", "-benchmark", *decoder,
                "-f", "concat", "-safe", "0", "-i", playlist, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-"]

    def plain(self, playlist, result):
        return ffmpeg_timing(harness.run(self.ffmpeg(playlist, "-threads", str(result.threads)), LIMIT))

    def node(self, playlist, result):
        command = self.programs.command("run", "--transport", "in-process", "--",
                                        *self.ffmpeg(playlist, "-c:v", f"{codec_of(result.clip)}_v4l2m2m"))
        with tempfile.TemporaryDirectory(prefix="daedalus.") as folder:
            timing = ffmpeg_timing(harness.run(command, LIMIT, {"DAEDALUS_STATS": folder,
                                                                "DAEDALUS_THREADS": str(result.threads)}))
            sessions = harness.read_statistics(self.programs, folder)
        pictures, errors = harness.total(sessions, "pictures"), harness.total(sessions, "errors")
        if harness.values(sessions, "front") != ["v4l2"] or pictures < timing.frames or errors:
            raise Unmeasured(f"{pictures} pictures decoded by the node, {errors} errors, for {timing.frames} frames")
        result.engine = "+".join(harness.values(sessions, "engine"))
        result.substrate = harness.substrate_text(sessions)
        if result.substrate == "none":
            raise Unmeasured("no picture went through the output pass")
        return timing

    def round(self, result):
        """Every other one goes backwards, so that neither is always measured after the same thing."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as playlist:
            playlist.write(f"file '{os.path.realpath(result.clip)}'\n" * TIMES[codec_of(result.clip)])
            playlist.flush()
            measures = {"plain": lambda: self.plain(playlist.name, result), "node": lambda: self.node(playlist.name, result)}
            names = list(measures) if len(result.ratios) % 2 == 0 else list(reversed(measures))
            timings = {name: measures[name]() for name in names}
        plain, node = timings["plain"], timings["node"]
        if node.frames != plain.frames:
            raise Unmeasured(f"{node.frames} frames, ffmpeg's own decoder gives {plain.frames}")
        result.frames = plain.frames
        result.reference_fps.append(plain.frames / plain.seconds)
        result.ratios.append(plain.seconds / node.seconds)
        result.cpu_ratios.append(plain.cpu_seconds / node.cpu_seconds)


def measure_all(bench, clips, options):
    results = []
    for clip in clips:
        for threads in sorted({1, options.threads}):
            results.append(Result(clip, threads))
    progress = harness.Progress(len(results) * options.pairs)
    for index, result in enumerate(results):
        try:
            for number in range(MOST_EXTENSIONS * options.pairs):
                if number >= options.pairs and not result.too_slow:
                    break
                bench.round(result)
                progress.update(index * options.pairs + min(number + 1, options.pairs), os.path.basename(result.clip))
        except Unmeasured as error:
            result.unmeasured = str(error)
    progress.finish()
    return results


def table(results):
    lines = ["| clip | threads | frames | ffmpeg fps | V4L2 node | CPU | rounds | engine | substrate |",
             "|---" * 9 + "|"]
    for result in results:
        lines.append("| " + " | ".join([
            os.path.basename(result.clip), str(result.threads), str(result.frames), f"{median(result.reference_fps):.0f}",
            f"{median(result.ratios):.3f}", f"{median(result.cpu_ratios):.3f}", str(len(result.ratios)), result.engine,
            result.substrate]) + " |")
    return "\n".join(lines) + "\n"


def faults(results):
    found = []
    for result in results:
        name = f"{os.path.basename(result.clip)}, {result.threads} threads"
        if result.unmeasured:
            found.append(f"{name}: not measured: {result.unmeasured}")
        elif result.too_slow:
            found.append(f"{name}: {median(result.ratios):.3f} of ffmpeg's own decoder, {LEAST_RATIO} demanded")
    return found


DOCUMENT = """# Benchmark of the stateful V4L2 decoder

Made by `./dev bench v4l2`; do not edit.

{circumstances}

"V4L2 node" is the time of stock ffmpeg with its own decoder, divided by the time of stock ffmpeg with its V4L2
decoder under `daedalus run` (the node inside the process), one after the other in the same round with as many threads
(of frames, for MPEG-2 of slices), each clip several times in one go, median of all rounds: 1 is the same speed, at
least {least} is demanded. The node writes each picture once more than plain decoding does, into the client's buffer:
with one thread another core does it, with all of them it takes time from decoding, most of it for MPEG-2, which is
decoded fastest. "CPU" is the same ratio of processor time.

{table}{shortfall}"""


def main():
    options = parser_of("v4l2", __doc__).parse_args()
    try:
        bench = Bench(options)
        bench.programs.check(needs_driver=False)
        clips = [clip for clip in benchmark_clips(options.clips, options.match, CODECS)
                 if not is_ten_bits(clip)]  # which libavcodec's V4L2 decoders do not know
        results = measure_all(bench, clips, options)
    except (harness.Unusable, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        harness.stop_all()
        return 130
    print(table(results), end="")
    out = options.out or (os.path.join(ROOT, "docs", "benchmarks-v4l2.md") if options.match == "*" else None)
    if out:
        text = DOCUMENT.format(circumstances=circumstances(options, bench.programs), least=LEAST_RATIO,
                               table=table(results), shortfall=shortfall(faults(results)))
        section = document_from(out, "## Over CUSE")  # bench_v4l2_cuse.py's
        write_document(out, f"{text}\n{section}" if section else text)
    found = faults(results)
    for line in found:
        print(f"FAILED {line}")
    print(f"bench v4l2: {len(results)} rows, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
