#!/usr/bin/env python3
"""Decodes every stream of FOLDER/MANIFEST.tsv with Daedalus and compares the md5 of all frames; asserts from the
statistics pages that Daedalus did decode, and how; feeds FOLDER/robustness/ for crash and hang.

The last line is `conformance FRONT: P passed, F failed, S skipped (reason counts)`. Exit status: 0 nothing failed,
1 something failed, 2 nothing could be run.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import datetime
import fnmatch
import functools
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import fronts
import harness
import manifest
import verdict as verdicts

sys.path.insert(0, os.path.join(harness.ROOT, "test", "vm"))
import in_machine

HERE = os.path.dirname(os.path.realpath(__file__))

# The inverse transform of these may be rounded in more than one right way, so a checksum holds for one decoder.
INEXACT_CODECS = ("mpeg2",)

# How much slower than its host the virtual machine is.
MACHINE_TIME_SCALE = 15.0


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--front", choices=sorted(fronts.FRONTS), required=True)
    parser.add_argument("--engine", default="", help="DAEDALUS_ENGINE, asserted")
    parser.add_argument("--backend", default="", help="DAEDALUS_BACKEND, asserted")
    parser.add_argument("--substrate", default="", help="DAEDALUS_SUBSTRATE, asserted")
    parser.add_argument("--transport", default="", choices=("", "in-process", "cuse"),
                        help="of the V4L2 fronts (default: in-process). cuse: one stream at a time, by the daemon whose "
                        "statistics go to DAEDALUS_STATS, else by one in the virtual machine (exit status 125: none)")
    parser.add_argument("--client", default="stock", choices=("stock", "own"),
                        help="of --front v4l2: ffmpeg, ours only where ffmpeg has a limit; or ours throughout")
    parser.add_argument("--codec", help="only this one: h264, hevc, av1, vp9, vp8, mpeg2")
    parser.add_argument("--match", metavar="GLOB", help="only paths like this")
    parser.add_argument("--list", metavar="FILE", help="only the paths that it names, one a line, each of which must be there")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--sample", type=int, metavar="N", help="N streams, spread over codecs and profiles")
    parser.add_argument("--json", metavar="OUT", help="a row for each stream, for table.py")
    parser.add_argument("--runner-prefix", metavar="CMD", help="before each start of daedalus: qemu-aarch64 …, env …")
    parser.add_argument("--client-prefix", metavar="CMD", help="before each start of the stock client")
    parser.add_argument("--time-scale", type=float, metavar="X",
                        help="multiplies the time limits (default: by sanitizer and --runner-prefix)")
    parser.add_argument("--limits", default=os.path.join(HERE, "client_limits.tsv"), help=argparse.SUPPRESS)
    parser.add_argument("--damaged", default=os.path.join(HERE, "damaged.tsv"), help=argparse.SUPPRESS)
    harness.add_program_options(parser)
    options = parser.parse_args(arguments)
    if options.backend == fronts.LOOPBACK and options.front not in ("va", "replay"):
        parser.error(f"--backend {fronts.LOOPBACK} is for the fronts va and replay: the V4L2 nodes decode in software")
    options.in_machine = options.transport == "cuse" and not os.environ.get("DAEDALUS_STATS")
    if options.transport == "cuse":
        if not options.front.startswith("v4l2"):
            parser.error("--transport is for the V4L2 fronts")
        options.jobs = 1
    if options.in_machine and options.json:
        parser.error("--json: what is written in the virtual machine is gone with it")
    return options


def time_scale(programs):
    return programs.time_scale() * (MACHINE_TIME_SCALE if in_machine.inside() else 1)


class Run:
    """One run over one folder: everything that judging a stream needs."""

    def __init__(self, options):
        self.folder = options.folder
        self.programs = harness.programs_from(options)
        self.asked = fronts.Asked(options.engine, options.backend, options.substrate, options.transport,
                                  options.time_scale or time_scale(self.programs))
        self.front = fronts.front_class(options.front, options.client == "own")(self.programs, self.asked)
        self.limits = {client: manifest.read_client_limits(options.limits, options.front, client)
                       for client in ("ffmpeg", "own")}
        self.hardware_limits = {}
        if self.asked.loopback:
            self.hardware_limits = manifest.read_client_limits(options.limits, options.front, "hardware")
        self.damaged = manifest.read_damaged(options.damaged)

    def row(self, stream):
        """Decodes a stream and says what came of it, as a row of the JSON file."""
        outcome, client = None, self.front.client_name
        try:
            verdict, outcome, client = self.verdict(stream)
        except (harness.Unusable, OSError, ValueError) as error:
            verdict = verdicts.failed(verdicts.PATH, str(error))
        return make_row(stream, verdict, outcome, self.front.name, client, self.asked)

    def verdict(self, stream):
        """(the verdict, the outcome that the row describes, the client that it came from)."""
        chosen = fronts.for_stream(self.front, stream)
        verdict, outcome = self.decode(chosen, stream)
        reason = self.hardware_limit(stream)
        if reason and verdicts.is_excusable(verdict):
            # What does not reach hardware is software's to show.
            software = dataclasses.replace(self.asked, backend="")
            proof, _ = self.decode(type(chosen)(self.programs, software), stream)
            verdict = verdicts.with_client_limit(reason, proof, "software", same_interface=False)
            return verdict, outcome, chosen.client_name
        limits = self.limits[chosen.client_name]
        if stream.path not in limits or not verdicts.is_excusable(verdict):
            return verdict, outcome, chosen.client_name
        substitute, same_interface = fronts.substitute(chosen)
        # Another interface shows that the stream is decoded right; its stages are not those of this one.
        asked = self.asked if same_interface else dataclasses.replace(self.asked, transport="", substrate="")
        front = substitute(self.programs, asked)
        proof, proof_outcome = self.decode(front, stream)
        name = "our own client" if same_interface else front.name
        verdict = verdicts.with_client_limit(limits[stream.path], proof, name, same_interface)
        if same_interface:
            return verdict, proof_outcome, front.client_name
        return verdict, outcome, chosen.client_name

    def hardware_limit(self, stream):
        """The reason of the first line that names the stream, by its path or by a pattern; '': none does."""
        return next((reason for pattern, reason in self.hardware_limits.items()
                     if fnmatch.fnmatch(stream.path, pattern)), "")

    def decode(self, front, stream):
        if stream.robustness:
            outcome = front.feed(self.folder, stream)
            return verdicts.judge_robustness(outcome), outcome
        outcome = front.decode(self.folder, stream)
        verdict = verdicts.judge(stream, outcome, front.asked, stream.path in self.damaged,
                                 functools.partial(self.coded_pictures, stream))
        if verdict.kind == verdicts.WRONG:
            verdict = self.second_look(front, stream, outcome, verdict)
        return verdict, outcome

    def coded_pictures(self, stream):
        if stream.codec == "av1":
            return fronts.coded_frames(self.programs.ffmpeg, os.path.join(self.folder, stream.path))
        if stream.codec not in ("vp8", "vp9"):
            return None
        return fronts.shown_packets(self.programs.ffmpeg, os.path.join(self.folder, stream.path), stream.codec)

    def second_look(self, front, stream, outcome, verdict):
        """Names the first wrong frame, against ffmpeg's software decoder here."""
        theirs = harness.software_frame_hashes(self.programs.ffmpeg, os.path.join(self.folder, stream.path),
                                               stream.codec, stream.pix_fmt, self.limit(stream))
        difference = harness.first_difference(front.frame_hashes(self.folder, stream, outcome), theirs)
        inexact = stream.codec in INEXACT_CODECS and theirs and outcome.frames == stream.frames
        if inexact and not difference:
            return verdicts.Verdict(verdicts.PASSED, detail="exact by this machine's ffmpeg, not by the manifest's")
        if inexact and harness.is_foreign(self.programs.daedalus):
            return self.compare_with_tolerance(front, stream, difference)
        if difference:
            verdict.detail = f"{difference} (against ffmpeg's software decoder)"
        elif theirs:
            verdict.detail = "frames are those of ffmpeg's software decoder here, but not those of the manifest"
        return verdict

    def compare_with_tolerance(self, front, stream, difference):
        """For a program of another architecture, whose inverse transform rounds otherwise than this machine's."""
        with tempfile.TemporaryDirectory(prefix="daedalus.") as scratch:
            ours, theirs = os.path.join(scratch, "ours.yuv"), os.path.join(scratch, "theirs.yuv")
            front.write_raw(self.folder, stream, ours)
            harness.run([*harness.quiet(self.programs.ffmpeg), *harness.input_flags(stream.codec),
                         "-i", os.path.join(self.folder, stream.path), *harness.every_frame_at_its_size(),
                         "-f", "rawvideo", theirs], self.limit(stream))
            largest, share = harness.sample_difference(ours, theirs)
        return verdicts.judge_tolerance(largest, share, difference)

    def limit(self, stream):
        return fronts.time_limit(stream, self.asked.time_scale)


def make_row(stream, verdict, outcome, front, client, asked):
    sessions = outcome.sessions if outcome else []
    return {
        "path": stream.path, "codec": stream.codec, "profile": stream.profile,
        "robustness": stream.robustness, "published": stream.published, "front": front,
        "client": client,
        "engine": "+".join(harness.values(sessions, "engine")) or asked.engine,
        "backend": "+".join(harness.values(sessions, "backend")) or asked.backend,
        "substrate": harness.substrate_text(sessions) if sessions else asked.substrate,
        "result": verdict.result, "kind": verdict.kind, "detail": verdict.detail,
        "frames": outcome.frames if outcome else 0,
        "pictures": harness.total(sessions, "pictures"), "concealed": harness.total(sessions, "concealed"),
        "redecodes": harness.total(sessions, "redecodes"),
        "seconds": round(outcome.finished.seconds, 2) if outcome else 0,
    }


def gather(options):
    """(streams to run, {reason: how many are skipped})."""
    streams = manifest.read_manifest(options.folder) + manifest.read_robustness(options.folder)
    if options.list:
        streams = manifest.listed(streams, options.list)
    streams = manifest.selected(streams, options.codec, options.match)
    reasons = collections.Counter(manifest.skip_reason(stream) for stream in streams)
    reasons.pop("", None)
    runnable = [stream for stream in streams if not manifest.skip_reason(stream)]
    if options.sample is not None:
        runnable = manifest.sampled(runnable, options.sample)
    return runnable, reasons


def run_all(run, streams, jobs):
    rows = []
    progress = harness.Progress(len(streams))
    failures = 0
    # The longest first, so that none is left alone at the end.
    ordered = sorted(streams, key=lambda stream: -fronts.time_limit(stream, 1))
    with concurrent.futures.ThreadPoolExecutor(max(jobs, 1)) as pool:
        futures = {pool.submit(run.row, stream): stream for stream in ordered}
        try:
            waiting = set(futures)
            while waiting:
                done, waiting = concurrent.futures.wait(waiting, timeout=1,
                                                        return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    row = future.result()
                    rows.append(row)
                    if row["result"] == verdicts.FAILED:
                        failures += 1
                        progress.say(f"FAILED {row['path']}: {row['kind']}: {row['detail']}")
                    elif row["result"] == verdicts.SKIPPED:
                        progress.say(f"skipped {row['path']}: {row['kind']}: {row['detail']}")
                    elif row["detail"]:
                        progress.say(f"passed {row['path']}: {row['detail']}")
                progress.update(len(rows), f"{failures} failed")
        except BaseException:
            harness.stop_all()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    progress.finish()
    return sorted(rows, key=lambda row: row["path"])


def summary(front, rows, reasons):
    results = collections.Counter(row["result"] for row in rows)
    reasons = reasons + collections.Counter(row["kind"] for row in rows if row["result"] == verdicts.SKIPPED)
    text = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
    return (f"conformance {front}: {results[verdicts.PASSED]} passed, {results[verdicts.FAILED]} failed, "
            f"{sum(reasons.values())} skipped ({text})")


def write_json(path, options, rows, reasons):
    document = {
        "front": options.front, "date": datetime.date.today().isoformat(), "machine": harness.machine_text(),
        "runner_prefix": options.runner_prefix or "", "sample": options.sample,
        "skipped": dict(sorted(reasons.items())),
        "streams": rows,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def main(arguments=None):
    options = parse_arguments(arguments)
    if not options.in_machine:
        return conform(options)
    in_machine.enter(0, "--memory", "2048", or_skip=False)
    with in_machine.Daemon("--av1") as daemon:
        os.environ["DAEDALUS_STATS"] = daemon.folder
        return conform(options)


def conform(options):
    try:
        if options.front == "va":
            harness.ensure_render_node()
        run = Run(options)
        run.programs.check(needs_driver=options.front == "va")
        streams, reasons = gather(options)
        if not streams:
            raise harness.Unusable(f"no stream of an advertised profile is chosen in {options.folder}")
        rows = run_all(run, streams, options.jobs)
    except (harness.Unusable, OSError, ValueError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if options.json:
        write_json(options.json, options, rows, reasons)
    print(summary(options.front, rows, reasons), flush=True)
    return 1 if any(row["result"] == verdicts.FAILED for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
