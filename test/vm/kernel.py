"""Debian's kernels for the virtual machine: fetched by apt, unpacked once, kept in the cache.

Nothing is installed: the package and apt's lists live in folders of our own. What a kernel's folder holds when it is
`complete`: vmlinux (an ELF file that QEMU starts directly by its PVH note) and the package's files under root/.
"""

import fcntl
import functools
import glob
import os
import re
import shutil
import struct
import subprocess

SUITES = ("bookworm", "bookworm-backports", "trixie")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEFAULT = "6.12"


class Unavailable(Exception):
    """The machine cannot be had here; the text says why and what to do."""


def cache_folder():
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "daedalus")
    try:
        os.makedirs(folder, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    folder = "/var/tmp/daedalus"
    os.makedirs(folder, exist_ok=True)
    return folder


def _mirror():
    """The mirror of this machine's own sources, so that a local mirror is used here too."""
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        try:
            with open(path, encoding="utf-8", errors="replace") as source:
                text = source.read()
        except OSError:
            continue
        found = re.search(r"^(?:URIs:|deb)\s.*?(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if found:
            return found.group(1)
    return "http://deb.debian.org/debian"


class Apt:
    """apt with lists of its own, for packages of releases that this system does not use."""

    def __init__(self):
        self._folder = os.path.join(cache_folder(), "apt")
        for name in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self._folder, name), exist_ok=True)
        self._sources = os.path.join(self._folder, "sources.list")
        mirror = _mirror()
        lines = [f"deb [arch=amd64 signed-by={KEYRING}] {mirror} {suite} main\n" for suite in SUITES]
        with open(self._sources, "w", encoding="utf-8") as sources:
            sources.writelines(lines)
        open(os.path.join(self._folder, "status"), "a", encoding="utf-8").close()
        options = {
            "Dir::Etc::sourcelist": self._sources,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": self._folder,
            "Dir::State::lists": os.path.join(self._folder, "lists"),
            "Dir::State::status": os.path.join(self._folder, "status"),
            "Dir::Cache": self._folder,
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        self._options = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]

    def _run(self, tool, *arguments, cwd=None):
        command = [tool] + self._options + list(arguments)
        try:
            result = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise Unavailable(f"{tool} is not here: kernels come from Debian's packages") from error
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
            raise Unavailable(f"{tool} {arguments[0]} failed: {lines[-1]}")
        return result.stdout

    @functools.cache
    def update(self):
        self._run("apt-get", "update", "-q")

    def names(self, pattern):
        """The packages whose whole name matches."""
        self.update()
        lines = self._run("apt-cache", "search", "--names-only", f"^{pattern}$").splitlines()
        return [line.split(" ")[0] for line in lines]

    def version(self, package):
        """That of the package which is the only one of its name, or the newest."""
        self.update()
        found = re.search(r"^Version: (.+)$", self._run("apt-cache", "show", "--no-all-versions", package), re.MULTILINE)
        if not found:
            raise Unavailable(f"no package {package}")
        return found.group(1)

    def download(self, package, folder):
        """Puts the package (NAME, NAME/SUITE or NAME=VERSION) into an empty folder and returns the file's path."""
        self.update()
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self._run("apt-get", "download", "-q", package, cwd=folder)
        files = glob.glob(os.path.join(folder, "*.deb"))
        if len(files) != 1:
            raise Unavailable(f"apt-get download {package} brought no package")
        return files[0]


def unpack(package, folder):
    """dpkg-deb -x, into a folder of its own."""
    os.makedirs(folder, exist_ok=True)
    result = subprocess.run(["dpkg-deb", "-x", package, folder], capture_output=True, text=True)
    if result.returncode != 0:
        raise Unavailable(f"{package} cannot be unpacked: {result.stderr.strip()}")


def cached(name, make):
    """The folder NAME in the cache, made by make(folder) where it is not complete. One process makes it."""
    folder = os.path.join(cache_folder(), name)
    with open(folder + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, ".complete")):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            make(folder)
            open(os.path.join(folder, ".complete"), "w", encoding="utf-8").close()
    return folder


def _newest_package(apt, version, release):
    def key(name):
        return [int(part) for part in re.findall(r"\d+", name)]

    # The signed one where there is one; no real-time or cloud variant.
    of_release = rf"[+]deb{release}" if release else ""
    names = apt.names(rf"linux-image-{re.escape(version)}[.][0-9][^-]*{of_release}(-[0-9]+)?-amd64")
    if not names:
        raise Unavailable(f"Debian has no kernel {version} ({', '.join(SUITES)}); try --kernel {DEFAULT}")
    return max(names, key=key)


def extract_vmlinux(image, to):
    """The ELF file inside a bzImage (boot protocol 2.08: payload_offset 0x248, payload_length 0x24c)."""
    with open(image, "rb") as source:
        data = source.read()
    sectors = data[0x1F1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    begin = (sectors + 1) * 512 + offset
    payload = data[begin:begin + length - 4]  # the last four bytes are the size that it unpacks to
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        tool = ["zstd", "-dcq"]
    elif payload.startswith(b"\xfd7zXZ"):
        tool, payload = ["xz", "-dcq", "--single-stream"], data[begin:begin + length]
    else:
        raise Unavailable(f"{image}: the kernel is packed in an unknown way")
    try:
        result = subprocess.run(tool, input=payload, capture_output=True)
    except FileNotFoundError as error:
        raise Unavailable(f"{tool[0]} is missing; ./dev setup --vm installs it") from error
    if not result.stdout.startswith(b"\x7fELF"):
        raise Unavailable(f"{image}: cannot be unpacked: {result.stderr.decode(errors='replace').strip()}")
    with open(to, "wb") as out:
        out.write(result.stdout)


def kernel(version, release=""):
    """The folder of the newest Debian kernel of that version ("6.12"). `release`: as built for that Debian ("12")."""

    def make(folder):
        apt = Apt()
        package = apt.download(_newest_package(apt, version, release), os.path.join(folder, "package"))
        root = os.path.join(folder, "root")
        unpack(package, root)
        images = glob.glob(os.path.join(root, "boot", "vmlinuz-*"))
        if len(images) != 1:
            raise Unavailable(f"{package} holds no kernel image")
        extract_vmlinux(images[0], os.path.join(folder, "vmlinux"))
        os.remove(package)

    if not re.fullmatch(r"\d+\.\d+", version):
        raise Unavailable(f"--kernel {version}: a version like {DEFAULT} is wanted")
    return cached(f"kernel-{version}" + (f"-deb{release}" if release else ""), make)
