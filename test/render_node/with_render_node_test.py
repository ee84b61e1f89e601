#!/usr/bin/env python3
"""Does with_render_node give a command a render node, and nothing else?

Each way that this machine offers is tried; a way that it does not offer must say so.
"""

import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "with_render_node")
WAYS = ("real", "namespace", "preload")

# What libva asks before it looks for a driver.
NODE_TYPE = """
import ctypes, os
fd = os.open(os.environ["DAEDALUS_RENDER_NODE"], os.O_RDWR)
process = ctypes.CDLL(None)
drm = ctypes.CDLL("libdrm.so.2")
# A preloaded answer lies in the process's own scope, before libdrm's.
ask = getattr(process, "drmGetNodeTypeFromFd", None) if os.environ.get("LD_PRELOAD") else None
print((ask or drm.drmGetNodeTypeFromFd)(fd))
"""

VERSION = """
import ctypes, os
class Version(ctypes.Structure):
    _fields_ = [("numbers", ctypes.c_int * 3)] + [
        (f"{text}_{part}", kind) for text in ("name", "date", "desc")
        for part, kind in (("length", ctypes.c_int), ("text", ctypes.c_char_p))]
fd = os.open(os.environ["DAEDALUS_RENDER_NODE"], os.O_RDWR)
drm = ctypes.CDLL("libdrm.so.2")
drm.drmGetVersion.restype = ctypes.POINTER(Version)
version = drm.drmGetVersion(fd).contents
print(version.name_text.decode(), len(version.date_text) > 0, len(version.desc_text) > 0)
"""


def run(*arguments, **options):
    return subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=60, **options
    )


def mounts():
    with open("/proc/self/mountinfo") as file:
        return file.read()


def python(program):
    return ["--", sys.executable, "-c", program]


def passes_exit_status(way):
    return run("--way", way, "--", "sh", "-c", "exit 41").returncode == 41


def passes_signal(way):
    return run("--way", way, "--", "sh", "-c", "kill -SEGV $$").returncode == -11


def passes_streams_and_arguments(way):
    result = run("--way", way, "--", "sh", "-c", 'cat; echo "$1|" >&2', "sh", "a  b", input="x")
    return (result.stdout, result.stderr) == ("x", "a  b|\n")


def is_render_node(way):
    return run("--way", way, *python(NODE_TYPE)).stdout == "2\n"


def leaves_nothing_behind(way):
    def traces():
        temporary = glob.glob(os.path.join(tempfile.gettempdir(), "render_node.*"))
        return mounts(), os.path.exists("/dev/dri"), temporary

    before = traces()
    run("--way", way, "--", "true")
    return before == traces()


def sets_the_driver(way):
    show = 'echo "$LIBVA_DRIVERS_PATH $LIBVA_DRIVER_NAME"'
    clean = {name: os.environ[name] for name in os.environ if not name.startswith("LIBVA_")}
    given = run("--way", way, "--driver-dir", "/tmp", "--", "sh", "-c", show, env=clean).stdout
    without = run("--way", way, "--", "sh", "-c", show, env=clean).stdout
    return (given, without) == ("/tmp daedalus\n", " \n")


def describes(way):
    return run("--way", way, "--describe").stdout == f"{way}\n"


def shows_a_whole_device(way):
    program = "cat /sys/class/drm/renderD*/uevent; cat /sys/class/drm/renderD*/device/uevent"
    text = run("--way", way, "--full-sysfs", "--", "sh", "-c", program).stdout
    return "DEVTYPE=drm_minor" in text and "DRIVER=" in text


def answers_version(way):
    result = run("--way", way, "--full-sysfs", *python(VERSION))
    return result.stdout == "daedalus True True\n"


COMMON = (
    passes_exit_status,
    passes_signal,
    passes_streams_and_arguments,
    is_render_node,
    leaves_nothing_behind,
    sets_the_driver,
    describes,
)
CASES = {
    "real": COMMON,
    "namespace": COMMON + (shows_a_whole_device, answers_version),
    "preload": COMMON,
}


def refuses_with_reason():
    result = run("--way", "preload", "--full-sysfs", "--", "true")
    return result.returncode == 125 and "full sysfs" in result.stderr


def reports_missing_command():
    return run("--", "/nonexistent/command").returncode == 127


def main():
    failed = passed = 0
    results = [(case.__name__, case()) for case in (refuses_with_reason, reports_missing_command)]
    for way in WAYS:
        available = run("--way", way, "--describe")
        if available.returncode != 0:
            print(f"skip {way}: {available.stderr.strip()}")
            continue
        results += [(f"{way} {case.__name__}", case(way)) for case in CASES[way]]
    for name, good in results:
        print("pass" if good else "FAIL", name)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
