"""VLC --avcodec-hw=vaapi_drm: it plays in real time, so it may lose a picture or show one again."""

import functools
import itertools
import os

import workbench
from workbench import CLIPS, Case, Failure

# VLC decodes AV1 by dav1d alone.
OURS = [clip for clip in CLIPS if clip.codec != "av1"]
EIGHT_BITS = [clip for clip in OURS if clip.bits == 8]


def play(bench, clip, output_options):
    bench.require("cvlc", "setpriv")
    command = ["cvlc", "-I", "dummy", "--no-audio", "--avcodec-hw=vaapi_drm", "--play-and-exit"]
    command += ["--no-drop-late-frames", "--no-skip-frames", "--deinterlace=0"]
    command += ["--no-video-title-show", "--no-osd", "--no-spu", *output_options]
    return bench.run(command + [bench.path(clip), "vlc://quit"], unprivileged=True)


def no_output(bench, clip):
    run = play(bench, clip, ["--vout=dummy"])
    return f"{workbench.expect_decoded_by_driver(run, clip)} pictures"


def read_yuv4mpeg(file, clip):
    """Digests of what VLC's yuv output wrote: a text line, then each frame behind a text line."""
    with open(file, "rb") as stream:
        stream.readline()
        frames = []
        while stream.readline() == b"FRAME\n":
            frames += workbench.split_frames(stream.read(clip.frame_bytes()), clip.frame_bytes())
    return frames


def pixels(bench, clip):
    expected = bench.software_frames(clip, "yuv420p")
    file = os.path.join(bench.scratch("vlc"), "frames")
    run = play(bench, clip, ["--vout=yuv", f"--yuv-file={file}", "--yuv-chroma=I420"])
    count = workbench.expect_decoded_by_driver(run, clip)
    shown = [frame for frame, _ in itertools.groupby(read_yuv4mpeg(file, clip))]
    remaining = iter(expected)
    for index, frame in enumerate(shown):
        if frame not in remaining:  # consumes up to the match: order counts
            raise Failure(f"frame {index} is not a later frame of the software decoder's")
    if len(shown) < clip.frames // 2:
        raise Failure(f"VLC showed only {len(shown)} of {clip.frames} frames")
    return f"{count} pictures, {len(shown)} frames shown, all equal"


def cases(bench):
    for clip in OURS:
        yield Case(f"vlc dummy {clip.name}", functools.partial(no_output, bench, clip))
    for clip in EIGHT_BITS:
        yield Case(f"vlc pixels {clip.name}", functools.partial(pixels, bench, clip))
