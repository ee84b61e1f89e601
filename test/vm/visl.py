"""visl, the kernel's stateless decoder without hardware, for a kernel of the machine's: Debian ships its source alone.

It is built out of tree by the kernel's own headers, with what it needs of the same source (v4l2-mem2mem), once for each
kernel, and kept in the cache.
"""

import glob
import os
import re
import shutil
import subprocess

import kernel
from kernel import Unavailable

# The kernel that its headers' tools and this system's compiler were made for.
VERSION = "6.12"
SOURCES = ("drivers/media/test-drivers/visl/*", "drivers/media/v4l2-core/v4l2-mem2mem.c")
# With what each is loaded. The first frames' coded data are kept in debugfs until OUTPUT stops.
MODULES = ("v4l2_mem2mem", "visl bitstream_trace_frame_start=0 bitstream_trace_nframes=1000")

MAKEFILE = """
obj-m := v4l2-mem2mem.o visl/
"""


def debian_release():
    """The number of this system's Debian, "12"."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            fields = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    except OSError:
        fields = {}
    number = fields.get("VERSION_ID", "").strip('"')
    if not re.fullmatch(r"\d+", number):
        raise Unavailable("visl is built with Debian's kernel headers, and this system names no release of Debian")
    return number


def kernel_folder():
    """That of the kernel for which visl is built."""
    return kernel.kernel(VERSION, debian_release())


def _run(command, **keywords):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **keywords)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()[-3:]
        raise Unavailable(f"building visl: {' '.join(command[:3])} … failed: {' / '.join(said)}")
    return result.stdout


def _fetch(release, root, scratch):
    """Unpacks headers, build tools and source of the kernel `release` ("6.12.95+deb12-amd64")."""
    apt = kernel.Apt()
    base, architecture = release.rsplit("-", 1)
    headers = f"linux-headers-{release}"
    version = apt.version(headers)
    for package in (headers, f"linux-headers-{base}-common", f"linux-kbuild-{base}",
                    f"linux-source-{VERSION}={version}"):
        file = apt.download(package, scratch)
        kernel.unpack(file, root)
        os.remove(file)
    return os.path.join(root, "usr/src", headers), os.path.join(root, "usr/src", f"linux-headers-{base}-common")


def _lay_out_sources(root, build):
    """The modules' sources, with what the tree's own build files would have told them."""
    archive = os.path.join(root, "usr/src", f"linux-source-{VERSION}.tar.xz")
    unpacked = os.path.join(root, "source")
    os.makedirs(unpacked)
    _run(["tar", "-xJf", archive, "-C", unpacked, "--strip-components=1", "--wildcards",
          *(f"linux-source-{VERSION}/{path}" for path in SOURCES)])
    os.remove(archive)
    visl = os.path.join(build, "visl")
    shutil.copytree(os.path.join(unpacked, "drivers/media/test-drivers/visl"), visl)
    shutil.copy(os.path.join(unpacked, "drivers/media/v4l2-core/v4l2-mem2mem.c"), build)
    for path in glob.glob(os.path.join(visl, "visl-trace-*.h")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"(#define TRACE_INCLUDE_PATH) .*", rf"\1 {visl}", text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(build, "Makefile"), "w", encoding="utf-8") as file:
        file.write(MAKEFILE)


def _make(headers, common, build):
    # Written for the folder that the package would be installed to.
    with open(os.path.join(headers, "Makefile"), "w", encoding="utf-8") as file:
        file.write(f"include {common}/Makefile\n")
    _run(["make", "-C", headers, f"M={build}", "CONFIG_VIDEO_VISL=m", "CONFIG_VISL_DEBUGFS=y",
          "KCFLAGS=-DCONFIG_VISL_DEBUGFS=1", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"])


def modules():
    """The folder with each of MODULES as NAME.ko, for kernel_folder()'s kernel."""
    image = glob.glob(os.path.join(kernel_folder(), "root/boot/vmlinuz-*"))[0]
    release = os.path.basename(image).removeprefix("vmlinuz-")

    def make(folder):
        root, build = os.path.join(folder, "root"), os.path.join(folder, "build")
        os.makedirs(build)
        headers, common = _fetch(release, root, os.path.join(folder, "package"))
        _lay_out_sources(root, build)
        _make(headers, common, build)
        for name in (module.partition(" ")[0] for module in MODULES):
            built = glob.glob(os.path.join(build, "**", f"{name.replace('_', '-')}.ko"), recursive=True)
            built += glob.glob(os.path.join(build, "**", f"{name}.ko"), recursive=True)
            if not built:
                raise Unavailable(f"building visl: no {name}.ko came of it")
            shutil.copy(built[0], os.path.join(folder, f"{name}.ko"))
        for scratch in (root, build, os.path.join(folder, "package")):
            shutil.rmtree(scratch, ignore_errors=True)

    return kernel.cached(f"visl-{release}", make)
