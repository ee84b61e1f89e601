"""mpv --vd=h264_v4l2m2m and its kin, with the pictures written to a file."""

import functools

import workbench
from node_bench import CLIPS, expect_decoded_by_node
from workbench import Case


def pixels(bench, clip):
    bench.require("mpv")
    file = bench.scratch("frames")
    command = ["mpv", "--no-config", "--no-audio", "--hwdec=no", f"--vd={clip.codec}_v4l2m2m"]
    command += ["--vf=format=yuv420p", "--of=rawvideo", "--ovc=rawvideo", f"--o={file}", bench.path(clip)]
    run = bench.run(command)
    workbench.expect_same_frames(
        workbench.read_frames(file, clip), bench.software_frames(clip, "yuv420p")
    )
    expect_decoded_by_node(run, clip.codec, clip.frames)
    return f"{clip.frames} frames equal"


def cases(bench):
    for clip in CLIPS:
        yield Case(f"mpv pixels {clip.name}", functools.partial(pixels, bench, clip))
