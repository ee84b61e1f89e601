#!/usr/bin/env python3
"""v4l2-compliance 1.30 on the daemon's nodes in the virtual machine: nothing fails, nothing is warned of."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compliance  # noqa: E402
import in_machine  # noqa: E402
import vm  # noqa: E402
from clips import clip_path, with_companion  # noqa: E402
from in_machine import Daemon, expect  # noqa: E402

TOTAL = re.compile(r"^(?:Grand )?Total for .*: (\d+), Succeeded: (\d+), Failed: (\d+), Warnings: (\d+)$", re.MULTILINE)

STREAMING = [f"MMAP ({wait}, {made})" for made in ("REQBUFS", "CREATE_BUFS") for wait in ("select", "epoll")]


def every_test_of_every_node_succeeds():
    with Daemon("--user-pointers") as daemon:
        output = compliance.run(compliance.fetch(), daemon.nodes[-1]).stdout
        for node in daemon.nodes:
            expect(f"Total for daedalus device {node}:" in output, f"{node} was not tested: {output[-1000:]}")
        return f"{', '.join(daemon.nodes)}: {count_of(output)}"


def the_stateful_node_streams_from_a_file():
    """With -s, by way of a companion: MMAP with select and epoll, REQBUFS and CREATE_BUFS; user pointers; a whole clip
    each time."""
    stream = "/tmp/compliance.stream"
    pictures = compliance.write_stream(clip_path("h264.mp4"), stream)
    with Daemon("--user-pointers") as daemon:
        output = compliance.run(compliance.fetch(), daemon.nodes[0], "-s", str(pictures), "--stream-from-hdr", stream,
                                prefix=with_companion()).stdout
        text = count_of(output)
        for test in (*STREAMING, "USERPTR (select)"):
            expect(f"test {test}: OK\n" in output, f"{test} was not tested: {output[-2000:]}")
        decoded = [session["pictures"] for session in daemon.sessions() if session["pictures"]]
        expect(decoded.count(pictures) >= len(STREAMING), f"pictures decoded: {decoded}")
        return f"{text}; {len(decoded)} streams of {pictures} pictures"


def count_of(output):
    """The tool's own count, in which all must have succeeded."""
    tests, succeeded, failed, warnings = map(int, TOTAL.findall(output)[-1])
    wrong = [line for line in output.splitlines() if re.search(r"fail:|warn:|FAIL", line)]
    expect(not failed and not warnings and tests == succeeded, "\n".join(wrong))
    return f"{tests} tests, {failed} failed, {warnings} warnings"


def main():
    if not os.environ.get(in_machine.INSIDE):
        try:
            compliance.fetch()
        except compliance.kernel.Unavailable as error:
            return vm.skip(str(error))
    in_machine.enter(400, "--memory", "2048")
    return in_machine.run_cases([every_test_of_every_node_succeeds, the_stateful_node_streams_from_a_file])


if __name__ == "__main__":
    sys.exit(main())
