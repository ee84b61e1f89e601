"""What there is to decode: MANIFEST.tsv, the names of its profiles, the files of robustness/, and which of it is run."""

import csv
import fnmatch
import os
from dataclasses import dataclass, replace

ROBUSTNESS = "robustness"

# The profiles that the driver advertises, as this module spells them. A stream of one of these that is not
# decoded by us is a failure, of any other a skip.
ADVERTISED = {
    "h264": ("Constrained Baseline", "Main", "High"),
    "vp9": ("Profile 0", "Profile 2"),
    "vp8": ("Version 0-3",),
    "mpeg2": ("Simple", "Main"),
    "hevc": ("Main", "Main 10", "Main Still Picture"),
    "av1": ("Main",),
}
# What the advertised profiles may carry: 8 bits (10 in VP9 profile 2 and HEVC Main 10, both in AV1 Main), 4:2:0; H.264
# High and AV1 Main also 4:0:0.
PIXEL_FORMATS = {
    ("h264", "High"): ("yuv420p", "gray"),
    ("vp9", "Profile 2"): ("yuv420p10le",),
    ("hevc", "Main 10"): ("yuv420p10le", "yuv420p"),
    ("av1", "Main"): ("yuv420p", "yuv420p10le", "gray"),
}


@dataclass(frozen=True)
class Stream:
    """One row of the manifest (md5 set), or one file of robustness/ (md5 empty)."""

    path: str  # relative to the folder
    codec: str
    profile: str = ""  # normalised
    pix_fmt: str = ""
    width: int = 0  # luma samples, of the first frame; 0: not known
    height: int = 0
    frames: int = 0
    md5: str = ""
    published: bool = False
    tools: str = ""  # of the codec, that it uses
    notes: str = ""

    @property
    def robustness(self):
        return not self.md5

    @property
    def group(self):
        return (ROBUSTNESS, "") if self.robustness else (self.codec, self.profile)


def normalised_profile(codec, profile):
    """One spelling for what manifests call '0', 'Profile 0', 'profile0' or, for VP8, a version."""
    name = " ".join(profile.split())
    digits = name.lower().replace("profile", "").strip()
    if codec == "vp8":
        return "Version 0-3" if digits in ("0", "1", "2", "3") else name
    if codec == "vp9" and digits.isdigit():
        return f"Profile {int(digits)}"
    if codec == "h264":
        spelt = name.lower().replace("-", " ")
        for known in ("Constrained Baseline", "Baseline", "Main", "Extended", "High"):
            if spelt == known.lower():
                return known
    if codec == "hevc":
        for known in ("Main", "Main 10", "Main Still Picture"):
            if name.lower().replace(" ", "") == known.lower().replace(" ", ""):
                return known
    if codec == "mpeg2" and name.lower() in ("simple", "main"):
        return name.capitalize()
    return name


def normalised_codec(codec):
    name = codec.strip().lower()
    return {"h.264": "h264", "avc": "h264", "h.265": "hevc", "h265": "hevc", "mpeg2video": "mpeg2"}.get(name, name)


def known_size(cell):
    """A number of luma samples; '-' is 0, not known."""
    return 0 if cell == "-" else int(cell)


def read_corrections(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "corrections.tsv")):
    """What manifests get wrong: path → the right values, by the names of Stream."""
    columns = ("path", "profile", "pix_fmt", "width", "height", "frames")
    number = {"width", "height", "frames"}
    return {row["path"]: {name: int(row[name]) if name in number else row[name] for name in columns[1:]}
            for row in read_table(path, columns)}


def read_manifest(folder):
    """Every stream of FOLDER/MANIFEST.tsv, corrected. ValueError, with the line, where a row cannot be understood."""
    path = os.path.join(folder, "MANIFEST.tsv")
    corrections = read_corrections()
    streams = []
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(rows, start=2):
            try:
                codec = normalised_codec(row["codec"])
                stream = Stream(
                    path=row["path"],
                    codec=codec,
                    profile=normalised_profile(codec, row["profile"]),
                    pix_fmt=row["pix_fmt"],
                    width=known_size(row["width"]),
                    height=known_size(row["height"]),
                    frames=int(row["frames"]),
                    md5=row["md5"].strip().lower(),
                    published=row.get("published", "") == "yes",
                    tools=row.get("tools") or "",
                    notes=row.get("notes") or "",
                )
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ValueError(f"{path}:{number}: {error!r}") from error
            if len(stream.md5) != 32:
                raise ValueError(f"{path}:{number}: md5 is {stream.md5!r}")
            streams.append(replace(stream, **corrections.get(stream.path, {})))
    return streams


def guessed_codec(path):
    """The codec that a malformed file was made for, by its folder and ending; '' where neither tells."""
    name = path.lower()
    endings = {".264": "h264", ".h264": "h264", ".jsv": "h264", ".265": "hevc", ".hevc": "hevc", ".obu": "av1",
               ".av1": "av1", ".vp9": "vp9", ".vp8": "vp8", ".m2v": "mpeg2", ".mpg": "mpeg2"}
    for ending, codec in endings.items():
        if name.endswith(ending):
            return codec
    for codec in ("h264", "hevc", "av1", "vp9", "vp8", "mpeg2"):
        if codec in os.path.dirname(name):
            return codec
    return ""


def read_robustness(folder):
    found = []
    for parent, _, names in os.walk(os.path.join(folder, ROBUSTNESS)):
        for name in names:
            path = os.path.relpath(os.path.join(parent, name), folder)
            found.append(Stream(path=path, codec=guessed_codec(path)))
    return sorted(found, key=lambda stream: stream.path)


def skip_reason(stream):
    """Why the stream is not run, '' where it is."""
    if stream.robustness:
        return ""
    if stream.codec not in ADVERTISED:
        return stream.codec
    if stream.profile not in ADVERTISED[stream.codec]:
        return f"{stream.codec} {stream.profile}"
    allowed = PIXEL_FORMATS.get((stream.codec, stream.profile), ("yuv420p",))
    if stream.pix_fmt not in allowed:
        return f"{stream.codec} {stream.pix_fmt}"
    return ""


def selected(streams, codec=None, match=None):
    """Those that --codec and --match name, whatever their profile."""
    if codec:
        streams = [stream for stream in streams if stream.codec == normalised_codec(codec)]
    if match:
        streams = [stream for stream in streams if fnmatch.fnmatch(stream.path, match)]
    return list(streams)


def listed(streams, path):
    """Those that the checked-in list names. ValueError where it names one that is not there."""
    wanted = {row["path"] for row in read_table(path, ("path",))}
    missing = wanted - {stream.path for stream in streams}
    if missing:
        raise ValueError(f"{path}: not in the folder: {' '.join(sorted(missing))}")
    return [stream for stream in streams if stream.path in wanted]


def sampled(streams, count):
    """`count` streams, the same ones every time: each codec and profile gets its turn until all are chosen, and
    inside a group the chosen ones are spread evenly over the sorted paths."""
    groups = {}
    for stream in sorted(streams, key=lambda stream: stream.path):
        groups.setdefault(stream.group, []).append(stream)
    share = {group: 0 for group in groups}
    left = min(count, len(streams))
    while left > 0:
        for group in sorted(groups):
            if left > 0 and share[group] < len(groups[group]):
                share[group] += 1
                left -= 1
    chosen = []
    for group, members in groups.items():
        size = share[group]
        # The middle of each of `size` equal stretches.
        chosen += [members[(2 * i + 1) * len(members) // (2 * size)] for i in range(size)]
    return sorted(chosen, key=lambda stream: stream.path)


def read_table(path, columns):
    """The rows of a checked-in list: tab separated, '#' starts a comment line."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.rstrip("\n").split("\t")
            if len(cells) != len(columns) or not all(cell.strip() for cell in cells):
                raise ValueError(f"{path}:{number}: {len(columns)} tab-separated cells wanted: {' '.join(columns)}")
            rows.append(dict(zip(columns, cells)))
    return rows


def read_client_limits(path, front, client="ffmpeg"):
    """Streams that this client of the front itself cannot feed: path → reason."""
    rows = read_table(path, ("path", "front", "client", "reason"))
    return {row["path"]: f"{client}: {row['reason']}" for row in rows
            if row["front"] == front and row["client"] == client}


def read_damaged(path):
    """Streams that are known to be damaged, where a decoder may conceal: path → what is wrong with it."""
    return {row["path"]: row["damage"] for row in read_table(path, ("path", "damage"))}
