#!/usr/bin/env python3
"""Decodes video with stock ffmpeg through the Daedalus VA-API driver and compares every frame with what ffmpeg's own
software decoder makes of it. Without FILE: the sample clips of test/data.

Exit status 0 only where every frame of every file was decoded by Daedalus and is right, bit for bit.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test", "conformance"))
import harness
import manifest

ENDINGS = ("mp4", "webm", "mpg", "mkv", "ivf")
NO_LIMIT = 24 * 3600
SHEET_FRAMES = 6
SHEET_STEP = 250  # frames at most between two of them: a whole film need not be decoded once more
SHEET_CELL = (192, 108)  # pixels
TIMED_FRAMES = 600  # about so many are decoded for each fps figure


@dataclass
class Clip:
    path: str
    codec: str = ""
    width: int = 0
    height: int = 0
    pix_fmt: str = ""
    frames: int = 0  # as the container says, 0 where it does not; later as counted
    fault: str = ""  # why it is not exact; '' where it is
    engine: str = "-"
    substrate: str = "-"
    driver_fps: float = 0
    plain_fps: float = 0

    @property
    def planar_format(self):
        """What the hashes are taken over: the same samples as `pix_fmt`, range aside."""
        return self.pix_fmt.replace("yuvj", "yuv")


def probe(path, ffprobe):
    finished = harness.run([ffprobe, "-v", "error", "-select_streams", "v:0", "-of", "json", "-show_entries",
                            "stream=codec_name,width,height,pix_fmt,nb_frames,avg_frame_rate:format=duration", path], 60)
    found = json.loads(finished.out or "{}")
    if not found.get("streams"):
        raise harness.Unusable(f"{path}: {finished.last_error or 'no video in it'}")
    video = found["streams"][0]
    clip = Clip(path, video["codec_name"], video["width"], video["height"], video.get("pix_fmt", ""))
    clip.frames = int(video.get("nb_frames") or 0) or estimated_frames(video, found.get("format", {}))
    return clip


def estimated_frames(video, container):
    try:
        over, under = (int(part) for part in video["avg_frame_rate"].split("/"))
        return round(float(container["duration"]) * over / under)
    except (KeyError, ValueError, ZeroDivisionError):
        return 0


class Demo:
    def __init__(self, options):
        self.programs = harness.programs_from(options)
        self.threads = options.threads
        self.out = options.out
        self.scratch = tempfile.mkdtemp(prefix="daedalus.")

    def driver_environment(self, statistics):
        return {**self.programs.client_environment(), "DAEDALUS_THREADS": str(self.threads),
                "DAEDALUS_STATS": statistics}

    def ffmpeg(self, clip, arguments, label, environment=None):
        """Runs ffmpeg with a progress bar for `clip`."""
        report = os.path.join(self.scratch, "progress")
        open(report, "w", encoding="ascii").close()
        command = [*harness.quiet(self.programs.ffmpeg), "-progress", report, "-stats_period", "0.2", *arguments]
        progress = harness.Progress(clip.frames)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(harness.run, command, NO_LIMIT, environment)
            try:
                while not concurrent.futures.wait([job], timeout=0.2).done:
                    progress.update(min(last_number("frame", report), clip.frames or 1 << 30), label)
            except BaseException:
                harness.stop_all()
                raise
        progress.finish()
        return job.result()

    def va_input(self, clip, strict):
        return harness.va_input(self.programs.render_node, clip.codec, strict)

    def hashes_through_driver(self, clip):
        hashes = os.path.join(self.scratch, "driver")
        statistics = tempfile.mkdtemp(dir=self.scratch)
        finished = self.ffmpeg(clip, [
            *self.va_input(clip, strict=True), *harness.input_flags(clip.codec), "-i", clip.path,
            *harness.every_frame_at_its_size(), "-vf", harness.download_filter(clip.planar_format),
            "-pix_fmt", clip.planar_format, "-c:v", "rawvideo", "-f", "framemd5", "-y", hashes],
            "frames through the driver", self.driver_environment(statistics))
        return finished, harness.frame_hashes(hashes), harness.read_statistics(self.programs, statistics)

    def hashes_of_software(self, clip):
        hashes = os.path.join(self.scratch, "software")
        self.ffmpeg(clip, [
            *harness.input_flags(clip.codec), "-i", clip.path, *harness.every_frame_at_its_size(), "-c:v", "rawvideo",
            "-f", "framemd5", "-y", hashes], "frames of ffmpeg's software decoder, to compare")
        return harness.frame_hashes(hashes)

    def compare(self, clip):
        finished, ours, sessions = self.hashes_through_driver(clip)
        pictures = harness.total(sessions, "pictures")
        if pictures:
            clip.engine = "+".join(harness.values(sessions, "engine"))
            clip.substrate = harness.substrate_text(sessions)
        if finished.crash:
            clip.fault = f"crash: {finished.crash}"
        elif not pictures or harness.values(sessions, "front") != ["va"]:
            clip.fault = f"not decoded by Daedalus: {self.why_not(clip, finished)}"
        elif finished.status != 0:
            clip.fault = f"ffmpeg failed: {finished.last_error}"
        else:
            clip.frames = len(ours)
            clip.fault = "no frame came out" if not ours else ""
            clip.fault = clip.fault or harness.first_difference(ours, self.hashes_of_software(clip))
        errors = harness.total(sessions, "errors")
        if errors and not clip.fault:
            clip.fault = f"right, but the driver counted {errors} errors"

    def why_not(self, clip, finished):
        decoded = ", ".join(f"{codec} ({', '.join(profiles)})" for codec, profiles in manifest.ADVERTISED.items())
        if manifest.normalised_codec(clip.codec) not in manifest.ADVERTISED:
            return f"it decodes {decoded}, not {clip.codec}"
        return f"it decodes {decoded}; this is {clip.codec} {clip.pix_fmt}. ffmpeg says: {finished.last_error}"

    def measure(self, clip):
        """Frames per second, each frame downloaded into ffmpeg's memory but neither converted nor written."""
        loops = max(TIMED_FRAMES // max(clip.frames, 1) - 1, 0)
        source = ["-stream_loop", str(loops), "-i", clip.path, "-map", "0:v:0", "-fps_mode", "passthrough",
                  "-frames:v", str(TIMED_FRAMES), "-f", "null", "-"]
        statistics = tempfile.mkdtemp(dir=self.scratch)
        clip.driver_fps = self.frames_per_second(
            clip, [*self.va_input(clip, strict=False), *source], "timing the driver",
            self.driver_environment(statistics))
        clip.plain_fps = self.frames_per_second(
            clip, ["-threads", str(self.threads), "-thread_type", "slice", *source], "timing plain ffmpeg")

    def frames_per_second(self, clip, arguments, label, environment=None):
        finished = self.ffmpeg(clip, ["-loglevel", "info", "-benchmark", *arguments], label, environment)
        seconds = re.search(r"rtime=([\d.]+)s", finished.err)
        count = last_number("frame", os.path.join(self.scratch, "progress"))
        return count / float(seconds.group(1)) if seconds and float(seconds.group(1)) else 0

    def sheet_row(self, clip, index):
        """A row of pictures spread over the clip's beginning, of the frames that came from the driver."""
        row = os.path.join(self.scratch, f"row{index}.png")
        step = min(max(clip.frames // SHEET_FRAMES, 1), SHEET_STEP)
        width, height = SHEET_CELL
        form = "p010le" if clip.planar_format.endswith("10le") else "nv12"
        chain = (f"hwdownload,format={form},select=not(mod(n\\,{step})),"
                 f"scale={width}:{height}:force_original_aspect_ratio=decrease,"
                 f"pad={width}:{height}:-1:-1,format=rgb24,tile={SHEET_FRAMES}x1")
        statistics = tempfile.mkdtemp(dir=self.scratch)
        self.ffmpeg(clip, [*self.va_input(clip, strict=True), "-i", clip.path, "-map", "0:v:0",
                           "-vf", chain, "-fps_mode", "passthrough", "-frames:v", "1", "-y", row], "contact sheet",
                    self.driver_environment(statistics))
        return row if os.path.exists(row) else None

    def contact_sheet(self, clips):
        rows = [self.sheet_row(clip, index) for index, clip in enumerate(clips) if clip.engine != "-"]
        rows = [row for row in rows if row]
        if not rows:
            return None
        os.makedirs(self.out, exist_ok=True)
        sheet = os.path.join(self.out, "contact_sheet.png")
        inputs = [word for row in rows for word in ("-i", row)]
        stack = ["-filter_complex", f"vstack=inputs={len(rows)}"] if len(rows) > 1 else []
        finished = harness.run([*harness.quiet(self.programs.ffmpeg), *inputs, *stack, "-frames:v", "1", "-y", sheet], 60)
        if finished.status != 0:
            raise harness.Unusable(f"contact sheet: {finished.last_error}")
        return sheet


def last_number(name, report):
    with open(report, encoding="ascii", errors="replace") as file:
        found = re.findall(rf"^{name}=\s*(\d+)", file.read(), re.MULTILINE)
    return int(found[-1]) if found else 0


def print_table(clips, threads):
    head = ["clip", "codec", "size", "frames", "bit-exact", "fps driver", "fps ffmpeg", "engine", "substrate"]
    rows = [[os.path.basename(clip.path), clip.codec, f"{clip.width}x{clip.height}", str(clip.frames),
             "NO" if clip.fault else "yes", f"{clip.driver_fps:.0f}", f"{clip.plain_fps:.0f}",
             clip.engine, clip.substrate] for clip in clips]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print(f"fps: stock ffmpeg with -hwaccel vaapi and each frame read back, against ffmpeg's own decoder with the same "
          f"{threads} slice thread{'s' if threads > 1 else ''}.")
    for clip in clips:
        if clip.fault:
            print(f"{os.path.basename(clip.path)}: {clip.fault}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--out", metavar="FOLDER", default=os.path.join(ROOT, "demo_out"), help="of the contact sheet")
    parser.add_argument("--ffprobe", metavar="PATH", default="ffprobe")
    harness.add_program_options(parser)
    return parser.parse_args()


def show(options):
    harness.ensure_render_node()
    demo = Demo(options)
    try:
        demo.programs.check(needs_driver=True)
        paths = options.files or sorted(
            path for ending in ENDINGS for path in glob.glob(os.path.join(ROOT, "test", "data", f"*.{ending}")))
        clips = [probe(path, options.ffprobe) for path in paths]
        if not options.files:  # of the samples those that this driver decodes
            clips = [clip for clip in clips if manifest.normalised_codec(clip.codec) in manifest.ADVERTISED]
        if not clips:
            raise harness.Unusable("no sample clips in test/data")
        print(f"render node: {harness.render_node_text()}")
        print(f"driver: {os.path.join(demo.programs.driver, harness.DRIVER_FILE)}")
        for clip in clips:
            demo.compare(clip)
            if clip.engine != "-":
                demo.measure(clip)
        sheet = demo.contact_sheet(clips)
    finally:
        shutil.rmtree(demo.scratch, ignore_errors=True)
    print_table(clips, demo.threads)
    if sheet:
        print(f"contact sheet of the driver's frames, a row for each clip in that order: {sheet}")
    return 1 if any(clip.fault for clip in clips) else 0


def main():
    try:
        return show(parse_arguments())
    except (harness.Unusable, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
