#!/usr/bin/env python3
"""The daemon over CUSE, in the virtual machine: its nodes, whole clips with every sample compared, its sandbox, and
what happens when it or its clients die.

    cuse_test.py [--daemon-kills N] [--client-kills N] [--only faults]
"""

import argparse
import ctypes
import errno
import fcntl
import functools
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import in_machine  # noqa: E402
from in_machine import Daemon, Failure, built, expect, run, wait_until  # noqa: E402

VIDIOC_QUERYCAP = 0x80685600
VIDIOC_REQBUFS = 0xC0145608
VIDIOC_EXPBUF = 0xC0405610
VIDIOC_DQEVENT = 0x80885659
OUTPUT, MEMORY_MMAP, MEMORY_USERPTR = 10, 1, 2

STATELESS_CLIENT = "test/clients/v4l2/v4l2_stateless_client"
CLIPS = {"h264.mp4": "nv12", "h264_interlaced.mp4": "nv12", "mpeg2.mpg": "nv12", "vp8.webm": "nv12",
         "vp9.webm": "nv12", "vp9_10bit.webm": "p010le", "hevc.mp4": "nv12", "hevc_10bit.mp4": "p010le"}
# Growth of the daemon's memory that dying clients may leave behind, in KiB: allocators keep some.
MEMORY_TOLERANCE = 12 * 1024


def clip_path(name):
    return os.path.join(in_machine.ROOT, "test/data", name)


def client_command(daemon, clip, out, *options):
    return [built("test/vm/cuse_client"), daemon.nodes[0], clip_path(clip), out, *options]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@functools.cache
def expected_digest(clip):
    """Of the clip's pictures by ffmpeg's own decoder."""
    path = f"/tmp/expected.{clip}"
    run(["ffmpeg", "-v", "error", "-nostdin", "-i", clip_path(clip), "-fps_mode", "passthrough", "-pix_fmt",
         CLIPS[clip], "-f", "rawvideo", path])
    return digest(path)


def play(daemon, clip, *options):
    out = f"/tmp/out.{clip}"
    result = run(client_command(daemon, clip, out, *options))
    expect(digest(out) == expected_digest(clip), f"{clip}: pictures differ from software")
    return result.stdout.count("picture")


def nodes_answer_v4l2_ctl():
    with Daemon() as daemon:
        listed = run(["v4l2-ctl", "--list-devices"], status=None).stdout
        for node in daemon.nodes:
            expect(node in listed, f"{node} is not listed: {listed}")
            details = os.stat(node)
            expect(details.st_mode & 0o777 == 0o660, f"{node} has mode {details.st_mode:o}")
        formats = run(["v4l2-ctl", "-d", daemon.nodes[0], "--list-formats-out", "--list-formats", "--list-ctrls"]).stdout
        for fourcc in ("H264", "VP80", "VP90", "MPG2", "NV12"):
            expect(f"'{fourcc}'" in formats, f"{fourcc} is not offered: {formats}")
        return f"{len(daemon.nodes)} nodes, ready after {daemon.seconds:.2f} s"


def nothing_of_root_is_left():
    with Daemon() as daemon:
        status = daemon.status()
        uids = status["Uid"].split()
        expect(uids == [uids[0]] * 4 and uids[0] != "0", f"Uid {uids}")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect(int(status[name], 16) == 0, f"{name}: {status[name]}")
        expect(status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2", f"{status}")
        expect(os.readlink(f"/proc/{daemon.process.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "the network is there")
    with Daemon("--user-pointers") as daemon:
        status = daemon.status()
        expect(int(status["CapEff"], 16) == 1 << 19, f"CapEff: {status['CapEff']}, not only CAP_SYS_PTRACE")
        expect(status["Uid"].split()[0] != "0", "still root")


def what_cuse_cannot_do_is_refused():
    with Daemon() as daemon:
        fd = os.open(daemon.nodes[0], os.O_RDWR)
        request = bytearray(struct.pack("=IIIII", 2, OUTPUT, MEMORY_USERPTR, 0, 0))
        expect(call(fd, VIDIOC_REQBUFS, request) == errno.EINVAL, "USERPTR without --user-pointers")
        request = bytearray(struct.pack("=IIIII", 2, OUTPUT, MEMORY_MMAP, 0, 0))
        expect(call(fd, VIDIOC_REQBUFS, request) == 0, "REQBUFS")
        export = bytearray(struct.pack("=IIIII", OUTPUT, 0, 0, os.O_RDWR, 0) + bytes(44))
        expect(call(fd, VIDIOC_EXPBUF, export) == errno.ENOTTY, "EXPBUF")
        try:
            mmap.mmap(fd, 4096)
            raise Failure("mmap worked")
        except OSError as error:
            expect(error.errno == errno.ENODEV, f"mmap: {error}")
        os.close(fd)


def call(fd, request, argument):
    """The errno of an ioctl."""
    try:
        fcntl.ioctl(fd, request, argument)
        return 0
    except OSError as error:
        return error.errno


def every_clip_is_bit_exact():
    with Daemon("--user-pointers") as daemon:
        return ", ".join(f"{clip} {play(daemon, clip)}" for clip in CLIPS)


def clients_that_wait_in_their_calls():
    with Daemon("--user-pointers") as daemon:
        return ", ".join(f"{clip} {play(daemon, clip, '--blocking')}" for clip in ("h264.mp4", "vp8.webm"))


def several_clients_at_once():
    with Daemon("--user-pointers") as daemon:
        clips = ("h264.mp4", "vp9.webm", "mpeg2.mpg")
        clients = [subprocess.Popen(client_command(daemon, clip, f"/tmp/at_once.{clip}"), stdout=subprocess.DEVNULL)
                   for clip in clips]
        for clip, client in zip(clips, clients):
            expect(client.wait(120) == 0, f"{clip}: status {client.returncode}")
            expect(digest(f"/tmp/at_once.{clip}") == expected_digest(clip), f"{clip}: pictures differ from software")


def a_waiting_call_can_be_interrupted_and_killed():
    with Daemon() as daemon:
        fd = os.open(daemon.nodes[0], os.O_RDWR)
        interrupted = []
        signal.signal(signal.SIGALRM, lambda *_: interrupted.append(time.monotonic()))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        libc = ctypes.CDLL(None, use_errno=True)
        event = (ctypes.c_char * 136)()
        result = libc.ioctl(fd, ctypes.c_ulong(VIDIOC_DQEVENT), event)
        expect(result == -1 and ctypes.get_errno() == errno.EINTR and interrupted, "no EINTR")
        os.close(fd)
        child = os.fork()
        if child == 0:
            fd = os.open(daemon.nodes[0], os.O_RDWR)
            call(fd, VIDIOC_DQEVENT, bytearray(136))
            os._exit(1)
        time.sleep(0.5)
        os.kill(child, signal.SIGKILL)
        started = time.monotonic()
        _, status = os.waitpid(child, 0)
        expect(os.WIFSIGNALED(status) and time.monotonic() - started < 10, "a killed client stayed")


def refusals_are_plain():
    program = built("cuse_device/cuse/daedalusd")
    with Daemon("--stateful", "video33") as daemon:
        expect(daemon.nodes[0] == "/dev/video33", daemon.line)
        again = run([program, "--stateful", "video33"], status=1).stderr
        expect("/dev/video33 exists already" in again, again)
        with Daemon("--stateful", "video34") as second:
            expect(len(set(daemon.nodes + second.nodes)) == len(daemon.nodes + second.nodes), second.line)
    os.rename("/dev/cuse", "/dev/cuse.away")
    missing = run([program], status=1).stderr
    os.rename("/dev/cuse.away", "/dev/cuse")
    expect("modprobe cuse" in missing, missing)
    unknown = run([program, "--user", "nobody-of-that-name"], status=1).stderr
    expect("there is no user nobody-of-that-name" in unknown, unknown)
    expect(not any(name.startswith("video") for name in os.listdir("/dev")), f"nodes are left: {os.listdir('/dev')}")


def stock_ffmpeg_with_a_companion():
    """ffmpeg's own V4L2 decoders: MMAP buffers by way of the daemon's socket, without any right of the daemon's."""
    decoders = {"h264.mp4": "h264_v4l2m2m", "h264_interlaced.mp4": "h264_v4l2m2m", "mpeg2.mpg": "mpeg2_v4l2m2m",
                "vp8.webm": "vp8_v4l2m2m", "vp9.webm": "vp9_v4l2m2m", "hevc.mp4": "hevc_v4l2m2m"}
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o777)
    os.environ["DAEDALUS_STATS"] = folder
    daedalus = built("tools/daedalus/daedalus")
    with Daemon():
        for clip, decoder in decoders.items():
            out = f"/tmp/ffmpeg.{clip}"
            run([daedalus, "run", "--transport", "cuse", "--", "ffmpeg", "-v", "error", "-nostdin", "-c:v", decoder,
                 "-i", clip_path(clip), "-fps_mode", "passthrough", "-pix_fmt", CLIPS[clip], "-f", "rawvideo", out])
            expect(digest(out) == expected_digest(clip), f"{clip}: pictures differ from software")
        sessions = json.loads(run([daedalus, "stats", "--json", folder]).stdout)
    del os.environ["DAEDALUS_STATS"]
    expect([session["program"] for session in sessions] == ["daedalusd"] * len(decoders), f"who decoded: {sessions}")
    expect(all(session["errors"] == session["concealed"] == 0 for session in sessions), f"{sessions}")
    return ", ".join(f"{session['codec']} {session['pictures']}" for session in sessions)


def stateless_clips_with_a_companion():
    """Requests over CUSE: a client of the stateless node, its buffers mapped, exported and imported."""
    runs = [("h264.mp4",), ("h264_interlaced.mp4", "--h264", "slices"), ("vp9.webm",), ("vp9_10bit.webm",),
            ("vp8.webm", "--capture", "expbuf"), ("mpeg2.mpg", "--requests", "15")]
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o777)
    os.environ["DAEDALUS_STATS"] = folder
    daedalus = built("tools/daedalus/daedalus")
    with Daemon() as daemon:
        handles = [name for name in os.listdir("/dev") if name.startswith("daedalus-request")]
        expect(len(handles) == 1 and os.stat(f"/dev/{handles[0]}").st_mode & 0o777 == 0o660, f"handles: {handles}")
        before = daemon.usage()[0]
        for clip, *options in runs:
            software = run([daedalus, "decode", "--md5", clip_path(clip)]).stdout.split()
            decoded = run([daedalus, "run", "--transport", "cuse", "--", built(STATELESS_CLIENT), "--md5", *options,
                           clip_path(clip)])
            expect(software and decoded.stdout.split() == software, f"{clip}: {decoded.stdout} is not {software}")
        wait_until(lambda: daemon.usage()[0] <= before, 10, "descriptors of the daemon are left")
        sessions = json.loads(run([daedalus, "stats", "--json", folder]).stdout)
    del os.environ["DAEDALUS_STATS"]
    ours = [session for session in sessions if session["program"] == "daedalusd"]
    expect(len(ours) == len(runs) and {session["front"] for session in ours} == {"v4l2-request"}, f"who: {sessions}")
    expect(all(session["errors"] == session["concealed"] == 0 for session in ours), f"{sessions}")
    return ", ".join(f"{session['codec']} {session['pictures']}" for session in ours)


def start_endless_client(daemon, clip="h264.mp4"):
    """A client in mid-stream; it has shown a picture."""
    client = subprocess.Popen(client_command(daemon, clip, "/tmp/endless", "--loop"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    expect(client.stdout.readline().startswith(b"picture"), "no picture")
    os.set_blocking(client.stdout.fileno(), False)
    return client


def seconds_to_end(client):
    """How long a client takes to end, which must be less than a second. Only time counts in which the machine ran: a busy
    host stops it for seconds."""
    seconds = 0
    last = time.monotonic()
    while client.poll() is None:
        if client.stdout:
            client.stdout.read()
        time.sleep(0.005)
        now = time.monotonic()
        seconds += min(now - last, 0.02)
        last = now
        expect(seconds < 1, "a client is still there after a second")
    return seconds


def killed_daemons(count):
    """kill -9 of the daemon in mid-stream: the client gets an error at once, a new daemon serves the next client."""
    slowest = 0
    for _ in range(count):
        with Daemon("--user-pointers") as daemon:
            client = start_endless_client(daemon)
            deadline = time.monotonic() + random.uniform(0, 0.3)
            while time.monotonic() < deadline:
                client.stdout.read()
            daemon.process.kill()
            daemon.process.wait(30)
            seconds = seconds_to_end(client)
            slowest = max(slowest, seconds)
            expect(client.returncode == 3, f"the client ended with {client.returncode}: {client.stderr.read()}")
    with Daemon("--user-pointers") as daemon:
        play(daemon, "h264.mp4")
    return f"{count} times, an error within {slowest * 1000:.0f} ms of its end, then a clip bit-exact"


def killed_clients(count):
    """kill -9 of clients at random moments: what the daemon held for them is free again."""
    clips = list(CLIPS)
    with Daemon("--user-pointers") as daemon:
        for clip in clips * 2:  # what an allocator and the decoders keep is kept by now
            start_endless_client(daemon, clip).kill()
        time.sleep(1)
        before = daemon.usage()
        for i in range(count):
            if i % 3:
                client = start_endless_client(daemon, clips[i % len(clips)])
                time.sleep(random.uniform(0, 0.2))
            else:
                client = subprocess.Popen(client_command(daemon, clips[i % len(clips)], "/tmp/endless", "--loop"),
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(random.uniform(0, 0.4))
            client.kill()
            seconds_to_end(client)
        wait_until(lambda: daemon.usage()[:2] == before[:2], 10,
                   f"descriptors and threads: {before[:2]}, now {daemon.usage()[:2]}")
        after = daemon.usage()
        expect(after[2] - before[2] < MEMORY_TOLERANCE, f"memory: {before[2]} KiB, now {after[2]}")
        play(daemon, "vp8.webm")
    return f"{count} times; descriptors {after[0]}, threads {after[1]}, {before[2]} -> {after[2]} KiB"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon-kills", type=int, default=3)
    parser.add_argument("--client-kills", type=int, default=9)
    parser.add_argument("--only", choices=["faults"])
    options = parser.parse_args()
    in_machine.enter(600 + 15 * (options.daemon_kills + options.client_kills), "--memory", "2048")
    faults = [functools.partial(killed_daemons, options.daemon_kills),
              functools.partial(killed_clients, options.client_kills)]
    cases = [nodes_answer_v4l2_ctl, nothing_of_root_is_left, what_cuse_cannot_do_is_refused, every_clip_is_bit_exact,
             clients_that_wait_in_their_calls, several_clients_at_once, a_waiting_call_can_be_interrupted_and_killed,
             refusals_are_plain, stock_ffmpeg_with_a_companion, stateless_clips_with_a_companion]
    return in_machine.run_cases(faults if options.only else cases + faults)


if __name__ == "__main__":
    sys.exit(main())
