#!/usr/bin/env python3
"""Runs the tests in one configuration after the other and counts their cases.

    run_tests.py --mode quick|normal|full [--only STAGE,...]

Called by ./dev test. The last line is `N passed, N failed`, and the one before it counts what was skipped, if anything
was; exit status 0 if none failed and one passed.
"""

import argparse
import dataclasses
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import test_results

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVENTS = os.path.join(TREE, ".dev", "events")

# Seconds for all stages together (a fresh machine's set-up comes on top), and the least worth starting one with.
BUDGET = {"quick": 170, "normal": 35 * 60, "full": None}
LEAST_FOR_A_STAGE = 150
# Bytes that the outputs of a stage with sanitizers or of another architecture take, and some more.
DISK_FOR_A_STAGE = 4 << 30

# The streams that also go through CUSE, which takes the virtual machine.
CUSE_SAMPLE = "test/conformance/cuse_sample.tsv"

# The newest parsers, writers and engines, which are fuzzed longer than the others' half minute.
LONG_FUZZ_TARGETS = tuple(f"//test/fuzz:{name}_fuzzer"
                          for name in ("av1_headers", "av1_writer", "hevc_headers", "hevc_stream", "h264_engine"))
LONG_FUZZ_SECONDS = 20 * 60

CONFORMANCE_LINE = re.compile(r"^conformance \S+: (\d+) passed, (\d+) failed, (\d+) skipped", re.MULTILINE)


@dataclasses.dataclass
class Stage:
    name: str
    # Options of bazel test.
    options: list
    # A stage that the time budget may drop.
    optional: bool = False
    # Runs in the Debian 13 root.
    debian13: bool = False
    # What bazel test is to run; tests that are tagged `manual` must be named.
    targets: tuple = ("//...",)
    # Another command than bazel test, which ends in a line of its own.
    command: list = None
    # Runs in the virtual machine.
    machine: bool = False


def unit(config, extra_tags=""):
    return [f"--config={config}", f"--test_tag_filters=-clients{extra_tags}"]


def stages_of(mode, corpus):
    if mode == "quick":
        return [Stage("unit tests", ["--test_tag_filters=-full,-clients", "--build_tests_only"])]
    if mode == "normal":
        return [
            Stage("default", []),
            Stage("asan_ubsan", unit("asan_ubsan", ",-full"), optional=True),
            Stage("tsan", unit("tsan", ",-full"), optional=True),
            Stage("pi5", unit("pi5", ",-full"), optional=True),
        ]
    stages = [Stage("default", ["--test_tag_filters="])]
    stages += [Stage(config, unit(config)) for config in ("asan_ubsan", "tsan", "pi5")]
    stages.append(Stage("clang", unit("clang", ",-full")))
    stages.append(Stage("fuzz", unit("fuzz", ",-full")))
    stages.append(Stage("fuzz ioctls", ["--config=fuzz", "--test_output=streamed"],
                        targets=("//test/cuse_device/v4l2:ioctl_fuzz_test",)))
    stages.append(Stage("debian13", ["--test_tag_filters=-full"], debian13=True))
    if corpus:
        for front, config in (("va", None), ("v4l2", None), ("v4l2-request", None), ("replay", None),
                              ("replay", "asan_ubsan")):
            name = f"conformance {front}" + (f" {config}" if config else "")
            # For test/conformance/table.py.
            rows = os.path.join(TREE, ".dev", name.replace(" ", "_") + ".json")
            command = ["./dev", "conformance"] + (["--config", config] if config else []) + ["--front", front,
                                                                                             "--json", rows, corpus]
            stages.append(Stage(name, [], command=command))
        for front in ("va", "replay"):
            command = ["./dev", "conformance", "--front", front, "--backend", "hardware:loopback", corpus]
            stages.append(Stage(f"conformance {front} hardware", [], command=command))
        for front, codec in (("replay", "h264"), ("va", "av1")):
            command = ["./dev", "conformance", "--front", front, "--codec", codec, "--substrate", "vulkan", corpus]
            stages.append(Stage(f"conformance {front} {codec} vulkan", [], command=command))
        for front in ("v4l2", "v4l2-request"):
            command = ["./dev", "conformance", "--front", front, "--transport", "cuse", "--list", CUSE_SAMPLE, corpus]
            stages.append(Stage(f"conformance {front} cuse", [], command=command, machine=True))
    stages.append(Stage("fuzz long", ["--config=fuzz", f"--test_arg=-max_total_time={LONG_FUZZ_SECONDS}",
                                      f"--test_timeout={2 * LONG_FUZZ_SECONDS}"], targets=LONG_FUZZ_TARGETS))
    return stages


def why_no_machine():
    """Tried, because kernels may have to be fetched first."""
    tried = subprocess.run(["./dev", "vm", "--no-daemon", "--timeout", "300", "--", "true"], cwd=TREE, capture_output=True,
                           text=True, check=False)
    return tried.stderr.strip().splitlines()[-1] if tried.returncode and tried.stderr.strip() else None


def missing_tool(stage):
    """Why a stage cannot run on this machine; None if it can."""
    if stage.name == "pi5" and platform.machine() != "aarch64":
        if not shutil.which("aarch64-linux-gnu-g++") or not shutil.which("qemu-aarch64"):
            return "no cross compiler or emulator (./dev setup --pi5)"
        if not os.path.exists("/usr/lib/aarch64-linux-gnu/libavcodec.so"):
            return "no arm64 libraries (./dev setup --pi5)"
    if ("fuzz" in stage.name or stage.name == "clang") and not (shutil.which("clang") and shutil.which("ld.lld")):
        return "no clang or lld (./dev setup --full)"
    if stage.machine:
        return why_no_machine()
    if stage.debian13 and (os.geteuid() != 0 or not shutil.which("mmdebstrap")):
        return "needs root and mmdebstrap"
    return None


def bazel_startup():
    return ["bazel"] + shlex.split(os.environ.get("DEV_BAZEL_STARTUP", ""))


def free_disk():
    """Bytes where Bazel builds."""
    asked = subprocess.run(bazel_startup() + ["info", "output_base"], cwd=TREE, capture_output=True, text=True,
                           check=False)
    return shutil.disk_usage(asked.stdout.strip() or TREE).free


def bazel_command(stage, events):
    """The command line, and the file of build events as this process sees it."""
    common = ["--keep_going", "--test_summary=none", "--noshow_loading_progress", "--show_progress_rate_limit=10",
              f"--build_event_json_file={events}"] + stage.options
    if stage.debian13:
        script = os.path.join(TREE, "tools", "dev", "debian13.sh")
        cache = subprocess.run([script, "cache"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        events = os.path.join(cache, "events.json")
        common[4] = f"--build_event_json_file={events}"
        return [script, "run", "bazel", f"--output_base={cache}/bazel", "--max_idle_secs=5", "test",
                "--experimental_convenience_symlinks=ignore"] + common + [*stage.targets], events
    flags = shlex.split(os.environ.get("DEV_BAZEL_FLAGS", ""))
    return bazel_startup() + ["test"] + flags + common + [*stage.targets], events


def run_until(command, deadline):
    """Runs a command, interrupted at the deadline (None: never). Returns its status and whether it was interrupted."""
    process = subprocess.Popen(command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        timeout = None if deadline is None else max(1, deadline - time.monotonic())
        return process.wait(timeout), False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(60), True
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(), True


def run_bazel_stage(stage, deadline):
    os.makedirs(EVENTS, exist_ok=True)
    command, events = bazel_command(stage, os.path.join(EVENTS, stage.name.replace(" ", "_") + ".json"))
    if os.path.exists(events):
        os.remove(events)
    status, interrupted = run_until(command, deadline)
    count = test_results.count_events(events)
    if interrupted:
        print(f"{stage.name}: out of time; what it did not reach counts as skipped", flush=True)
        # An interrupted default configuration proves too little to be a success.
        if not stage.optional:
            count.failed += 1
            count.failures.append(f"{stage.name}: not finished in time")
    elif status not in (0, 4) and count.failed == 0:
        count.failed += 1
        count.failures.append(f"{stage.name}: bazel ended with status {status}")
    return count


def run_command_stage(stage):
    log = os.path.join(TREE, ".dev", stage.name.replace(" ", "_") + ".log")
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(stage.command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=out)
        status = process.wait()
    with open(log, encoding="utf-8", errors="replace") as out:
        found = CONFORMANCE_LINE.findall(out.read())
    if not found:
        return test_results.Count(failed=1, failures=[f"{stage.name}: ended with status {status}, no result: {log}"])
    passed, failed, skipped = map(int, found[-1])
    count = test_results.Count(passed, failed, skipped, [f"{stage.name}: {failed} streams: {log}"] if failed else [])
    if status != 0 and failed == 0:
        count.failed = 1
        count.failures.append(f"{stage.name}: ended with status {status}: {log}")
    return count


def run_stage(stage, deadline):
    started = time.monotonic()
    print(f"== {stage.name}", flush=True)
    reason = missing_tool(stage)
    if reason is None and stage.optional and deadline - time.monotonic() < LEAST_FOR_A_STAGE:
        reason = "no time left"
    if reason is None and stage.optional and free_disk() < DISK_FOR_A_STAGE:
        reason = f"less than {DISK_FOR_A_STAGE >> 30} GiB of disk left"
    if reason:
        print(f"{stage.name}: left out, {reason}", flush=True)
        return test_results.Count(skipped=1)
    count = run_command_stage(stage) if stage.command else run_bazel_stage(stage, deadline)
    print(f"{stage.name}: {count} in {time.monotonic() - started:.0f} s", flush=True)
    for figure in count.figures:
        print(f"  {figure}", flush=True)
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=sorted(BUDGET), default="normal")
    parser.add_argument("--only", help="names of stages, separated by commas")
    options = parser.parse_args()
    budget = BUDGET[options.mode]
    deadline = None if budget is None else time.monotonic() + budget
    stages = stages_of(options.mode, os.environ.get("DAEDALUS_CORPUS"))
    if options.only:
        stages = [stage for stage in stages if stage.name in options.only.split(",")]
    total = test_results.Count()
    for stage in stages:
        total.add(run_stage(stage, deadline))
    for failure in total.failures:
        print(f"FAILED {failure}")
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
