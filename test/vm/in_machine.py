"""A test that runs itself in the machine: its cases, the daemon, and how they are counted."""

import fnmatch
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
INSIDE = "DAEDALUS_INSIDE_VM"


class Failure(Exception):
    """The case failed; the text says how."""


class Skip(Exception):
    """The case cannot be run here; the text says why. A skip is never a pass."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def built(path):
    """A built file: beside this one under bazel test, else where ./dev built it."""
    beside = os.path.join(ROOT, path)
    binaries = os.environ.get("DAEDALUS_BIN", os.path.join(ROOT, "bazel-bin"))
    return os.path.realpath(beside if os.path.exists(beside) else os.path.join(binaries, path))


def inside():
    return INSIDE in os.environ


def enter(seconds, *options, or_skip=True):
    """Outside, goes on in the machine with the same arguments, or says that there is none; never returns. Without
    `or_skip` that is no success. 0 seconds: no limit."""
    if inside():
        return
    os.environ[INSIDE] = "yes"
    vm = os.path.join(HERE, "vm.py")
    command = [vm, *["--or-skip"] * or_skip, "--timeout", str(seconds), "--env", "TEST_TMPDIR", *options, "--"]
    sys.stdout.flush()
    os.execv(vm, command + [sys.executable] + sys.argv)


def installed(program):
    """A Skip where it is not."""
    if shutil.which(program) is None:
        raise Skip(f"{program} is not installed")


def run(command, seconds=120, status=0, **keywords):
    """The result of a command that must end in time with that status (None: any)."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, **keywords)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{' '.join(command)}: still running after {seconds} s") from error
    if status is not None and result.returncode != status:
        raise Failure(f"{' '.join(command)}: {result.returncode}: {(result.stdout + result.stderr)[-1500:]}")
    return result


def wait_until(condition, seconds, text, step=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, text)
        time.sleep(step)


class Page:
    """A session's statistics page while it changes (base/statistics.h has the layout)."""

    FIELDS = struct.Struct("=8sII 32x 16s 16s 32x 16x 16x 8x QQQQQQ")
    MAGIC = b"DADSTAT3"
    UNFINISHED = bytes(len(MAGIC))  # it is written last

    def __init__(self, path):
        with open(path, "rb") as file:
            fields = self.FIELDS.unpack(file.read(self.FIELDS.size))
        expect(fields[0] in (self.MAGIC, self.UNFINISHED), f"a statistics page of another layout: {fields[0]}")
        self.pid, self.session = fields[1:3]
        self.front, self.codec = (text.rstrip(b"\0").decode() for text in fields[3:5])
        self.pictures, self.concealed, self.errors, self.redecodes, self.gpu_failures, self.queue_depth = fields[5:]


class Daemon:
    """One daedalusd, with what may be asked about it. Its statistics pages go to a folder of its own."""

    def __init__(self, *options):
        program = built("cuse_device/cuse/daedalusd")
        self.folder = tempfile.mkdtemp(prefix="statistics.")
        os.chmod(self.folder, 0o777)
        started = time.monotonic()
        self.process = subprocess.Popen([program, "--kill", *options], stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "DAEDALUS_STATS": self.folder})
        self.line = self.process.stderr.readline().strip()
        self.seconds = time.monotonic() - started
        expect(self.line.startswith("daedalusd: serving /dev/"), f"the daemon says: {self.line}")
        self.nodes = re.findall(r"/dev/\w+", self.line)
        os.set_blocking(self.process.stderr.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        """The daemon must have lived until now, and ends when it is told to."""
        if self.process.poll() is None:
            self.process.terminate()
            status = self.process.wait(20)
            expect(status == 0, f"the daemon ended with {status} at SIGTERM")
        else:
            expect(self.process.returncode == -signal.SIGKILL,
                   f"the daemon ended by itself with {self.process.returncode}: {self.process.stderr.read()}")

    def status(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return dict(line.split(":", 1) for line in file.read().splitlines())

    def sessions(self):
        """What it says of the streams that it decoded."""
        return json.loads(run([built("tools/daedalus/daedalus"), "stats", "--json", self.folder]).stdout)

    def newest_page(self):
        """Of the session that began last; None before the first."""
        names = sorted(os.listdir(self.folder), key=lambda name: int(re.split(r"[-.]", name)[1]))
        try:
            return Page(os.path.join(self.folder, names[-1])) if names else None
        except struct.error:  # not written yet
            return None

    def usage(self):
        """(descriptors, threads, KiB that are the daemon's own)"""
        folder = f"/proc/{self.process.pid}"
        with open(f"{folder}/smaps_rollup", encoding="utf-8") as file:
            private = re.search(r"^Private_Dirty:\s+(\d+) kB", file.read(), re.MULTILINE)
        return len(os.listdir(f"{folder}/fd")), len(os.listdir(f"{folder}/task")), int(private.group(1))


def name_of(case):
    return getattr(case, "__name__", None) or case.func.__name__


def run_cases(cases, only="*"):
    """Judges the cases that `only` names, one line each, and returns the exit status."""
    counts = {"pass": 0, "FAIL": 0, "SKIP": 0}
    for case in [case for case in cases if fnmatch.fnmatch(name_of(case), only)]:
        started = time.monotonic()
        try:
            verdict, text = "pass", case() or ""
        except Failure as error:
            verdict, text = "FAIL", str(error)
        except Skip as error:
            verdict, text = "SKIP", str(error)
        except Exception as error:  # the other cases still have their turn
            verdict, text = "FAIL", f"{type(error).__name__}: {error}"
        counts[verdict] += 1
        print(f"{verdict} {name_of(case)}: {text} ({time.monotonic() - started:.1f} s)", flush=True)
    skipped = f", {counts['SKIP']} skipped" if counts["SKIP"] else ""
    print(f"{counts['pass']} passed, {counts['FAIL']} failed{skipped}")
    return 0 if counts["pass"] and not counts["FAIL"] else 1
