"""GStreamer's two VA plugins: gstreamer-vaapi (vaapi*dec) and the newer va of the bad set (va*dec)."""

import functools
import os

import workbench
from workbench import CLIPS, Case, Failure, Skip

# What comes before a decoder.
FRONT_ENDS = {
    "h264.mp4": "qtdemux ! h264parse",
    "h264_interlaced.mp4": "qtdemux ! h264parse",
    "vp9.webm": "matroskademux ! vp9parse",
    "vp9_10bit.webm": "matroskademux ! vp9parse",
    "vp8.webm": "matroskademux",
    "mpeg2.mpg": "mpegpsdemux ! mpegvideoparse",
    "hevc.mp4": "qtdemux ! h265parse",
    "hevc_10bit.mp4": "qtdemux ! h265parse",
    "av1.webm": "matroskademux ! av1parse",
    "av1_10bit.webm": "matroskademux ! av1parse",
}
CODECS = {"h264": "h264dec", "vp9": "vp9dec", "vp8": "vp8dec", "mpeg2": "mpeg2dec", "hevc": "h265dec", "av1": "av1dec"}


class Plugin:
    """One of the two plugins, with a registry of its own: it keeps the driver's abilities."""

    def __init__(self, bench, name, render_node_options, environment):
        self.bench = bench
        self.name = name
        self.render_node_options = render_node_options
        registry = os.path.join(bench.scratch("gstreamer"), "registry")
        self.environment = dict(environment, GST_REGISTRY=registry)
        self._features = None

    def run(self, command):
        return self.bench.run(command, self.render_node_options, environment=self.environment)

    def require(self, element):
        """The plugin may be missing; an element of a plugin that is there may not."""
        self.bench.require("gst-launch-1.0", "gst-inspect-1.0")
        self.bench.way(*self.render_node_options)
        if self._features is None:
            try:
                self._features = self.run(["gst-inspect-1.0", self.name]).output
            except Failure:
                raise Skip(f"GStreamer's plugin {self.name} is not installed") from None
        if f"{element}:" not in self._features:
            raise Failure(f"{self.name} offers no {element} with this driver")

    def decode(self, clip):
        element = self.name + CODECS[clip.codec]
        self.require(element)
        wanted = clip.planar_format() if clip.bits == 8 else clip.native_format()
        caps = "I420" if clip.bits == 8 else "P010_10LE"
        file = os.path.join(self.bench.scratch("gstreamer"), "frames")
        pipeline = f"filesrc location={self.bench.path(clip)} ! {FRONT_ENDS[clip.name]} ! {element}"
        pipeline += f" ! videoconvert ! video/x-raw,format={caps} ! filesink location={file}"
        run = self.run(["gst-launch-1.0", "-q", *pipeline.split()])
        expected = self.bench.software_frames(clip, wanted)
        workbench.expect_same_frames(workbench.read_frames(file, clip), expected)
        count = workbench.expect_decoded_by_driver(run, clip)
        return f"{count} pictures, {len(expected)} frames equal"


def plugins(bench):
    # vaapi takes the node by name; va only by udev.
    vaapi = {"GST_VAAPI_ALL_DRIVERS": "1", "GST_VAAPI_DRM_DEVICE": bench.node}
    return (
        Plugin(bench, "vaapi", [], vaapi),
        Plugin(bench, "va", ["--full-sysfs"], {"GST_VA_ALL_DRIVERS": "1"}),
    )


def cases(bench):
    for plugin in plugins(bench):
        for clip in CLIPS:
            name = f"gstreamer {plugin.name}{CODECS[clip.codec]} {clip.name}"
            yield Case(name, functools.partial(plugin.decode, clip))
