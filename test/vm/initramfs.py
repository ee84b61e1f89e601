"""The machine's initramfs: busybox, the modules in their order, and an init that goes on in the host's own root."""

import glob
import hashlib
import lzma
import os
import re

from kernel import Unavailable

BUSYBOX = "/bin/busybox"
# What the machine's root and CUSE need.
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay", "fuse", "cuse", "vgem")

# Runs the script of the share `out` on a copy-on-write view of the host's root.
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b ln -s /proc/self/fd /dev/fd
for i in 0:stdin 1:stdout 2:stderr; do $b ln -s "/proc/self/fd/${i%:*}" "/dev/${i#*:}"; done
$b mount -t sysfs sys /sys
while read -r module options; do $b insmod "/modules/$module" $options || echo "vm: insmod $module failed"; done </modules/order
$b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower
$b mount -t tmpfs -o size=75% upper /upper
$b mkdir -p /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /root
for folder in dev proc sys; do $b mount --move "/$folder" "/root/$folder"; done
$b mount -t tmpfs run /root/run
$b mkdir -p /root/run/vm /root/dev/pts /root/dev/shm
$b mount -t devpts pts /root/dev/pts
$b mount -t tmpfs shm /root/dev/shm
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none out /root/run/vm
$b ip link set lo up
exec $b switch_root /root /bin/sh /run/vm/guest.sh
"""


class _Archive:
    """A cpio archive of the kind "newc"."""

    def __init__(self):
        self._bytes = bytearray()
        self._inode = 0

    def add(self, name, mode, content=b""):
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        self._bytes += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._bytes += content
        self._pad()

    def _pad(self):
        self._bytes += b"\0" * (-len(self._bytes) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self._bytes)


class _Modules:
    """The modules of an unpacked kernel package, and those of the folder `more`, if any."""

    def __init__(self, root, more):
        found = glob.glob(os.path.join(root, "lib/modules/*")) + glob.glob(os.path.join(root, "usr/lib/modules/*"))
        if len(found) != 1:
            raise Unavailable(f"{root} holds no modules")
        self._paths = {}
        for top in found + ([more] if more else []):
            for folder, _, files in os.walk(top):
                for file in files:
                    name = re.fullmatch(r"(.+)\.ko(?:\.xz)?", file)
                    if name:
                        self._paths[name.group(1).replace("-", "_")] = os.path.join(folder, file)
        with open(os.path.join(found[0], "modules.builtin"), encoding="utf-8") as builtin:
            lines = builtin.read().split()
        self._builtin = {os.path.basename(line)[:-3].replace("-", "_") for line in lines}

    def _read(self, name):
        path = self._paths[name]
        with (lzma.open(path) if path.endswith(".xz") else open(path, "rb")) as source:
            return source.read()

    def in_order(self, wanted):
        """(name, bytes) of the modules and of what they depend on, each after what it needs."""
        order = {}

        def visit(name):
            name = name.replace("-", "_")
            if name in order or name in self._builtin:
                return
            if name not in self._paths:
                raise Unavailable(f"this kernel has no module {name}")
            content = self._read(name)
            depends = re.search(rb"\0depends=([^\0]*)\0", content)
            for other in depends.group(1).decode().split(",") if depends else ():
                if other:
                    visit(other)
            order[name] = content

        for name in wanted:
            visit(name)
        return list(order.items())


def initramfs(kernel_folder, extra_modules=(), more=None):
    """The path of the image with MODULES and `extra_modules`, made at the first call. These are loaded with the options
    that follow their names; `more` is a folder of modules that the kernel's package lacks."""
    if not os.path.exists(BUSYBOX):
        raise Unavailable(f"{BUSYBOX} is missing; ./dev setup --vm installs busybox-static")
    wanted = MODULES + tuple(extra_modules)
    key = hashlib.sha256("\n".join((INIT,) + wanted).encode()).hexdigest()[:12]
    path = os.path.join(kernel_folder, f"initramfs-{key}")
    if os.path.exists(path):
        return path
    archive = _Archive()
    for folder in ("bin", "dev", "proc", "sys", "lower", "upper", "root", "modules"):
        archive.add(folder, 0o040755)
    with open(BUSYBOX, "rb") as busybox:
        archive.add("bin/busybox", 0o100755, busybox.read())
    archive.add("init", 0o100755, INIT.encode())
    options = dict(module.partition(" ")[::2] for module in wanted)
    modules = _Modules(os.path.join(kernel_folder, "root"), more).in_order(options)
    for name, content in modules:
        archive.add(f"modules/{name}.ko", 0o100644, content)
    archive.add("modules/order", 0o100644, "".join(f"{name}.ko {options.get(name, '')}\n" for name, _ in modules).encode())
    partial = f"{path}.{os.getpid()}"
    with open(partial, "wb") as out:
        out.write(archive.finish())
    os.replace(partial, path)
    return path
