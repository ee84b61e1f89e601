#!/usr/bin/env python3
"""What is left when the daemon or its clients die by kill -9, in the virtual machine.

    cuse_faults_test.py [--daemon-kills N] [--client-kills N] [--limit SECONDS] [--only GLOB]

Besides, a fifth as many of either die while media requests are in flight.

How "within 1 s" is timed: by the machine's own clock, from the kill until the client's process has ended, and only while
the machine runs: it looks every 5 ms, and a look that comes later than 20 ms counts as 20 ms, because then the host had
other work than this machine. The whole time by that clock is printed beside it. The sample that runs beside other tests
allows more (--limit): an emulated processor that gets half of a real one needs as long again.
"""

import argparse
import functools
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import in_machine  # noqa: E402
from clips import (CLIPS, client_command, clip_path, looped_clip, play, software_md5,  # noqa: E402
                   stateless_command)
from in_machine import Daemon, expect, run, wait_until  # noqa: E402

LIMIT = 1.0
LOOK, LATE_LOOK = 0.005, 0.02
# Growth of the daemon's memory that dying clients may leave behind, in KiB: allocators keep some.
MEMORY_TOLERANCE = 8 * 1024
REQUESTS = 15
# Of the stateless node's codecs; MPEG-2 and the small HEVC clips are decoded so fast that their requests seldom wait.
REQUEST_CLIPS = ("h264.mp4", "h264_interlaced.mp4", "vp8.webm", "vp9.webm", "vp9_10bit.webm")
# A session's first pictures take their time in the machine.
STARTED = 60
# So many of a client's requests, or more, wait to be decoded or are being decoded when it or the daemon is killed.
LEAST_WAITING = 3


def figures(count, text):
    """./dev test shows these lines although the test passed."""
    print(f"figures: {count} {text}", flush=True)
    return f"{count} times"


def share_with_requests(count):
    return (count + 4) // 5


class Death:
    """How long a client takes to end; Failure after `limit` seconds."""

    limit = LIMIT

    def __init__(self):
        self.slowest = self.slowest_by_clock = 0.0

    def await_end(self, client):
        seconds = 0.0
        started = last = time.monotonic()
        while client.poll() is None:
            if client.stdout:
                client.stdout.read()
            time.sleep(LOOK)
            now = time.monotonic()
            seconds += min(now - last, LATE_LOOK)
            last = now
            expect(seconds < self.limit, f"a client is still there {seconds:.2f} s (by the clock {now - started:.2f}) later")
        self.slowest = max(self.slowest, seconds)
        self.slowest_by_clock = max(self.slowest_by_clock, last - started)

    def __str__(self):
        return f"after {self.slowest * 1000:.0f} ms at most (by the clock {self.slowest_by_clock * 1000:.0f})"


def start_endless_client(daemon, clip="h264.mp4"):
    """A client in mid-stream; it has shown a picture."""
    client = subprocess.Popen(client_command(daemon, clip, "/tmp/endless", "--loop"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    expect(client.stdout.readline().startswith(b"picture"), "no picture")
    os.set_blocking(client.stdout.fileno(), False)
    return client


def start_client_with_requests(daemon, clip):
    """(a stateless client in mid-stream, its session's page), at a moment when requests are not done."""
    known = len(os.listdir(daemon.folder))
    client = subprocess.Popen(stateless_command("--requests", str(REQUESTS), looped_clip(clip, 20)),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def busy():
        expect(client.poll() is None, f"the client ended with {client.returncode}")
        page = daemon.newest_page() if len(os.listdir(daemon.folder)) > known else None
        return page and page.pictures > 0 and page.queue_depth >= LEAST_WAITING

    wait_until(busy, STARTED, "no picture")
    time.sleep(random.uniform(0, 0.2))
    wait_until(busy, STARTED, f"there are never {LEAST_WAITING} requests in flight", 0.002)
    return client


def clip_with_requests(i):
    return REQUEST_CLIPS[i % len(REQUEST_CLIPS)]


def killed_daemons(count):
    """In mid-stream: the client gets an error at once, a new daemon serves the next client."""
    death = Death()
    for _ in range(count):
        with Daemon("--user-pointers") as daemon:
            client = start_endless_client(daemon)
            deadline = time.monotonic() + random.uniform(0, 0.3)
            while time.monotonic() < deadline:
                client.stdout.read()
            daemon.process.kill()
            death.await_end(client)
            daemon.process.wait(30)
            expect(client.returncode == 3, f"the client ended with {client.returncode}: {client.stderr.read()}")
    with Daemon("--user-pointers") as daemon:
        play(daemon, "h264.mp4")
    return figures(count, f"daemons killed, their clients had an error and ended {death}; then a clip bit-exact")


def killed_daemons_with_requests(count):
    death, in_flight = Death(), []
    for i in range(count):
        with Daemon() as daemon:
            client = start_client_with_requests(daemon, clip_with_requests(i))
            daemon.process.kill()
            in_flight.append(daemon.newest_page().queue_depth)  # which does not change any more
            death.await_end(client)
            daemon.process.wait(30)
            expect(client.returncode == 1, f"the client ended with {client.returncode}: {client.stderr.read()}")
    with Daemon():
        play_stateless("h264.mp4")
    return figures(count, f"daemons killed with {in_flight_text(in_flight)}, their clients had an error and ended {death}; "
                   "then a clip bit-exact")


def killed_clients(count):
    """At random moments: what the daemon held for them is free again."""
    names = list(CLIPS)
    death = Death()
    with Daemon("--user-pointers") as daemon:
        for clip in names * 2:  # what an allocator and the decoders keep is kept by now
            start_endless_client(daemon, clip).kill()
        time.sleep(1)
        before = daemon.usage()
        for i in range(count):
            clip = names[i % len(names)]
            if i % 3:
                client = start_endless_client(daemon, clip)
                time.sleep(random.uniform(0, 0.2))
            else:
                client = subprocess.Popen(client_command(daemon, clip, "/tmp/endless", "--loop"),
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(random.uniform(0, 0.4))
            client.kill()
            death.await_end(client)
        left = expect_nothing_left(daemon, before)
        play(daemon, "vp8.webm")
    return figures(count, f"clients killed, gone {death}; {left}; then a clip bit-exact")


def killed_clients_with_requests(count):
    death = Death()
    with Daemon() as daemon:
        for i in range(len(REQUEST_CLIPS)):  # as above
            start_client_with_requests(daemon, clip_with_requests(i)).kill()
        time.sleep(1)
        before = daemon.usage()
        for i in range(count):
            client = start_client_with_requests(daemon, clip_with_requests(i))
            client.kill()
            death.await_end(client)
        left = expect_nothing_left(daemon, before)
        play_stateless("vp8.webm")
    return figures(count, f"clients killed with {LEAST_WAITING} to {REQUESTS} requests in flight, gone {death}; {left}; then a clip bit-exact")


def expect_nothing_left(daemon, before):
    """Descriptors and threads are as many as before, memory nearly."""
    wait_until(lambda: daemon.usage()[:2] == before[:2], 10,
               f"descriptors and threads: {before[:2]} before, more now")
    after = daemon.usage()
    expect(after[2] - before[2] < MEMORY_TOLERANCE, f"memory: {before[2]} KiB, now {after[2]}")
    return f"descriptors {after[0]}, threads {after[1]} as before, memory {before[2]} -> {after[2]} KiB"


def in_flight_text(depths):
    """By the session's own count, which a dead daemon leaves behind."""
    expect(any(depths), "no daemon died with a request in flight")
    return f"{min(depths)} to {max(depths)} requests in flight (mean {sum(depths) / len(depths):.1f})"


def play_stateless(clip):
    decoded = run(stateless_command("--md5", clip_path(clip))).stdout
    expect(decoded.split() == software_md5(clip), f"{clip}: {decoded} differs from software")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--daemon-kills", type=int, default=50)
    parser.add_argument("--client-kills", type=int, default=200)
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS", help="for a client to end")
    parser.add_argument("--only", metavar="GLOB", default="*", help="cases by name")
    options = parser.parse_args()
    in_machine.enter(600 + 20 * (options.daemon_kills + options.client_kills), "--memory", "2048")
    Death.limit = options.limit
    daemons, clients = options.daemon_kills, options.client_kills
    return in_machine.run_cases([
        functools.partial(killed_daemons, daemons),
        functools.partial(killed_daemons_with_requests, share_with_requests(daemons)),
        functools.partial(killed_clients, clients),
        functools.partial(killed_clients_with_requests, share_with_requests(clients))], options.only)


if __name__ == "__main__":
    sys.exit(main())
