"""ffmpeg -hwaccel vaapi: frames kept on the device and downloaded, and handed out by the decoder."""

import functools
import os

import workbench
from workbench import CLIPS, Case


def decode(bench, clip, decoder_options, output_options, pixel_format, render_node_options=()):
    bench.require("ffmpeg")
    expected = bench.software_frames(clip, pixel_format)
    file = os.path.join(bench.scratch("ffmpeg"), "frames")
    command = ["ffmpeg", "-v", "warning", "-nostdin", "-hwaccel", "vaapi"]
    # The first choice for AV1 is a decoder that knows no VA-API.
    decoder = ["-c:v", "av1"] if clip.codec == "av1" else []
    command += ["-hwaccel_device", bench.node, *decoder_options, *decoder, "-i", bench.path(clip)]
    command += ["-fps_mode", "passthrough", *output_options, "-f", "rawvideo", file]
    run = bench.run(command, render_node_options)
    workbench.expect_same_frames(workbench.read_frames(file, clip), expected)
    count = workbench.expect_decoded_by_driver(run, clip)
    return f"{count} pictures, {len(expected)} frames equal"


def hwdownload(bench, clip, render_node_options=()):
    pixel_format = clip.native_format()
    return decode(
        bench,
        clip,
        ["-hwaccel_output_format", "vaapi"],
        ["-vf", f"hwdownload,format={pixel_format}"],
        pixel_format,
        render_node_options,
    )


def plain(bench, clip):
    pixel_format = clip.native_format() if clip.bits > 8 else clip.planar_format()
    return decode(bench, clip, [], ["-pix_fmt", pixel_format], pixel_format)


def cases(bench):
    for clip in CLIPS:
        yield Case(f"ffmpeg hwdownload {clip.name}", functools.partial(hwdownload, bench, clip))
    for clip in CLIPS:
        yield Case(f"ffmpeg plain {clip.name}", functools.partial(plain, bench, clip))
    preload = functools.partial(hwdownload, bench, CLIPS[0], ["--way", "preload"])
    yield Case(f"ffmpeg preloaded node {CLIPS[0].name}", preload)
