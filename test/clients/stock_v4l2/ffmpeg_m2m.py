"""ffmpeg -c:v h264_v4l2m2m and its kin: whole clips, and a stream that changes its size twice."""

import functools

import workbench
from node_bench import CLIPS, expect_decoded_by_node
from workbench import Case, Failure


def whole(bench, clip, pixel_format):
    bench.require("ffmpeg")
    file = bench.scratch("frames")
    command = ["ffmpeg", "-v", "warning", "-nostdin", "-c:v", f"{clip.codec}_v4l2m2m", "-i", bench.path(clip)]
    command += ["-fps_mode", "passthrough", "-pix_fmt", pixel_format, "-f", "rawvideo", file]
    run = bench.run(command)
    workbench.expect_same_frames(
        workbench.read_frames(file, clip), bench.software_frames(clip, pixel_format)
    )
    expect_decoded_by_node(run, clip.codec, clip.frames)
    return f"{clip.frames} frames equal"


def frame_hashes(file):
    with open(file, encoding="utf-8") as lines:
        return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def size_changes(bench, small, large):
    streams = [bench.byte_stream(clip) for clip in (small, large, small)]
    joined = bench.scratch("joined")
    with open(joined, "wb") as out:
        for stream in streams:
            with open(stream, "rb") as part:
                out.write(part.read())
    every = ["-i", joined, "-map", "0:v:0", "-fps_mode", "passthrough", "-noautoscale"]
    every += ["-vf", "copy,format=yuv420p", "-c:v", "rawvideo", "-f", "framemd5"]
    theirs, ours = bench.scratch("software"), bench.scratch("frames")
    bench.ffmpeg(*every, theirs)
    run = bench.run(["ffmpeg", "-v", "warning", "-nostdin", "-c:v", "h264_v4l2m2m", *every, ours])
    expected = frame_hashes(theirs)
    workbench.expect_same_frames(frame_hashes(ours), expected)
    count = 2 * small.frames + large.frames
    if len(expected) != count:
        raise Failure(f"software decodes {len(expected)} frames of {count}")
    expect_decoded_by_node(run, "h264", count)
    return f"{count} frames equal"


def cases(bench):
    for clip in CLIPS:
        for pixel_format in ("nv12", "yuv420p"):
            check = functools.partial(whole, bench, clip, pixel_format)
            yield Case(f"ffmpeg {pixel_format} {clip.name}", check)
    yield Case("ffmpeg size changes", functools.partial(size_changes, bench, CLIPS[0], CLIPS[1]))
