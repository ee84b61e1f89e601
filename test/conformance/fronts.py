"""The ways to decode a stream with Daedalus: through stock ffmpeg and the VA driver, or straight through the core."""

import os
import re
import tempfile
from dataclasses import dataclass, field

import harness

MD5_LINE = re.compile(r"^md5 ([0-9a-f]{32}) frames (\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """What the run was told to use; '' where any will do."""

    engine: str = ""
    backend: str = ""
    substrate: str = ""
    time_scale: float = 1.0

    def environment(self):
        names = {"DAEDALUS_ENGINE": self.engine, "DAEDALUS_BACKEND": self.backend, "DAEDALUS_SUBSTRATE": self.substrate}
        return {name: value for name, value in names.items() if value}

    def options(self):
        named = (("--engine", self.engine), ("--backend", self.backend), ("--substrate", self.substrate))
        return [word for option, value in named if value for word in (option, value)]


@dataclass
class Outcome:
    """What came of decoding one stream."""

    front: str
    finished: harness.Finished
    md5: str = ""
    frames: int = 0
    hashes: list = field(default_factory=list)  # one a frame, where the front gives them without another run
    sessions: list = field(default_factory=list)  # the statistics pages


def time_limit(stream, scale):
    """Seconds: a minute, and one for each 4 million luma samples to decode."""
    return (60 + stream.frames * stream.width * stream.height / 4e6) * scale


class VaFront:
    """Stock ffmpeg with -hwaccel vaapi; each output frame is downloaded from its surface by vaGetImage."""

    name = "va"

    def __init__(self, programs, asked):
        self.programs = programs
        self.asked = asked

    def environment(self, statistics):
        return {**self.programs.client_environment(), **self.asked.environment(), "DAEDALUS_STATS": statistics}

    def client(self, *arguments):
        return [*self.programs.client_prefix, *harness.quiet(self.programs.ffmpeg), *arguments]

    def decode(self, folder, stream):
        with tempfile.TemporaryDirectory(prefix="daedalus.") as scratch:
            statistics = os.path.join(scratch, "stats")
            os.mkdir(statistics)
            total, frames = os.path.join(scratch, "total"), os.path.join(scratch, "frames")
            command = self.client(
                *harness.va_input(self.programs.render_node, strict=True), *harness.input_flags(stream.codec),
                "-i", os.path.join(folder, stream.path), *harness.every_frame_at_its_size(),
                "-vf", harness.download_filter(stream.pix_fmt), "-pix_fmt", stream.pix_fmt, "-c:v", "rawvideo",
                "-f", "tee", f"[f=hash:hash=md5]{total}|[f=framemd5]{frames}")
            finished = harness.run(command, time_limit(stream, self.asked.time_scale), self.environment(statistics))
            outcome = Outcome(self.name, finished, hashes=harness.frame_hashes(frames))
            outcome.frames = len(outcome.hashes)
            if os.path.exists(total):
                with open(total, encoding="ascii") as file:
                    outcome.md5 = file.read().strip().rpartition("=")[2]
            outcome.sessions = harness.read_statistics(self.programs, statistics)
            return outcome

    def feed(self, folder, stream):
        """A malformed file: ffmpeg may fall back and may fail."""
        with tempfile.TemporaryDirectory(prefix="daedalus.") as statistics:
            command = self.client(*harness.va_input(self.programs.render_node, strict=False),
                                  "-i", os.path.join(folder, stream.path), "-f", "null", "-")
            finished = harness.run(command, 120 * self.asked.time_scale, self.environment(statistics))
            return Outcome(self.name, finished)

    def frame_hashes(self, folder, stream, outcome):
        return outcome.hashes


class ReplayFront:
    """`daedalus decode --front replay`: parser, jobs and core, and no client."""

    name = "replay"

    def __init__(self, programs, asked):
        self.programs = programs
        self.asked = asked

    def command(self, folder, stream, form):
        return self.programs.command("decode", "--front", "replay", *self.asked.options(),
                                     os.path.join(folder, stream.path), form)

    def decode(self, folder, stream):
        with tempfile.TemporaryDirectory(prefix="daedalus.") as statistics:
            finished = harness.run(self.command(folder, stream, "--md5"), time_limit(stream, self.asked.time_scale),
                                   {"DAEDALUS_STATS": statistics})
            outcome = Outcome(self.name, finished)
            printed = MD5_LINE.search(finished.out)
            if printed:
                outcome.md5, outcome.frames = printed.group(1), int(printed.group(2))
            outcome.sessions = harness.read_statistics(self.programs, statistics)
            return outcome

    def feed(self, folder, stream):
        with tempfile.TemporaryDirectory(prefix="daedalus.") as statistics:
            finished = harness.run(self.command(folder, stream, "--md5"), 120 * self.asked.time_scale,
                                   {"DAEDALUS_STATS": statistics})
            return Outcome(self.name, finished)

    def frame_hashes(self, folder, stream, outcome):
        """Decodes once more: only a stream that came out wrong needs the hash of each frame."""
        with tempfile.TemporaryDirectory(prefix="daedalus.") as statistics:
            finished = harness.run(self.command(folder, stream, "--framemd5"),
                                   time_limit(stream, self.asked.time_scale), {"DAEDALUS_STATS": statistics}, 64 << 20)
        lines = [line.split(",") for line in finished.out.splitlines() if line.count(",") == 3]
        return [cells[3].strip() for cells in lines]

    def write_raw(self, folder, stream, path):
        """All frames, planar, into a file."""
        command = self.programs.command("decode", "--front", "replay", *self.asked.options(),
                                        os.path.join(folder, stream.path), path)
        with tempfile.TemporaryDirectory(prefix="daedalus.") as statistics:
            harness.run(command, time_limit(stream, self.asked.time_scale), {"DAEDALUS_STATS": statistics})


FRONTS = {front.name: front for front in (VaFront, ReplayFront)}


def shown_packets(ffmpeg, path, codec):
    """How many pictures of a VP8 or VP9 file are coded: superframes taken apart, and without those packets that only
    show an earlier picture again (one or two bytes) or nothing at all. None where ffmpeg cannot say."""
    split = ["-bsf:v", "vp9_superframe_split"] if codec == "vp9" else []
    finished = harness.run([*harness.quiet(ffmpeg), "-i", path, "-map", "0:v:0", "-c", "copy", *split,
                            "-f", "framecrc", "-"], 120, keep=64 << 20)
    if finished.status != 0:
        return None
    lines = [line.split(",") for line in finished.out.splitlines() if line.strip() and not line.startswith("#")]
    return sum(int(cells[4]) > 2 for cells in lines)
