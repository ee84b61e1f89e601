#!/usr/bin/env python3
"""v4l2-compliance 1.30 on the daemon's nodes, in the virtual machine.

    compliance.py NODE [OPTION...]     in the machine, with a daemon: runs it on a node, with those options
    compliance.py --fetch              fetches it and prints its folder

The program is Debian 13's, with that release's libraries beside it, so that it runs on Debian 12 too: the older one
fails on drivers of today's kernels. It finds a video node's media controller only by a folder that the kernel makes in
sysfs for drivers and not for CUSE, so that folder is made here, in a file system over the node's own.
"""

import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel  # noqa: E402

PACKAGES = ("v4l-utils", "libc6", "libgcc-s1", "libstdc++6", "libv4l-0t64", "libv4lconvert0t64", "libjpeg62-turbo",
            "libudev1", "libcap2")
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")


def fetch():
    """The folder with the program; fetched at the first call."""

    def make(folder):
        apt = kernel.Apt()
        for package in PACKAGES:
            file = apt.download(f"{package}/trixie", os.path.join(folder, "package"))
            kernel.unpack(file, os.path.join(folder, "root"))
            os.remove(file)

    return os.path.join(kernel.cached("v4l2-compliance-trixie", make), "root")


def command(root, *options):
    libraries = ":".join(os.path.join(root, folder) for folder in LIBRARIES)
    loader = os.path.join(root, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    return [loader, "--library-path", libraries, os.path.join(root, "usr/bin/v4l2-compliance"), *options]


def link_media_node(video, media):
    """What the kernel makes for a driver: .../NODE/device/MEDIA."""
    folder = f"/sys/devices/virtual/cuse/{video}"
    with open(os.path.join(folder, "uevent"), encoding="utf-8") as file:
        uevent = file.read()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    os.makedirs(os.path.join(folder, "device", media))
    with open(os.path.join(folder, "uevent"), "w", encoding="utf-8") as file:
        file.write(uevent)


def only_media_node():
    return next(name for name in sorted(os.listdir("/dev")) if re.fullmatch(r"media\d+", name))


def write_stream(clip, path):
    """The H.264 of a clip as --stream-from-hdr reads it: before each picture's bytes a mark and how many they are."""
    delimiter = b"\0\0\0\1\x09"
    filters = "h264_mp4toannexb,h264_metadata=aud=insert"
    data = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", clip, "-c", "copy", "-bsf:v", filters, "-f", "h264",
                           "-"], stdout=subprocess.PIPE, check=True).stdout
    pictures = [delimiter + rest for rest in data.split(delimiter)[1:]]
    with open(path, "wb") as file:
        for picture in pictures:
            file.write(b"rdhV" + struct.pack(">I", len(picture)) + picture)
    return len(pictures)


def run(root, node, *options, prefix=()):
    """The completed run; its output ends in the tool's own count. Of a media node all that belongs to it is tested.
    `prefix`: what the command is run under."""
    media = only_media_node()
    for name in os.listdir("/sys/class/cuse"):
        if name.startswith("video") and not os.path.exists(f"/sys/devices/virtual/cuse/{name}/device"):
            link_media_node(name, media)
    option = "-m" if os.path.basename(node) == media else "-d"
    return subprocess.run([*prefix, *command(root, option, node, *options)], capture_output=True, text=True, timeout=600)


def main():
    if sys.argv[1:] == ["--fetch"]:
        print(fetch())
        return 0
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    result = run(fetch(), *sys.argv[1:])
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
