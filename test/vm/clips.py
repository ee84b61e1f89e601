"""The clips of test/data in the machine: what clients make of them, and what is right."""

import functools
import hashlib
import os

import in_machine
from in_machine import built, expect, run

CLIPS = {"h264.mp4": "nv12", "h264_interlaced.mp4": "nv12", "mpeg2.mpg": "nv12", "vp8.webm": "nv12",
         "vp9.webm": "nv12", "vp9_10bit.webm": "p010le", "hevc.mp4": "nv12", "hevc_10bit.mp4": "p010le"}


def clip_path(name):
    return os.path.join(in_machine.ROOT, "test/data", name)


@functools.cache
def looped_clip(name, times):
    """The clip so many times over, in a file."""
    path = f"/tmp/{times}.{name}"
    run(["ffmpeg", "-v", "error", "-nostdin", "-stream_loop", str(times - 1), "-i", clip_path(name), "-c", "copy", path])
    return path


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


@functools.cache
def software_md5(clip):
    """The words that `--md5` prints of it."""
    words = run([built("tools/daedalus/daedalus"), "decode", "--md5", clip_path(clip)]).stdout.split()
    expect(words, f"{clip}: software decodes nothing")
    return words


def client_command(daemon, clip, out, *options):
    """Our client of the stateful node, with user pointers."""
    return [built("test/vm/cuse_client"), daemon.nodes[0], clip_path(clip), out, *options]


def play(daemon, clip, *options):
    """How many pictures it showed, all of them right."""
    out = f"/tmp/out.{clip}"
    result = run(client_command(daemon, clip, out, *options))
    expect(digest(out) == expected_digest(clip), f"{clip}: pictures differ from software")
    return result.stdout.count("picture")


def with_companion(*command):
    return [built("tools/daedalus/daedalus"), "run", "--transport", "cuse", "--", *command]


def stateless_command(*arguments):
    """Our client of the stateless node, with mapped buffers and requests."""
    return with_companion(built("test/clients/v4l2/v4l2_stateless_client"), *arguments)
