"""v4l2-ctl: what it finds and says, and a stream through it. And what daedalus doctor says of the node."""

import functools
import re

import workbench
from node_bench import CLIPS, expect_decoded_by_node
from workbench import Case, Failure

CARD = "Daedalus stateful decoder"


def ask(bench, *options):
    bench.require("v4l2-ctl")
    return bench.run(["v4l2-ctl", *options]).output


def expect(text, *words):
    for word in words:
        if word not in text:
            raise Failure(f"{word!r} is not in what v4l2-ctl says:\n{text}")


def node(bench):
    """The node's path, by --list-devices. Its status is 1 where there is no /dev/video0."""
    bench.require("v4l2-ctl")
    text = bench.run(["sh", "-c", "v4l2-ctl --list-devices || test $? = 1"]).output
    found = re.search(re.escape(CARD) + r".*:\n\t(/dev/video\d+)\n", text)
    if not found:
        raise Failure(f"--list-devices does not list it:\n{text}")
    return found.group(1)


def listing(bench):
    return node(bench)


def everything(bench):
    expect(
        ask(bench, "-d", node(bench), "--all"),
        "Driver name      : daedalus",
        CARD,
        "Video Memory-to-Memory Multiplanar",
        "Streaming",
        "Format Video Capture Multiplanar",
        "Format Video Output Multiplanar",
        "compose_padded",
    )
    return "driver, formats, selection"


def formats(bench):
    text = ask(bench, "-d", node(bench), "--list-formats-ext", "--list-formats-out-ext")
    expect(text, "'NV12'", "'NM12'", "'YU12'", "'H264'", "'HEVC'", "'VP80'", "'VP90'", "'MPG2'", "compressed", "dyn-resolution")
    return "3 raw, 5 compressed"


def controls(bench):
    text = ask(bench, "-d", node(bench), "--list-ctrls-menus")
    expect(text, "min_number_of_capture_buffers", "h264_profile", "vp9_profile", "Constrained Baseline",
           "hevc_profile", "hevc_level", "Main Still Picture")
    return "buffers and profiles"


def streaming(bench, clip):
    file = bench.scratch("frames")
    pixel_format = f"--set-fmt-video-out=pixelformat={clip.codec.upper()}"
    command = ["v4l2-ctl", "-d", node(bench), pixel_format, "--stream-mmap"]
    command += ["--stream-out-mmap", f"--stream-from={bench.byte_stream(clip)}", f"--stream-to={file}"]
    run = bench.run(command)
    workbench.expect_same_frames(workbench.read_frames(file, clip), bench.software_frames(clip, "nv12"))
    expect_decoded_by_node(run, clip.codec, clip.frames)
    return f"{clip.frames} frames equal"


def doctor(bench):
    """Its status tells about VA-API, too, so any will do."""
    text = bench.run(["sh", "-c", f"'{bench.daedalus}' doctor || test $? = 1"]).output
    words = f"{node(bench)}: inside this process"
    if words not in text:
        raise Failure(f"{words!r} is not in what doctor says:\n{text}")
    return words


def cases(bench):
    yield Case("daedalus doctor", functools.partial(doctor, bench))
    for name, check in (("list-devices", listing), ("all", everything), ("list-formats", formats),
                        ("list-ctrls", controls)):
        yield Case(f"v4l2-ctl {name}", functools.partial(check, bench))
    for clip in (clip for clip in CLIPS if clip.codec in ("h264", "hevc")):
        yield Case(f"v4l2-ctl stream {clip.name}", functools.partial(streaming, bench, clip))
