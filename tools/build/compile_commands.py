#!/usr/bin/env python3
"""Writes compile_commands.json at the root of the tree, from what Bazel would run.

    bazel aquery 'mnemonic("CppCompile", //...)' --output=jsonproto | compile_commands.py EXECROOT OUTPUT_BASE

Commands are made relative to the tree, not to Bazel's execution root, so that editors and clang-tidy find the
project's own files and its .clang-tidy; only what Bazel made (external/, bazel-out/) is named by its full path.
"""

import json
import os
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Options of g++ that clang does not know.
GCC_ONLY = {"-fno-canonical-system-headers", "-Wlogical-op", "-Wduplicated-cond", "-Wshadow=local",
            "-Wno-free-nonheap-object", "-Wunused-but-set-parameter"}


def absolute(path, execroot, output_base):
    if path.startswith("external/"):
        return os.path.join(output_base, path)
    if path.startswith("bazel-out/"):
        return os.path.join(execroot, path)
    return path


def translated(arguments, execroot, output_base):
    """The command without outputs, dependency files and gcc's own options."""
    result = [arguments[0]]
    skip = False
    for argument in arguments[1:]:
        if skip:
            skip = False
        elif argument in ("-o", "-MF"):
            skip = True
        elif argument in GCC_ONLY or argument in ("-MD", "-c") or argument.startswith("-frandom-seed="):
            continue
        elif argument.startswith("-I") and argument != "-I":
            result.append("-I" + absolute(argument[2:], execroot, output_base))
        else:
            result.append(absolute(argument, execroot, output_base))
    return result


def main():
    execroot, output_base = sys.argv[1:3]
    commands = {}
    for action in json.load(sys.stdin).get("actions", []):
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        if source.startswith(("external/", "bazel-out/")):
            continue
        commands[source] = {
            "directory": TREE,
            "file": source,
            "arguments": translated(arguments, execroot, output_base) + ["-fsyntax-only"],
        }
    with open(os.path.join(TREE, "compile_commands.json"), "w", encoding="utf-8") as out:
        json.dump([commands[source] for source in sorted(commands)], out, indent=1)
    print(f"compile_commands.json: {len(commands)} files", file=sys.stderr)


if __name__ == "__main__":
    main()
