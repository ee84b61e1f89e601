#!/usr/bin/env python3
"""The machine itself: what goes in comes in unchanged, what comes out comes out, and so does the status."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import kernel  # noqa: E402
import vm  # noqa: E402

VM = os.path.join(HERE, "vm.py")


def run(*command, options=(), **keywords):
    return subprocess.run([VM, "--timeout", "120", *options, "--", *command], capture_output=True, **keywords)


def expect(condition, result):
    if not condition:
        raise AssertionError(f"status {result.returncode}, {result.stdout!r}, {result.stderr[-2000:]!r}")


def words_arrive_as_they_are():
    words = ["two words", "it's", '"', "$HOME `id` \\", "a\nb", "", "*", b"\xff\xfe"]
    result = run("printf", "<%s>", *words)
    expected = b"".join(b"<%s>" % (word if isinstance(word, bytes) else word.encode()) for word in words)
    expect(result.returncode == 0 and result.stdout == expected and not result.stderr, result)


def status_streams_folder_and_environment():
    script = 'echo out; echo err >&2; pwd; echo "$DAEDALUS_LOG,$OTHER,$NAMED"; cat; exit 7'
    environment = dict(os.environ, DAEDALUS_LOG="in 'fo", OTHER="no", NAMED="yes")
    result = run("sh", "-c", script, options=["--env", "NAMED"], env=environment, cwd="/usr/share", input=b"lost")
    expect(result.returncode == 7 and result.stderr == b"err\n", result)
    expect(result.stdout == b"out\n/usr/share\nin 'fo,,yes\n", result)


def a_kernel_with_cuse_on_the_hosts_files():
    with open("/etc/os-release", "rb") as file:
        release = file.read()
    trial = os.path.join(HERE, f"written_by_the_guest.{os.getpid()}")
    script = f'test -c /dev/cuse && test "$(id -u)" = 0 && echo x >"$1" && test -s "$1" && cat /etc/os-release'
    result = run("sh", "-c", script, "sh", trial)
    expect(result.returncode == 0 and result.stdout == release, result)
    expect(not os.path.exists(trial), result)


def output_comes_while_the_command_runs():
    command = [VM, "--timeout", "120", "--", "sh", "-c", "echo first; sleep 5; echo second"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        first = process.stdout.readline()
        between = time.monotonic()
        rest = process.stdout.read()
    if (first, rest) != (b"first\n", b"second\n") or time.monotonic() - between < 2:
        raise AssertionError(f"{first!r} {rest!r} {time.monotonic() - between:.1f} s apart")


def the_time_limit_ends_it():
    result = subprocess.run([VM, "--timeout", "1", "--", "sleep", "60"], capture_output=True)
    expect(result.returncode == vm.OUT_OF_TIME and b"not finished after 1 s" in result.stderr, result)


def a_machine_that_dies_is_no_success():
    result = run("sh", "-c", "echo before; echo c >/proc/sysrq-trigger; sleep 60")
    expect(result.returncode == vm.FAILED and b"died before the command ended" in result.stderr, result)
    expect(result.stdout == b"before\n", result)


def one_that_dies_before_the_command_is_started_anew():
    trial = ("import sys; sys.path.insert(0, sys.argv[1]); import vm;"
             "vm.KERNEL_ARGUMENTS += ' rdinit=/none root=/dev/none';"
             "sys.argv[1:] = ['--timeout', '60', '--', 'true']; sys.exit(vm.main())")
    result = subprocess.run([sys.executable, "-c", trial, HERE], capture_output=True)
    expect(result.returncode == vm.FAILED, result)
    expect(result.stderr.count(b"died before the command began") == vm.BOOTS, result)


def what_cannot_be_had_is_said():
    result = run("true", options=["--kernel", "1.0"])
    expect(result.returncode == vm.FAILED and b"no kernel 1.0" in result.stderr, result)


CASES = (words_arrive_as_they_are, status_streams_folder_and_environment, a_kernel_with_cuse_on_the_hosts_files,
         output_comes_while_the_command_runs, the_time_limit_ends_it, a_machine_that_dies_is_no_success,
         one_that_dies_before_the_command_is_started_anew, what_cannot_be_had_is_said)


def main():
    reason = vm.why_not()
    try:
        if not reason:
            kernel.kernel(kernel.DEFAULT)
    except kernel.Unavailable as error:
        reason = str(error)
    if reason:
        return vm.skip(reason, len(CASES))
    failed = 0
    for case in CASES:
        try:
            case()
            print(f"pass {case.__name__}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"FAIL {case.__name__}: {error}", flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
