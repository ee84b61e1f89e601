"""mpv --hwdec=vaapi-copy: with no output, and with its pictures written to a file."""

import functools
import os

import workbench
from workbench import CLIPS, Case, Failure


def play(bench, clip, output_options):
    bench.require("mpv")
    command = ["mpv", "--no-config", "--no-audio", "--hwdec=vaapi-copy", "--hwdec-codecs=all"]
    command += [f"--vaapi-device={bench.node}", *output_options, bench.path(clip)]
    run = bench.run(command)
    if "Using hardware decoding (vaapi-copy)" not in run.output:
        raise Failure("mpv does not say that it uses vaapi-copy")
    return run


def no_output(bench, clip):
    run = play(bench, clip, ["--vo=null", "--untimed"])
    return f"{workbench.expect_decoded_by_driver(run, clip)} pictures"


def pixels(bench, clip):
    expected = bench.software_frames(clip, clip.native_format())
    file = os.path.join(bench.scratch("mpv"), "frames")
    pixel_format = clip.native_format().removesuffix("le")
    options = [f"--vf=format={pixel_format}", "--of=rawvideo", "--ovc=rawvideo", f"--o={file}"]
    run = play(bench, clip, options)
    workbench.expect_same_frames(workbench.read_frames(file, clip), expected)
    count = workbench.expect_decoded_by_driver(run, clip)
    return f"{count} pictures, {len(expected)} frames equal"


def cases(bench):
    for clip in CLIPS:
        yield Case(f"mpv null {clip.name}", functools.partial(no_output, bench, clip))
    for clip in CLIPS:
        yield Case(f"mpv pixels {clip.name}", functools.partial(pixels, bench, clip))
