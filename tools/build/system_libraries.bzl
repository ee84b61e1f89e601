"""The libraries of the system that the project links, each as @name//:name."""

load("//tools/build:catch2.bzl", "catch2")
load("//tools/build:pkg_config.bzl", "pkg_config")
load("//tools/build:vulkan.bzl", "volk")

_LIBRARIES = [
    # (repository, pkg-config name, Debian package)
    ("dav1d", "dav1d", "libdav1d-dev"),
    ("fuse3", "fuse3", "libfuse3-dev"),
    ("libavcodec", "libavcodec", "libavcodec-dev"),
    ("libavformat", "libavformat", "libavformat-dev"),
    ("libavutil", "libavutil", "libavutil-dev"),
    ("libdrm", "libdrm", "libdrm-dev"),
    ("libhwy", "libhwy", "libhwy-dev"),
    ("libpng", "libpng", "libpng-dev"),
    ("libseccomp", "libseccomp", "libseccomp-dev"),
    ("libswscale", "libswscale", "libswscale-dev"),
    ("libva", "libva", "libva-dev"),
    ("libva_drm", "libva-drm", "libva-dev"),
]

def system_libraries():
    for name, pc, package in _LIBRARIES:
        pkg_config(name = name, pc = pc, package = package)
    catch2(name = "catch2")
    volk(name = "volk")
