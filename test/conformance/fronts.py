"""The ways to decode a stream with Daedalus: through stock ffmpeg and the VA driver or the stateful V4L2 decoder, through
our own clients of the V4L2 decoders, or straight through the core."""

import os
import re
import tempfile
from dataclasses import dataclass, field

import harness

MD5_LINE = re.compile(r"^md5 ([0-9a-f]{32}) frames (\d+)\s*$", re.MULTILINE)


# The backend whose hardware is our own stateless decoder, in the same process, and the front that decodes there.
LOOPBACK = "hardware:loopback"
DEVICE_FRONT = "v4l2-request"


@dataclass(frozen=True)
class Asked:
    """What the run was told to use; '' where any will do."""

    engine: str = ""
    backend: str = ""
    substrate: str = ""
    transport: str = ""  # of the V4L2 fronts
    time_scale: float = 1.0

    def environment(self):
        names = {"DAEDALUS_ENGINE": self.engine, "DAEDALUS_BACKEND": self.backend, "DAEDALUS_SUBSTRATE": self.substrate}
        if "vulkan" in self.substrate:
            # Where nobody names a device, the driver that needs none.
            names["DAEDALUS_GPU"] = os.environ.get("DAEDALUS_GPU", "software")
        return {name: value for name, value in names.items() if value}

    @property
    def loopback(self):
        return self.backend == LOOPBACK

    def under_device(self, programs, command):
        """`command`, with the nodes beside it that stand in for hardware, where that was asked for."""
        return programs.command("run", "--transport", "in-process", "--", *command) if self.loopback else command

    def split(self, sessions):
        """(the front's sessions, those of the device behind it)."""
        if not self.loopback:
            return sessions, []
        return ([page for page in sessions if page.get("front") != DEVICE_FRONT],
                [page for page in sessions if page.get("front") == DEVICE_FRONT])

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
    device: list = field(default_factory=list)  # likewise, of the decoder that stood in for hardware


def time_limit(stream, scale):
    """Seconds: a minute, and one for each 4 million luma samples to decode."""
    return (60 + stream.frames * stream.width * stream.height / 4e6) * scale


def with_statistics(programs, transport, run):
    """(what `run(environment)` returns, the sessions that decoded meanwhile). Over CUSE the daemon decodes, and
    DAEDALUS_STATS names its folder of statistics pages: one stream at a time then."""
    if transport != "cuse":
        with tempfile.TemporaryDirectory(prefix="daedalus.") as folder:
            return run({"DAEDALUS_STATS": folder}), harness.read_statistics(programs, folder)
    folder = os.environ.get("DAEDALUS_STATS", "")
    if not os.path.isdir(folder):
        raise harness.Unusable("DAEDALUS_STATS must name the daemon's folder of statistics pages")
    known = {(session["pid"], session["session"]) for session in harness.read_statistics(programs, folder)}
    finished = run({})
    sessions = harness.read_statistics(programs, folder)
    return finished, [page for page in sessions if (page["pid"], page["session"]) not in known]


class FfmpegFront:
    """Stock ffmpeg. A subclass says how it comes to decode with us."""

    name = ""
    client_name = "ffmpeg"

    def __init__(self, programs, asked):
        self.programs = programs
        self.asked = asked

    def environment(self):
        return self.asked.environment()

    def run(self, command, limit):
        """(how it finished, the sessions that decoded)."""
        return with_statistics(self.programs, self.asked.transport,
                               lambda more: harness.run(command, limit, {**self.environment(), **more}))

    def client(self, *arguments):
        return [*self.programs.client_prefix, *harness.quiet(self.programs.ffmpeg), *arguments]

    def input_options(self, path, stream, strict):
        """`strict`: nothing may be decoded by anybody else."""
        raise NotImplementedError

    def picture_filter(self, stream):
        """What makes plain pictures of the decoder's, without a change of samples."""
        raise NotImplementedError

    def feed_options(self):
        return []

    def decode(self, folder, stream):
        with tempfile.TemporaryDirectory(prefix="daedalus.") as scratch:
            total, frames = os.path.join(scratch, "total"), os.path.join(scratch, "frames")
            path = os.path.join(folder, stream.path)
            command = self.client(
                *self.input_options(path, stream, strict=True), *harness.input_flags(stream.codec),
                "-i", path, *harness.every_frame_at_its_size(),
                "-vf", self.picture_filter(stream), "-pix_fmt", stream.pix_fmt, "-c:v", "rawvideo",
                "-f", "tee", f"[f=hash:hash=md5]{total}|[f=framemd5]{frames}")
            finished, sessions = self.run(command, time_limit(stream, self.asked.time_scale))
            sessions, device = self.asked.split(sessions)
            outcome = Outcome(self.name, finished, hashes=harness.frame_hashes(frames), sessions=sessions, device=device)
            outcome.frames = len(outcome.hashes)
            if os.path.exists(total):
                with open(total, encoding="ascii") as file:
                    outcome.md5 = file.read().strip().rpartition("=")[2]
            return outcome

    def feed(self, folder, stream):
        """A malformed file: ffmpeg may fall back and may fail."""
        path = os.path.join(folder, stream.path)
        command = self.client(*self.input_options(path, stream, strict=False), "-i", path,
                              *self.feed_options(), "-f", "null", "-")
        return Outcome(self.name, self.run(command, 120 * self.asked.time_scale)[0])

    def frame_hashes(self, folder, stream, outcome):
        return outcome.hashes


class VaFront(FfmpegFront):
    """With -hwaccel vaapi; each output frame is downloaded from its surface by vaGetImage."""

    name = "va"

    def environment(self):
        return {**self.programs.client_environment(), **super().environment()}

    def client(self, *arguments):
        return self.asked.under_device(self.programs, super().client(*arguments))

    def input_options(self, path, stream, strict):
        return harness.va_input(self.programs.render_node, stream.codec, strict)

    def picture_filter(self, stream):
        return harness.download_filter(stream.pix_fmt)


class V4l2Front(FfmpegFront):
    """With h264_v4l2m2m and its kin, under `daedalus run`. The first filter copies: libavcodec waits at a change of
    size until nobody holds a picture of the old one, and ffmpeg's encoder side holds one for ever."""

    name = "v4l2"
    decoders = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "vp8": "vp8", "mpeg2video": "mpeg2", "mpeg2": "mpeg2"}

    def client(self, *arguments):
        transport = self.asked.transport or "in-process"
        return self.programs.command("run", "--transport", transport, "--", *super().client(*arguments))

    def decode(self, folder, stream):
        if stream.pix_fmt.endswith("10le"):
            said = "libavcodec's V4L2 decoders know no format of 10 bits, and wait for ever; not started"
            return Outcome(self.name, harness.Finished(1, "", said, 0.0))
        return super().decode(folder, stream)

    def input_options(self, path, stream, strict):
        """By what the file holds, which its name need not say."""
        codec = harness.video_codec(self.programs.ffmpeg, path) or stream.codec
        return ["-c:v", f"{self.decoders[codec]}_v4l2m2m"] if codec in self.decoders else []

    def picture_filter(self, stream):
        return f"copy,format={harness.surface_format(stream.pix_fmt)},setparams=range=limited"

    def feed_options(self):
        return ["-vf", "copy"]


class PrintingFront:
    """A program of ours that prints hashes itself. `command(path, form, stream)`: form is --md5, --framemd5 or a
    file's name."""

    name = ""
    client_name = "own"

    def __init__(self, programs, asked):
        self.programs = programs
        self.asked = asked

    def command(self, path, form, stream):
        raise NotImplementedError

    def environment(self):
        return self.asked.environment()

    def run(self, folder, stream, form, limit, keep=1 << 20):
        """(how it finished, the sessions that decoded)."""
        command = self.command(os.path.join(folder, stream.path), form, stream)
        return with_statistics(self.programs, self.asked.transport,
                               lambda more: harness.run(command, limit, {**self.environment(), **more}, keep))

    def decode(self, folder, stream):
        finished, sessions = self.run(folder, stream, "--md5", time_limit(stream, self.asked.time_scale))
        sessions, device = self.asked.split(sessions)
        outcome = Outcome(self.name, finished, sessions=sessions, device=device)
        printed = MD5_LINE.search(finished.out)
        if printed:
            outcome.md5, outcome.frames = printed.group(1), int(printed.group(2))
        return outcome

    def feed(self, folder, stream):
        return Outcome(self.name, self.run(folder, stream, "--md5", 120 * self.asked.time_scale)[0])

    def frame_hashes(self, folder, stream, outcome):
        """Decodes once more: only a stream that came out wrong needs the hash of each frame."""
        finished, _ = self.run(folder, stream, "--framemd5", time_limit(stream, self.asked.time_scale), 64 << 20)
        lines = [line.split(",") for line in finished.out.splitlines() if line.count(",") == 3]
        return [cells[3].strip() for cells in lines]

    def write_raw(self, folder, stream, path):
        """All frames, planar, into a file."""
        self.run(folder, stream, path, time_limit(stream, self.asked.time_scale))


def luma_option(stream):
    """Of programs of ours, where the manifest's md5 is that of the one plane that is coded."""
    return ["--luma"] if stream.codec == "av1" and stream.pix_fmt.startswith("gray") else []


class ReplayFront(PrintingFront):
    """`daedalus decode --front replay`: parser, jobs and core, and no client."""

    name = "replay"

    def command(self, path, form, stream):
        decode = self.programs.command("decode", "--front", "replay", *self.asked.options(), *luma_option(stream), path,
                                       form)
        return self.asked.under_device(self.programs, decode)


class OwnV4l2Front(PrintingFront):
    """A V4L2 client of ours under `daedalus run`."""

    def client(self, stream):
        """The program, and its options for this stream."""
        raise NotImplementedError

    def command(self, path, form, stream):
        return self.programs.command("run", "--transport", self.asked.transport or "in-process",
                                     *self.run_options(stream), "--", *self.client(stream), path, form)

    def environment(self):
        """`daedalus run` puts its library before a sanitizer's, which would refuse to start."""
        options = [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]
        return {**super().environment(), "ASAN_OPTIONS": ":".join(filter(None, options))}

    def run_options(self, stream):
        """Of `daedalus run`."""
        return []


class V4l2RequestFront(OwnV4l2Front):
    """test/clients/v4l2 and the stateless decoder."""

    name = "v4l2-request"

    def client(self, stream):
        return [self.programs.stateless_client, *luma_option(stream)]


class StatefulClientFront(OwnV4l2Front):
    """test/clients/v4l2_stateful and the stateful decoder. It asks for the CAPTURE format whose planes are the
    manifest's, chroma apart; there is none of 10 bits, so P010 there."""

    name = "v4l2"

    def client(self, stream):
        chosen = {"yuv420p": ["--format", "YU12"], "yuv420p10le": ["--format", "P010"], "gray": ["--luma"]}
        return [self.programs.stateful_client, *chosen.get(stream.pix_fmt, [])]

    def run_options(self, stream):
        """Clients that take an unknown format amiss are spared AV1 otherwise."""
        return ["--av1"] if stream.codec == "av1" and self.asked.transport != "cuse" else []


FRONTS = {front.name: front for front in (VaFront, ReplayFront, V4l2Front, V4l2RequestFront)}


def front_class(name, own_client=False):
    return StatefulClientFront if name == V4l2Front.name and own_client else FRONTS[name]


def for_stream(front, stream):
    """The front itself, or with a client of ours where no stock client has a decoder of that codec."""
    if isinstance(front, V4l2Front) and stream.codec not in front.decoders:
        return StatefulClientFront(front.programs, front.asked)
    return front


def substitute(front):
    """(the front that must pass where the stock client of `front` has a limit, whether that is a pass of `front`'s
    interface too)."""
    return (StatefulClientFront, True) if isinstance(front, V4l2Front) else (ReplayFront, False)


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


def coded_frames(ffmpeg, path):
    """How many frames of an AV1 file are coded, those that only show an earlier one left out. None where ffmpeg cannot
    say."""
    traced = harness.run([ffmpeg, "-hide_banner", "-nostdin", "-i", path, "-map", "0:v:0", "-c", "copy",
                          "-bsf:v", "trace_headers", "-f", "null", "-"], 120, keep=64 << 20)
    found = re.findall(r" show_existing_frame +[01] = ([01])$", traced.err, re.MULTILINE)
    return found.count("0") if traced.status == 0 and found else None
