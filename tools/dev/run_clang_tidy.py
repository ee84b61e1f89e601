#!/usr/bin/env python3
"""Runs clang-tidy over compile_commands.json (or those of its files that are named), with progress.

Prints what it found; exit status 1 if that was anything.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tidy(path):
    """clang-tidy's findings about one file; without --config-file it may silently fall back to its defaults."""
    run = subprocess.run(
        ["clang-tidy", "--quiet", f"--config-file={TREE}/.clang-tidy", "--warnings-as-errors=*", "-p", TREE, path],
        cwd=TREE, capture_output=True, text=True, check=False)
    return path, run.returncode, run.stdout + (run.stderr if run.returncode and not run.stdout else "")


def main():
    with open(os.path.join(TREE, "compile_commands.json"), encoding="utf-8") as commands:
        known = [command["file"] for command in json.load(commands)]
    wanted = {os.path.relpath(name, TREE) if os.path.isabs(name) else os.path.normpath(name) for name in sys.argv[1:]}
    paths = [path for path in known if not wanted or path in wanted]
    failed = []
    last_report = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(tidy, path) for path in paths]
        for done, job in enumerate(concurrent.futures.as_completed(jobs), start=1):
            path, status, text = job.result()
            if status:
                failed.append(path)
                print(text, flush=True)
            if time.monotonic() - last_report > 5:
                last_report = time.monotonic()
                print(f"clang-tidy: {done} of {len(paths)} files, {len(failed)} with findings", file=sys.stderr)
    print(f"clang-tidy: {len(paths)} files, {len(failed)} with findings", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
