#!/usr/bin/env python3
"""Stands in for daedalus, for ffmpeg and for our V4L2 clients in runner_test.py. A fake stream is a JSON file
that says what shall happen:

    {"frames": 5, "va": "good", "replay": "good", "v4l2": "good", "request": "good", "own": "good", ...}

`good`; `wrong` (frame 3 differs); `short` (the last frame is missing); `software` (nothing of ours decodes);
`partly` (we decode all but one picture); `crash`; `hang`; `report` (a sanitizer's, of ours), `client report` (of the
client); `refusal` (a sanitizer does not start); `status` (exits 1); `error`, `concealed`, `twice` (counted in the
statistics page); `engine` (another engine than asked); `client` (over CUSE: decoded in the client and not by the
daemon); with hardware:loopback `no hardware`, `no device`, `device error` and `device lacks one`
(picture). A statistics page is a JSON file.
"""

import hashlib
import json
import os
import signal
import sys
import time


def frame_md5(index, wrong):
    return hashlib.md5(f"{index}{'x' if wrong else ''}".encode()).hexdigest()


def frames_of(stream, act):
    count = stream["frames"] - (act == "short")
    return [frame_md5(index, act == "wrong" and index >= 3) for index in range(count)]


def total_md5(frames):
    return hashlib.md5("".join(frames).encode()).hexdigest()


def write_statistics(front, stream, act):
    if act == "software":
        return
    page = {
        "pid": os.getpid(), "session": 1, "front": front, "codec": "h264", "backend": backend(act),
        "program": "daedalusd" if os.environ.get("TRANSPORT") == "cuse" and act != "client" else "client",
        "engine": "other" if act == "engine" else os.environ.get("DAEDALUS_ENGINE", "libavcodec"),
        "pictures": stream.get("pictures", stream["frames"]) - (act == "partly"), "errors": int(act == "error"),
        "concealed": int(act == "concealed"), "redecodes": int(act == "twice"), "substrate": stream.get("substrate", {"pack": "AVX2"}),
        "gpu_failures": int(act == "gpu failure"),
    }
    write_page(page)
    if page["backend"] == "hardware" and act != "no device":
        errors = int(act == "device error")
        few = int(act == "device lacks one")
        write_page({**page, "session": 2, "front": "v4l2-request", "backend": "software", "engine": "libavcodec",
                    "errors": errors, "pictures": page["pictures"] - few})


def write_page(page):
    name = f"{page['pid']}-{page['session']}.page"
    with open(os.path.join(os.environ["DAEDALUS_STATS"], name), "w", encoding="utf-8") as file:
        json.dump(page, file)


def backend(act):
    """hardware:loopback needs the nodes of `daedalus run`."""
    looped = os.environ.get("DAEDALUS_BACKEND") == "hardware:loopback" and os.environ.get("TRANSPORT") == "in-process"
    return "hardware" if looped and act != "no hardware" else "software"


def misbehave(act):
    if act == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "hang":
        time.sleep(600)
    if act in ("report", "client report"):
        print("==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1", file=sys.stderr)
        print("    #0 0x7f in memcpy (/lib/libasan.so.8)", file=sys.stderr)
        where = "daedalus::core::decode(int) decode_core/x.cc:1" if act == "report" else "scale (/lib/libswscale.so.6)"
        print(f"    #1 0x7f in {where}", file=sys.stderr)
        sys.exit(1)
    if act == "refusal":
        print("==1==ASan runtime does not come first in initial library list", file=sys.stderr)
        sys.exit(1)
    if act == "status":
        print("cannot decode this", file=sys.stderr)
        sys.exit(1)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def daedalus(arguments):
    if arguments[:2] == ["stats", "--json"]:
        folder = arguments[2]
        print(json.dumps([load(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]))
        return
    if arguments[0] == "run":  # its transport becomes visible
        os.environ["TRANSPORT"] = arguments[2]
        command = arguments.index("--") + 1
        os.environ["RUN_OPTIONS"] = " ".join(arguments[3:command - 1])
        os.execvp(arguments[command], arguments[command:])
    print_hashes("replay", "replay", arguments)


def stateless_client(arguments):
    """Only under `daedalus run`."""
    if os.environ.get("TRANSPORT") in ("in-process", "cuse"):
        print_hashes("v4l2-request", "request", arguments)


def stateful_client(arguments):
    """Likewise; and it must be told the CAPTURE format of the stream's planes, the node that it has AV1."""
    stream = load(arguments[-2])
    listed = stream.get("codec") != "av1" or os.environ.get("RUN_OPTIONS") == "--av1"
    told = arguments[:2] == ["--format", stream.get("format", "YU12")]
    if os.environ.get("TRANSPORT") in ("in-process", "cuse") and told and listed:
        print_hashes("v4l2", "own", arguments)


def print_hashes(front, key, arguments):
    stream = load(next(word for word in arguments if word.endswith(".stream")))
    act = stream.get(key, "good")
    write_statistics(front, stream, act)
    misbehave(act)
    frames = frames_of(stream, act)
    if "--md5" in arguments:
        print(f"md5 {total_md5(frames)} frames {len(frames)}")
    else:
        for index, md5 in enumerate(frames):
            print(f"{index},16,16,{md5}")


def ffmpeg(arguments):
    stream = load(arguments[arguments.index("-i") + 1])
    if "framecrc" in arguments:
        for index, size in enumerate(stream["packets"]):
            print(f"0, {index}, {index}, 1, {size}, 0x0")
        return
    if arguments[-2] == "-i":  # no output: what is it?
        print(f"  Stream #0:0: Video: {stream.get('codec', 'h264')} (High)", file=sys.stderr)
        sys.exit(1)
    by_node = any(word.endswith("_v4l2m2m") for word in arguments) and "TRANSPORT" in os.environ
    by_driver = "-hwaccel" in arguments or by_node
    front = "v4l2" if by_node else "va"
    act = stream.get(front, "good") if by_driver else "good"
    if by_driver:
        write_statistics(front, stream, act)
        misbehave(act)
    frames = frames_of(stream, act)
    hashes = arguments[-1]
    if by_driver:
        if "tee" not in arguments:
            return
        total, hashes = (part.partition("]")[2] for part in arguments[-1].split("|"))
        with open(total, "w", encoding="ascii") as file:
            file.write(f"MD5={total_md5(frames)}\n")
    with open(hashes, "w", encoding="ascii") as file:
        file.write("#format: frame checksums\n")
        for index, md5 in enumerate(frames):
            file.write(f"0, {index}, {index}, 1, 384, {md5}\n")


if __name__ == "__main__":
    acts = {"daedalus": daedalus, "ffmpeg": ffmpeg, "stateless_client": stateless_client,
            "stateful_client": stateful_client}
    acts[os.path.basename(sys.argv[0])](sys.argv[1:])
