"""What the conformance runner, the demonstration and the benchmark share: where the programs are, a render node,
running a command with a time limit, the statistics pages, stock ffmpeg's command lines, and a progress line."""

import functools
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
DRIVER_FILE = "daedalus_drv_video.so"
WAY_VARIABLE = "DAEDALUS_RENDER_NODE_WAY"

# A sanitizer's report, its refusal to start, or an emulator's word on a signal, in what a program printed.
REPORTS = re.compile(
    r"(ERROR: \w*Sanitizer[^\n]*|WARNING: ThreadSanitizer[^\n]*|SUMMARY: \w*Sanitizer[^\n]*"
    r"|\w+ runtime does not come first[^\n]*"
    r"|\S+:\d+:\d+: runtime error: [^\n]*|uncaught target signal \d+[^\n]*)"
)


class Unusable(Exception):
    """Nothing can be run here; the text says what is missing and what to do."""


@dataclass
class Programs:
    """The built programs. `prefix` comes before each start of ours (qemu, env …), not before ffmpeg."""

    daedalus: str = ""
    driver: str = ""  # the folder of daedalus_drv_video.so
    ffmpeg: str = "ffmpeg"
    stateless_client: str = ""
    stateful_client: str = ""
    prefix: list = field(default_factory=list)
    client_prefix: list = field(default_factory=list)
    render_node: str = ""

    def check(self, needs_driver):
        if not os.access(self.daedalus, os.X_OK):
            raise Unusable(f"no program {self.daedalus}: build //tools/daedalus first (./dev does)")
        if needs_driver and not os.path.exists(os.path.join(self.driver, DRIVER_FILE)):
            raise Unusable(f"no {DRIVER_FILE} in {self.driver}: build //va_driver first (./dev does)")

    def command(self, *arguments):
        return [*self.prefix, self.daedalus, *arguments]

    def client_environment(self):
        """Makes libva load our driver and no other. A driver built for a sanitizer needs its library loaded first."""
        environment = {"LIBVA_DRIVERS_PATH": self.driver, "LIBVA_DRIVER_NAME": "daedalus"}
        libraries = sanitizer_libraries(os.path.join(self.driver, DRIVER_FILE))
        if libraries:
            preloaded = [*libraries, os.environ.get("LD_PRELOAD", "")]
            environment["LD_PRELOAD"] = ":".join(path for path in preloaded if path)
        return environment

    def time_scale(self):
        """How much longer than an optimized native build the programs may take."""
        if self.prefix:
            return 30.0
        return 10.0 if sanitizer_libraries(self.daedalus) else 1.0


@functools.lru_cache(maxsize=None)
def sanitizer_libraries(path):
    """The sanitizers' run-time libraries that a program or shared object is linked with, in their order."""
    try:
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return tuple(re.findall(r"=> (/\S*/lib(?:asan|ubsan|tsan|lsan)\.so\S*)", listed))


def add_program_options(parser):
    binaries = os.environ.get("DAEDALUS_BIN", os.path.join(ROOT, "bazel-bin"))
    parser.add_argument("--daedalus", metavar="PATH", default=os.path.join(binaries, "tools/daedalus/daedalus"),
                        help="our program (default: the one that Bazel built)")
    parser.add_argument("--driver", metavar="FOLDER", default=os.path.join(binaries, "va_driver"),
                        help=f"folder of {DRIVER_FILE}")
    parser.add_argument("--ffmpeg", metavar="PATH", default="ffmpeg", help="the stock client")
    parser.add_argument("--stateless-client", metavar="PATH", help="our own client for --front v4l2-request",
                        default=os.path.join(binaries, "test/clients/v4l2/v4l2_stateless_client"))
    parser.add_argument("--stateful-client", metavar="PATH", help="our own client for --front v4l2",
                        default=os.path.join(binaries, "test/clients/v4l2_stateful/v4l2_stateful_client"))


def programs_from(options):
    return Programs(
        daedalus=options.daedalus,
        driver=os.path.abspath(options.driver),
        ffmpeg=options.ffmpeg,
        stateless_client=options.stateless_client,
        stateful_client=options.stateful_client,
        prefix=shlex.split(getattr(options, "runner_prefix", None) or os.environ.get("DAEDALUS_RUN_UNDER", "")),
        client_prefix=shlex.split(getattr(options, "client_prefix", "") or ""),
        render_node=os.environ.get("DAEDALUS_RENDER_NODE", ""),
    )


def ensure_render_node():
    """Starts this program again where there is a render node, unless that was done: once for all clients."""
    if os.environ.get("DAEDALUS_RENDER_NODE"):
        return
    wrapper = os.path.join(ROOT, "test", "render_node", "with_render_node")
    described = subprocess.run([wrapper, "--describe"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               check=False)
    if described.returncode != 0:
        raise Unusable(f"no render node: {described.stderr.strip()}")
    environment = {**os.environ, WAY_VARIABLE: described.stdout.strip()}
    sys.stdout.flush()
    os.execve(wrapper, [wrapper, "--", sys.executable, *sys.argv], environment)


def render_node_text():
    """Which render node the clients get, in words for people."""
    node = os.environ.get("DAEDALUS_RENDER_NODE", "")
    words = {
        "namespace": "a private fake, seen by this program only: the machine has no usable DRM render node",
        "preload": "none; libdrm's check is answered by a preloaded library",
        "real": "the machine's own",
    }
    way = os.environ.get(WAY_VARIABLE, "")
    return f"{node} ({words.get(way, way or 'given by DAEDALUS_RENDER_NODE')})"


# --- Running ---


@dataclass
class Finished:
    """How a command ended. `status` < 0: by that signal."""

    status: int
    out: str
    err: str
    seconds: float
    timed_out: bool = False

    @property
    def crash(self):
        """The signal or the sanitizer's report that ended it, '' where it ended by itself."""
        report = REPORTS.search(self.err) or REPORTS.search(self.out)
        if report:
            return report.group(1)
        if self.status < 0 and not self.timed_out:
            try:
                return signal.Signals(-self.status).name
            except ValueError:
                return f"signal {-self.status}"
        return ""

    @property
    def crash_is_the_clients(self):
        """A sanitizer's report whose stacks show no function and no file of ours."""
        frames = re.findall(r"^\s*#\d+ .*$", self.err, re.MULTILINE)
        return bool(REPORTS.search(self.err)) and bool(frames) and not any("daedalus" in frame for frame in frames)

    @property
    def last_error(self):
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


_running = set()
_running_lock = threading.Lock()
_stopping = False


def run(command, limit, environment=None, keep=1 << 20):
    """Runs a command for at most `limit` seconds in a process group of its own, which is killed with it.
    Of what it prints, the first and the last `keep` bytes are returned."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 env={**os.environ, **(environment or {})}, start_new_session=True)
        with _running_lock:
            _running.add(child)
        if _stopping:
            _kill(child)
        timed_out = False
        try:
            status = child.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            _kill(child)
            status = child.wait()
        finally:
            with _running_lock:
                _running.discard(child)
        return Finished(status, _ends(out, keep), _ends(err, keep), time.monotonic() - started, timed_out)


def stop_all():
    """Kills what still runs: the runner itself was interrupted."""
    global _stopping
    _stopping = True
    with _running_lock:
        for child in _running:
            _kill(child)


def _kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _ends(file, keep):
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    data = file.read(keep)
    if size > keep:
        file.seek(max(keep, size - keep))
        data += file.read()
    return data.decode("utf-8", "replace")


# --- Statistics pages ---


def read_statistics(programs, folder, limit=60):
    """The sessions that wrote pages into `folder`."""
    finished = run(programs.command("stats", "--json", folder), limit)
    if finished.status != 0:
        raise Unusable(f"daedalus stats failed ({finished.status}): {finished.last_error}")
    sessions = json.loads(finished.out or "[]")
    if not isinstance(sessions, list):
        raise Unusable("daedalus stats printed no JSON array")
    return sessions


def total(sessions, key):
    return sum(int(session.get(key) or 0) for session in sessions)


def values(sessions, key):
    """The distinct values of a field, such as engine, over all sessions that decoded a picture."""
    return sorted({str(session.get(key, "")) for session in sessions if session.get("pictures")})


def substrates(sessions):
    """What the kernel stages ran on, as {stage: {substrate, …}}."""
    found = {}
    for session in sessions:
        for stage, substrate in (session.get("substrate") or {}).items():
            found.setdefault(stage, set()).add(substrate)
    return found


def substrate_text(sessions):
    return "+".join(sorted({name for names in substrates(sessions).values() for name in names})) or "none"


# --- Stock ffmpeg ---


def surface_format(pix_fmt):
    """In which a decoder of ours hands out the pictures of a stream of that format."""
    return "p010le" if pix_fmt.endswith("10le") else "nv12"


def download_filter(pix_fmt):
    """Takes the picture out of the VA surface. A frame that was *not* decoded through VA fails this filter, which
    is the client's side of the proof. The range is declared limited so that nothing later converts it."""
    return f"hwdownload,format={surface_format(pix_fmt)},setparams=range=limited"


def va_input(node, codec, strict):
    """ffmpeg's options of an input that is decoded through VA-API. Its first choice for AV1 is a decoder that knows no
    VA-API."""
    form = ["-hwaccel_output_format", "vaapi"] if strict else []
    decoder = ["-c:v", "av1"] if codec == "av1" else []
    return ["-hwaccel", "vaapi", "-hwaccel_device", node, *form, *decoder]


def input_flags(codec):
    return ["-noautorotate", *(["-flags", "+unaligned"] if codec == "h264" else [])]


def every_frame_at_its_size():
    return ["-map", "0:v:0", "-fps_mode", "passthrough", "-noautoscale"]


def quiet(ffmpeg):
    return [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error"]


def video_codec(ffmpeg, path):
    """What ffmpeg takes the file's first video stream for, by its own names; '' where it cannot say."""
    said = run([ffmpeg, "-hide_banner", "-nostdin", "-i", path], 60).err
    found = re.search(r"^ *Stream #0:\d+.*: Video: (\w+)", said, re.MULTILINE)
    return found.group(1) if found else ""


def frame_hashes(path):
    """The hashes of a framemd5 file, one a frame."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        return []
    return [line.split(",")[-1].strip() for line in lines]


def software_frame_hashes(ffmpeg, path, codec, pix_fmt, limit):
    """What ffmpeg's own decoder makes of the file: the hash of each frame."""
    with tempfile.TemporaryDirectory() as scratch:
        hashes = os.path.join(scratch, "frames")
        form = ["-pix_fmt", pix_fmt] if pix_fmt.startswith("gray") else []
        run([*quiet(ffmpeg), *input_flags(codec), "-i", path, *every_frame_at_its_size(), *form,
             "-c:v", "rawvideo", "-f", "framemd5", hashes], limit)
        return frame_hashes(hashes)


def first_difference(ours, theirs):
    """Where two lists of frame hashes differ first, in words; '' where they do not."""
    for index, (our, their) in enumerate(zip(ours, theirs)):
        if our != their:
            return f"frame {index} is the first wrong one of {len(theirs)}"
    if len(ours) != len(theirs):
        return f"{len(ours)} frames, {len(theirs)} expected; all that came are right"
    return ""


def sample_difference(ours, theirs):
    """(how far the worst 8-bit sample is off, the share of samples that are off) of two files of raw frames;
    (255, 1) where their sizes differ or there are none."""
    with open(ours, "rb") as our_file, open(theirs, "rb") as their_file:
        count = os.fstat(our_file.fileno()).st_size
        if count == 0 or count != os.fstat(their_file.fileno()).st_size:
            return 255, 1.0
        largest = off = 0
        while True:
            our, their = our_file.read(1 << 20), their_file.read(1 << 20)
            if not our:
                return largest, off / count
            # Most stretches are equal, and comparing those is cheap.
            for start in range(0, len(our), 64):
                one, other = our[start:start + 64], their[start:start + 64]
                if one != other:
                    differences = [abs(a - b) for a, b in zip(one, other) if a != b]
                    largest = max(largest, *differences)
                    off += len(differences)


def is_foreign(program):
    """Is this an ELF program for another architecture than this machine's?"""
    machines = set()
    for path in (program, sys.executable):
        try:
            with open(path, "rb") as file:
                head = file.read(20)
        except OSError:
            return False
        if head[:4] != b"\x7fELF":
            return False
        machines.add(head[18:20])
    return len(machines) == 2


# --- The machine and progress ---


def machine_text():
    """The board's name or the processor's, and how many cores of it are ours."""
    model = platform.machine()
    for path, pattern in (("/proc/cpuinfo", r"^model name\s*:\s*(.+)$"), ("/proc/device-tree/model", r"^([^\0]+)")):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                found = re.search(pattern, file.read(), re.MULTILINE)
        except OSError:
            continue
        if found:
            model = f"{found.group(1).strip()} ({platform.machine()})"
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} core{'s' if cores > 1 else ''}"


class Progress:
    """A bar on a terminal, a plain line every ten seconds elsewhere. Lines for keeps go through `say`."""

    def __init__(self, total_count, stream=None, interval=10.0):
        self.total = total_count
        self.stream = stream or sys.stderr
        self.tty = self.stream.isatty()
        self.interval = interval
        self.started = self.last = time.monotonic()

    def update(self, done, note=""):
        now = time.monotonic()
        if self.tty:
            if done < self.total and now - self.last < 0.1:
                return
            filled = 30 * done // max(self.total, 1)
            bar = "#" * filled + "-" * (30 - filled)
            self.stream.write(f"\r\x1b[K[{bar}] {done}/{self.total} {note}"[:150])
        else:
            if now - self.last < self.interval:
                return
            self.stream.write(f"{done}/{self.total} after {now - self.started:.0f} s {note}\n")
        self.last = now
        self.stream.flush()

    def say(self, line):
        self.finish()
        print(line, flush=True)

    def finish(self):
        if self.tty:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
