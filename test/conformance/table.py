#!/usr/bin/env python3
"""Writes the table of what works into README.md, from the JSON files of conformance runs.

    table.py OUT.json... [--file README.md] [--check]
"""

import argparse
import collections
import json
import os
import sys

BEGIN = "<!-- conformance table: made by test/conformance/table.py, do not edit -->"
END = "<!-- end of conformance table -->"
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
NAMES = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "vp8": "VP8", "mpeg2": "MPEG-2", "av1": "AV1"}
ORDER = list(NAMES)


def markdown(documents):
    """One row for each codec × profile × front × engine × substrate. A stream that failed before anything of ours
    ran counts in the row of its codec, profile and front that ran most."""
    rows = [row for document in documents for row in document["streams"]]
    ran = collections.defaultdict(collections.Counter)
    for row in rows:
        if row["engine"] and not row["robustness"]:
            ran[place(row)][(row["engine"], row["substrate"])] += 1
    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        if row["robustness"]:
            how = ("", "")
        else:
            usual = ran[place(row)].most_common(1)
            how = (row["engine"], row["substrate"]) if row["engine"] else usual[0][0] if usual else ("-", "-")
        counts[(*place(row), *how)][row["kind"] if row["result"] == "skipped" else row["result"]] += 1
        counts[(*place(row), *how)]["streams"] += 1
        counts[(*place(row), *how)]["own"] += row["result"] == "passed" and row["kind"] == "client-limit"
    lines = ["| codec | profile | front | engine | substrate | bit-exact |", "|---|---|---|---|---|---|"]
    for key in sorted(counts, key=lambda key: (ORDER.index(key[0]) if key[0] in ORDER else len(ORDER), *key[1:])):
        codec, profile, front, engine, substrate = key
        count = counts[key]
        note = notes(count["client-limit"], count["own"])
        if codec == "robustness":
            text = f"| malformed input | | {front} | | | {count['passed']}/{count['streams']} without crash or hang |"
        else:
            text = (f"| {NAMES.get(codec, codec)} | {profile} | {front} | {engine} | {substrate} "
                    f"| {count['passed']}/{count['streams']}{note} |")
        lines.append(text)
    return "\n".join(lines) + "\n"


def notes(limits, own):
    """What stock clients could not do: streams that no client of the interface decoded, and those that ours did."""
    parts = []
    if limits:
        parts.append(f"{limits} client limit{'s' if limits > 1 else ''}")
    if own:
        parts.append(f"{own} through our own client: client limit{'s' if own > 1 else ''} of ffmpeg")
    return f" ({'; '.join(parts)})" if parts else ""


def place(row):
    if row["robustness"]:
        return ("robustness", "", row["front"])
    return (row["codec"], row["profile"], row["front"])


def provenance(documents):
    runs = sorted({(document["date"], document["machine"]) for document in documents})
    return "\nTaken " + "; ".join(f"{date} on {machine}" for date, machine in runs) + ".\n"


def replaced(text, new, begin=BEGIN, end=END):
    """`text` with `new` between the markers, each of which must be there once."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the file must hold these two lines once: {begin} {end}")
    head, rest = text.split(begin)
    return f"{head}{begin}\n{new}{end}{rest.split(end)[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="OUT.json")
    parser.add_argument("--file", default=os.path.join(ROOT, "README.md"))
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the table is out of date")
    options = parser.parse_args()
    documents = []
    for path in options.runs:
        with open(path, encoding="utf-8") as file:
            documents.append(json.load(file))
    with open(options.file, encoding="utf-8") as file:
        text = file.read()
    new = replaced(text, markdown(documents) + provenance(documents))
    if options.check:
        return 0 if new == text else 1
    with open(options.file, "w", encoding="utf-8") as file:
        file.write(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
