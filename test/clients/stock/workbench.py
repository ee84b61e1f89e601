"""What every stock client's cases share: running it on a render node, its pictures, the driver's count.

A case passes only when the client's output is that of a software decoder *and* the driver's own
statistics say that it decoded every coded picture: clients fall back to software without a word.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

CLIENT_SECONDS = 90
NOBODY = 65534


class Failure(Exception):
    """The case failed; the text says how."""


class Skip(Exception):
    """The case cannot be run here; the text says why. A skip is never a pass."""


@dataclasses.dataclass(frozen=True)
class Clip:
    """A file of test/data. `pictures` counts coded ones, with those that are never shown."""

    name: str
    codec: str
    width: int
    height: int
    frames: int
    pictures: int
    bits: int = 8

    def frame_bytes(self):
        return self.width * self.height * 3 // 2 * (1 if self.bits == 8 else 2)

    def native_format(self):
        """FFmpeg's name of the format in which the driver hands it out."""
        return "nv12" if self.bits == 8 else "p010le"

    def planar_format(self):
        return "yuv420p" if self.bits == 8 else "yuv420p10le"


CLIPS = (
    Clip("h264.mp4", "h264", 320, 180, 60, 60),
    Clip("h264_interlaced.mp4", "h264", 352, 288, 50, 50),
    Clip("vp9.webm", "vp9", 320, 180, 60, 67),
    Clip("vp9_10bit.webm", "vp9", 320, 180, 50, 56, bits=10),
    Clip("vp8.webm", "vp8", 320, 180, 60, 64),
    Clip("mpeg2.mpg", "mpeg2", 320, 180, 60, 60),
    Clip("hevc.mp4", "hevc", 320, 180, 60, 60),
    Clip("hevc_10bit.mp4", "hevc", 176, 144, 50, 50, bits=10),
    Clip("av1.webm", "av1", 320, 180, 60, 62),
    Clip("av1_10bit.webm", "av1", 176, 144, 50, 52, bits=10),
)


@dataclasses.dataclass
class Run:
    """A client that has ended by itself, successfully."""

    output: str
    statistics: list


def decoded_pictures(daedalus, stats_dir):
    """The sessions that the driver counted under `stats_dir`, one dictionary each."""
    command = [daedalus, "stats", "--json", stats_dir]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"statistics cannot be read: {error}") from error
    if result.returncode != 0:
        raise Failure(f"daedalus stats ended with {result.returncode}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def split_frames(data, frame_bytes):
    """One digest per frame."""
    if len(data) % frame_bytes != 0:
        raise Failure(f"{len(data)} bytes are no whole number of frames of {frame_bytes}")
    return [
        hashlib.md5(data[start : start + frame_bytes]).hexdigest()
        for start in range(0, len(data), frame_bytes)
    ]


def expect_same_frames(actual, expected):
    for index, (ours, theirs) in enumerate(zip(actual, expected)):
        if ours != theirs:
            wrong = sum(a != b for a, b in zip(actual, expected))
            raise Failure(f"frame {index} is the first of {wrong} that differ from software")
    if len(actual) != len(expected):
        raise Failure(f"{len(actual)} frames instead of {len(expected)}")


def expect_decoded_by_driver(run, clip):
    """Every coded picture of the clip went through the driver, and none was damaged. The count."""
    sessions = [session for session in run.statistics if session["pictures"] > 0]
    if not sessions:
        raise Failure("the driver decoded nothing: the client used another decoder")
    for session in sessions:
        if session["front"] != "va" or session["codec"] != clip.codec:
            raise Failure(f"{session['front']} {session['codec']} instead of va {clip.codec}")
        if session["errors"] or session["concealed"]:
            raise Failure(f"{session['errors']} errors, {session['concealed']} concealed pictures")
    count = sum(session["pictures"] for session in sessions)
    if count != clip.pictures:
        raise Failure(f"the driver decoded {count} pictures instead of {clip.pictures}")
    return count


class Workbench:
    """A folder that every user may read, with what the clients need, and the ways to run them."""

    def __init__(self, driver, daedalus, render_node, shim, clips):
        self.folder = tempfile.mkdtemp(prefix="stock_clients.")
        os.chmod(self.folder, 0o755)
        self.render_node = render_node
        self.daedalus = daedalus
        self.driver_dir = self._share(driver, "driver")
        self.shim = os.path.join(self._share(shim, "shim"), os.path.basename(shim)) if shim else None
        for clip in CLIPS:
            self.clips_dir = self._share(os.path.join(clips, clip.name), "clips")
        self.node = self._render_node("--", "printenv", "DAEDALUS_RENDER_NODE").strip()
        self._references = {}
        self._runs = 0

    def close(self):
        shutil.rmtree(self.folder)

    def _share(self, file, folder):
        """Copies a file to where a client without rights finds it; returns the folder."""
        target = os.path.join(self.folder, folder)
        os.makedirs(target, mode=0o755, exist_ok=True)
        copy = os.path.join(target, os.path.basename(file))
        shutil.copyfile(os.path.realpath(file), copy)
        os.chmod(copy, 0o755)
        return target

    def _wrapper(self, *options):
        shim = ["--shim", self.shim] if self.shim else []
        return [self.render_node, *shim, *options]

    def _render_node(self, *arguments):
        result = subprocess.run(
            self._wrapper(*arguments), capture_output=True, text=True, timeout=CLIENT_SECONDS
        )
        if result.returncode != 0:
            raise Skip(result.stderr.strip())
        return result.stdout

    def way(self, *options):
        """The way in which clients get a render node here, or a Skip."""
        return self._render_node(*options, "--describe").strip()

    def path(self, clip):
        return os.path.join(self.clips_dir, clip.name)

    def scratch(self, name):
        """A new folder that every user may write to."""
        self._runs += 1
        folder = os.path.join(self.folder, f"{name}.{self._runs}")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        return folder

    def require(self, *programs):
        for program in programs:
            if shutil.which(program) is None:
                raise Skip(f"{program} is not installed")

    def run(self, command, render_node_options=(), unprivileged=False, environment=None):
        """Runs a client to its end, on the render node and with the driver of this build.

        A client that must not be root is run as nobody when we are. Raises Failure when it ends with
        anything but success, or not at all within CLIENT_SECONDS.
        """
        stats_dir, home = self.scratch("stats"), self.scratch("home")
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if unprivileged and os.geteuid() == 0:
            command = drop + list(command)
        variables = dict(os.environ, DAEDALUS_STATS=stats_dir, HOME=home, TMPDIR=home)
        variables.update(XDG_RUNTIME_DIR=home, LC_ALL="C.UTF-8")
        variables.update(environment or {})
        wrapper = self._wrapper("--driver-dir", self.driver_dir, *render_node_options, "--")
        process = subprocess.Popen(
            wrapper + list(command),
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise Failure(f"still running after {CLIENT_SECONDS} s\n{tail(output)}") from None
        if process.returncode != 0:
            raise Failure(f"ended with {process.returncode}\n{tail(output)}")
        return Run(output.decode(errors="replace"), decoded_pictures(self.daedalus, stats_dir))

    def software_frames(self, clip, pixel_format):
        """Digests of the clip's frames by ffmpeg's own decoder."""
        key = clip.name, pixel_format
        if key not in self._references:
            self.require("ffmpeg")
            command = ["ffmpeg", "-v", "error", "-nostdin", "-i", self.path(clip)]
            command += ["-fps_mode", "passthrough", "-pix_fmt", pixel_format, "-f", "rawvideo", "-"]
            data = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, timeout=CLIENT_SECONDS
            ).stdout
            frames = split_frames(data, clip.frame_bytes())
            if len(frames) != clip.frames:
                raise Failure(f"software decodes {len(frames)} frames of {clip.frames}")
            self._references[key] = frames
        return self._references[key]


def tail(output, lines=12):
    return "\n".join(output.decode(errors="replace").splitlines()[-lines:])


def read_frames(file, clip):
    try:
        with open(file, "rb") as stream:
            return split_frames(stream.read(), clip.frame_bytes())
    except FileNotFoundError:
        raise Failure("the client wrote no pictures") from None


@dataclasses.dataclass(frozen=True)
class Case:
    """`check` returns what was seen, or raises Failure or Skip."""

    name: str
    check: object

    def judge(self):
        """(verdict, text, seconds)"""
        start = time.monotonic()
        try:
            verdict, text = "pass", self.check()
        except Failure as failure:
            verdict, text = "FAIL", str(failure)
        except Skip as skip:
            verdict, text = "SKIP", str(skip)
        except Exception as error:  # the other cases still have their turn
            verdict, text = "FAIL", f"{type(error).__name__}: {error}"
        return verdict, text, time.monotonic() - start


def judge_all(cases):
    """Judges the cases, one line each, counts them on the last line, and returns the exit status: a skip is no pass."""
    counts = {"pass": 0, "FAIL": 0, "SKIP": 0}
    for case in cases:
        verdict, text, seconds = case.judge()
        counts[verdict] += 1
        print(f"{verdict} {case.name}: {text} ({seconds:.1f} s)", flush=True)
    skipped = f", {counts['SKIP']} skipped" if counts["SKIP"] else ""
    print(f"{counts['pass']} passed, {counts['FAIL']} failed{skipped}")
    return 0 if counts["pass"] and not counts["FAIL"] else 1
