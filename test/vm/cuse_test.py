#!/usr/bin/env python3
"""The daemon over CUSE, in the virtual machine: its nodes, whole clips with every sample compared, its sandbox, stock
clients.

    cuse_test.py [--only GLOB]      cases by name
"""

import argparse
import ctypes
import errno
import fcntl
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame_costs  # noqa: E402
import in_machine  # noqa: E402
from clips import (CLIPS, client_command, clip_path, digest, expected_digest, play, software_md5,  # noqa: E402
                   stateless_command, with_companion)
from in_machine import Daemon, Failure, built, expect, installed, run, wait_until  # noqa: E402

VIDIOC_QUERYCAP = 0x80685600
VIDIOC_REQBUFS = 0xC0145608
VIDIOC_EXPBUF = 0xC0405610
VIDIOC_DQEVENT = 0x80885659
OUTPUT, MEMORY_MMAP, MEMORY_USERPTR = 10, 1, 2

# What libavcodec's V4L2 decoders take; they know no 10 bits.
M2M_DECODERS = {"h264.mp4": "h264_v4l2m2m", "h264_interlaced.mp4": "h264_v4l2m2m", "mpeg2.mpg": "mpeg2_v4l2m2m",
                "vp8.webm": "vp8_v4l2m2m", "vp9.webm": "vp9_v4l2m2m", "hevc.mp4": "hevc_v4l2m2m"}


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


def expect_decoded_by_daemon(daemon, front, streams):
    """Each stream by one session of the daemon's, without a fault. What they were, for people."""
    sessions = [session for session in daemon.sessions() if session["pictures"]]
    expect([session["program"] for session in sessions] == ["daedalusd"] * streams, f"who decoded: {sessions}")
    expect({session["front"] for session in sessions} == {front}, f"by which front: {sessions}")
    expect(all(session["errors"] == session["concealed"] == 0 for session in sessions), f"{sessions}")
    return ", ".join(f"{session['codec']} {session['pictures']}" for session in sessions)


def stock_ffmpeg_with_a_companion():
    """ffmpeg's own V4L2 decoders: MMAP buffers by way of the daemon's socket, without any right of the daemon's."""
    with Daemon() as daemon:
        for clip, decoder in M2M_DECODERS.items():
            out = f"/tmp/ffmpeg.{clip}"
            run(with_companion("ffmpeg", "-v", "error", "-nostdin", "-c:v", decoder, "-i", clip_path(clip), "-fps_mode",
                               "passthrough", "-pix_fmt", CLIPS[clip], "-f", "rawvideo", out))
            expect(digest(out) == expected_digest(clip), f"{clip}: pictures differ from software")
        return expect_decoded_by_daemon(daemon, "v4l2", len(M2M_DECODERS))


def stock_mpv_with_a_companion():
    installed("mpv")
    with Daemon() as daemon:
        for clip, decoder in M2M_DECODERS.items():
            out = f"/tmp/mpv.{clip}"
            run(with_companion("mpv", "--no-config", "--no-audio", "--hwdec=no", f"--vd={decoder}", "--vf=format=nv12",
                               "--of=rawvideo", "--ovc=rawvideo", f"--o={out}", clip_path(clip)))
            expect(digest(out) == expected_digest(clip), f"{clip}: pictures differ from software")
        return expect_decoded_by_daemon(daemon, "v4l2", len(M2M_DECODERS))


def v4l2_ctl_streams_with_a_companion():
    stream, out = "/tmp/stream.h264", "/tmp/v4l2_ctl.h264"
    run(["ffmpeg", "-v", "error", "-nostdin", "-i", clip_path("h264.mp4"), "-c", "copy", "-f", "h264", stream])
    with Daemon() as daemon:
        run(with_companion("v4l2-ctl", "-d", daemon.nodes[0], "--set-fmt-video-out=pixelformat=H264", "--stream-mmap",
                           "--stream-out-mmap", f"--stream-from={stream}", f"--stream-to={out}"))
        expect(digest(out) == expected_digest("h264.mp4"), "pictures differ from software")
        return expect_decoded_by_daemon(daemon, "v4l2", 1)


def stateless_clips_with_a_companion():
    """Requests over CUSE: a client of the stateless node, its buffers mapped, exported and imported."""
    runs = [("h264.mp4",), ("h264_interlaced.mp4", "--holds", "slices"), ("vp9.webm",), ("vp9_10bit.webm",),
            ("hevc.mp4",), ("hevc_10bit.mp4", "--holds", "slices"), ("av1.webm",), ("av1_10bit.webm", "--capture", "dmabuf"),
            ("vp8.webm", "--capture", "expbuf"), ("mpeg2.mpg", "--requests", "15")]
    with Daemon() as daemon:
        handles = [name for name in os.listdir("/dev") if name.startswith("daedalus-request")]
        expect(len(handles) == 1 and os.stat(f"/dev/{handles[0]}").st_mode & 0o777 == 0o660, f"handles: {handles}")
        before = daemon.usage()[0]
        for clip, *options in runs:
            decoded = run(stateless_command("--md5", *options, clip_path(clip))).stdout
            expect(decoded.split() == software_md5(clip), f"{clip}: {decoded} is not {software_md5(clip)}")
        wait_until(lambda: daemon.usage()[0] <= before, 10, "descriptors of the daemon are left")
        return expect_decoded_by_daemon(daemon, "v4l2-request", len(runs))


def hardware_loopback_with_a_companion():
    """The hardware backend on the daemon's stateless node: both ends say so."""
    clips = ("h264.mp4", "vp8.webm", "hevc.mp4", "av1.webm")
    program = built("tools/daedalus/daedalus")
    with Daemon() as daemon:
        for clip in clips:
            with tempfile.TemporaryDirectory() as folder:
                frames = run(with_companion(program, "decode", "--backend", "hardware:loopback", "--framemd5",
                                            clip_path(clip)), env={**os.environ, "DAEDALUS_STATS": folder}).stdout
                sessions = json.loads(run([program, "stats", "--json", folder]).stdout)
            expected = run([program, "decode", "--backend", "software", "--framemd5", clip_path(clip)]).stdout
            expect(frames and frames == expected, f"{clip}: pictures differ from software")
            ends = [(session["front"], session["backend"], session["engine"]) for session in sessions]
            expect(ends == [("replay", "hardware", "daedalus")], f"{clip}: decoded by {sessions}")
        return expect_decoded_by_daemon(daemon, "v4l2-request", len(clips))


def a_frame_takes_few_trips_and_one_copy():
    """By the daemon's counters, which must have counted."""
    texts = []
    with Daemon() as daemon:
        for client in frame_costs.CLIENTS:
            costs, _ = frame_costs.costs_over(daemon, client, "h264.mp4", clip_path("h264.mp4"))
            frame_costs.expect_cheap(costs)
            texts.append(f"{client}: {costs.ioctls:.1f} ioctls, {costs.trips:.1f} trips, {costs.polls:.1f} polls, "
                         f"{costs.bytes:.0f} bytes, {costs.copies:.2f} copies")
    return "; ".join(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="GLOB", default="*", help="cases by name")
    options = parser.parse_args()
    in_machine.enter(800, "--memory", "2048")
    return in_machine.run_cases([
        nodes_answer_v4l2_ctl, nothing_of_root_is_left, what_cuse_cannot_do_is_refused, every_clip_is_bit_exact,
        clients_that_wait_in_their_calls, several_clients_at_once, a_waiting_call_can_be_interrupted_and_killed,
        refusals_are_plain, stock_ffmpeg_with_a_companion, stock_mpv_with_a_companion, v4l2_ctl_streams_with_a_companion,
        stateless_clips_with_a_companion, hardware_loopback_with_a_companion,
        a_frame_takes_few_trips_and_one_copy], options.only)


if __name__ == "__main__":
    sys.exit(main())
