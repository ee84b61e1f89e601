#!/usr/bin/env python3
"""Runs a command in a small virtual machine whose kernel has CUSE, on this very file system.

    vm.py [--kernel 6.12] [--modules NAME,...] [--visl] [--timeout S] [--memory MiB] [--env NAME]... [--or-skip] [--daemon FILE] -- COMMAND...

The machine sees the host's root read-only, with a layer of its own memory over it: what the command writes is gone
with the machine. It runs as root in the current folder, with PATH, HOME, the language and DAEDALUS_*, LIBVA_* and
LIBV4L_* carried along. Its output comes live, its standard input is empty, its exit status is ours. 124: out of time;
125: the machine cannot be had, or died. One that dies before the command is started anew: now and then a kernel that
patches its code while it boots runs into its own breakpoints under QEMU.

QEMU's TCG does the work; nothing needs KVM. The first run fetches a kernel package of Debian (about 100 MB).
"""

import argparse
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel  # pylint: disable=wrong-import-position
import visl  # pylint: disable=wrong-import-position
from initramfs import BUSYBOX, initramfs
from kernel import Unavailable

QEMU = "qemu-system-x86_64"
OUT_OF_TIME = 124
FAILED = 125
BOOTS = 3
CARRIED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
CARRIED_PREFIXES = ("DAEDALUS_", "LIBVA_", "LIBV4L_", "ASAN_", "TSAN_", "UBSAN_")
KERNEL_ARGUMENTS = ("console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check"
                    " cryptomgr.notests audit=0 apparmor=0")

# The end: QEMU leaves at a write to its debug port, or at the reboot.
GUEST = """exec </dev/null
>/run/vm/started
(
{command}
) >/run/vm/stdout 2>/run/vm/stderr
echo $? >/run/vm/status.new
mv /run/vm/status.new /run/vm/status
printf '\\0' | {busybox} dd of=/dev/port bs=1 seek=244 conv=notrunc 2>/dev/null
{busybox} reboot -f
"""


def why_not():
    """Why there can be no machine here; None where there can."""
    if platform.machine() != "x86_64":
        return f"the virtual machine is for x86_64 hosts, and this is {platform.machine()}"
    if not shutil.which(QEMU) or not os.path.exists(BUSYBOX):
        return f"{QEMU} or {BUSYBOX} is missing; ./dev setup --vm installs them"
    return None


def skip(reason, cases=1):
    """What a test says and returns that needs a machine where there is none. It counts as skipped, never as passed."""
    print(f"SKIPPED: {reason}")
    print(f"0 passed, 0 failed, {cases} skipped")
    return 0


def guest_script(command, environment, folder, daemon):
    lines = [f"cd {shlex.quote(folder)} || exit 127"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(environment.items())]
    if daemon:
        lines.append(f"{shlex.quote(daemon)} --user-pointers --background || exit {FAILED}")
    lines.append("exec " + " ".join(shlex.quote(word) for word in command))
    return GUEST.format(command="\n".join(lines), busybox=BUSYBOX)


def carried_environment(extra):
    carried = {name: value for name, value in os.environ.items()
               if name in CARRIED or name in extra or name.startswith(CARRIED_PREFIXES)}
    # The guest's own would be its init's.
    carried.setdefault("HOME", os.path.expanduser("~"))
    return carried


def qemu_command(kernel_folder, image, out, options):
    # With multidevs=remap files of several file systems keep inode numbers of their own.
    shares = (("root", "/", ",readonly=on,multidevs=remap"), ("out", out, ""))
    # QEMU 7.2 computes AVX2 wrongly: some of dav1d's pictures come out other than on any processor.
    command = [QEMU, "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-avx2", "-smp", str(options.cpus),
               "-m", str(options.memory), "-nodefaults", "-display", "none", "-no-reboot",
               "-serial", f"file:{out}/console", "-kernel", os.path.join(kernel_folder, "vmlinux"), "-initrd", image,
               "-append", KERNEL_ARGUMENTS, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    for name, path, more in shares:
        command += ["-fsdev", f"local,id={name},path={path},security_model=none{more}",
                    "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]
    return command


class BootFailed(Exception):
    """The machine died before the command began."""


class Streams:
    """Copies what the guest has written so far to our own standard output and error."""

    def __init__(self, out):
        self._pairs = []
        for name, to in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            path = os.path.join(out, name)
            open(path, "wb").close()
            self._pairs.append((open(path, "rb"), to.buffer))

    def copy(self):
        for source, to in self._pairs:
            data = source.read()
            if data:
                to.write(data)
                to.flush()


def wait_for(qemu, streams, deadline):
    """Copies output until the machine has ended; False where the time ran out."""
    while qemu.poll() is None:
        if deadline is not None and time.monotonic() > deadline:
            qemu.kill()
            qemu.wait()
            streams.copy()
            return False
        streams.copy()
        time.sleep(0.05)
    streams.copy()
    return True


def show_end_of(path):
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log.read().splitlines()[-15:]:
            print(f"vm: {line}", file=sys.stderr)


def boot_and_run(command, options):
    if options.visl:
        folder = visl.kernel_folder()
        image = initramfs(folder, [*options.modules, *visl.MODULES], visl.modules())
    else:
        folder = kernel.kernel(options.kernel)
        image = initramfs(folder, options.modules)
    with tempfile.TemporaryDirectory(prefix="daedalus-vm-") as out:
        with open(os.path.join(out, "guest.sh"), "w", encoding="utf-8", errors="surrogateescape") as script:
            script.write(guest_script(command, carried_environment(options.env), os.getcwd(),
                                      options.daemon))
        streams = Streams(out)
        deadline = time.monotonic() + options.timeout if options.timeout else None
        log = os.path.join(out, "qemu.log")
        with open(log, "wb") as errors:
            qemu = subprocess.Popen(qemu_command(folder, image, out, options), stdin=subprocess.DEVNULL,
                                    stdout=errors, stderr=errors)
        try:
            in_time = wait_for(qemu, streams, deadline)
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()
        if not in_time:
            print(f"vm: not finished after {options.timeout:g} s", file=sys.stderr)
            return OUT_OF_TIME
        try:
            with open(os.path.join(out, "status"), encoding="utf-8") as status:
                return int(status.read())
        except (OSError, ValueError):
            started = os.path.exists(os.path.join(out, "started"))
            print(f"vm: the machine died before the command {'ended' if started else 'began'}", file=sys.stderr)
            show_end_of(log)
            if os.path.exists(os.path.join(out, "console")):
                show_end_of(os.path.join(out, "console"))
            if not started:
                raise BootFailed from None
            return FAILED


def run(command, options):
    for _ in range(BOOTS):
        try:
            return boot_and_run(command, options)
        except BootFailed:
            pass
    return FAILED


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[2].strip())
    parser.add_argument("--kernel", default=kernel.DEFAULT, help="version of Debian's kernel: 6.1, 6.12")
    parser.add_argument("--modules", default=[], type=lambda names: names.split(","), help="more kernel modules")
    parser.add_argument("--visl", action="store_true",
                        help="with the kernel's virtual stateless decoder, on the kernel for which it is built")
    parser.add_argument("--timeout", type=float, default=0, help="seconds; 0: none")
    parser.add_argument("--memory", type=int, default=1024, help="MiB")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--env", action="append", default=[], metavar="NAME", help="one more variable to carry")
    parser.add_argument("--daemon", metavar="FILE", help="start this daedalusd first, with --user-pointers")
    parser.add_argument("--or-skip", action="store_true", help="for tests: no machine is a skip, said and counted")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("a command is wanted after --")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        reason = why_not()
        if reason:
            raise Unavailable(reason)
        return run(command, options)
    except Unavailable as error:
        if options.or_skip:
            return skip(str(error))
        print(f"vm: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
