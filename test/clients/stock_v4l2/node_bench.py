"""What the cases share: running a client under `daedalus run`, and the node's count of what it decoded."""

import os
import shutil
import signal
import subprocess
import tempfile

import workbench
from workbench import Failure, Skip

# What libavcodec has V4L2 decoders for.
CLIPS = tuple(clip for clip in workbench.CLIPS if clip.bits == 8 and clip.codec != "av1")


def expect_decoded_by_node(run, codec, frames):
    """Every frame came from the node, and none was damaged."""
    sessions = [session for session in run.statistics if session["pictures"] > 0]
    if not sessions:
        raise Failure("the node decoded nothing: the client used another decoder")
    for session in sessions:
        if session["front"] != "v4l2" or session["codec"] != codec:
            raise Failure(f"{session['front']} {session['codec']} instead of v4l2 {codec}")
        if session["errors"] or session["concealed"]:
            raise Failure(f"{session['errors']} errors, {session['concealed']} concealed pictures")
        if not session.get("substrate"):
            raise Failure("no picture went through the output pass")
    count = sum(session["pictures"] for session in sessions)
    if count != frames:
        raise Failure(f"the node decoded {count} pictures instead of {frames}")


class NodeBench:
    """A folder for files, and the ways to run a client."""

    def __init__(self, daedalus, clips):
        self.daedalus = daedalus
        self.clips = clips
        self.folder = tempfile.mkdtemp(prefix="stock_v4l2.")
        self._runs = 0

    def close(self):
        shutil.rmtree(self.folder)

    def path(self, clip):
        return os.path.join(self.clips, clip.name)

    def scratch(self, name):
        """A new file's path."""
        self._runs += 1
        return os.path.join(self.folder, f"{name}.{self._runs}")

    def require(self, *programs):
        for program in programs:
            if shutil.which(program) is None:
                raise Skip(f"{program} is not installed")

    def run(self, command):
        """Runs a client to its end under `daedalus run`."""
        statistics = self.scratch("stats")
        variables = dict(os.environ, DAEDALUS_STATS=statistics, LC_ALL="C.UTF-8")
        os.mkdir(statistics)
        process = subprocess.Popen(
            [self.daedalus, "run", "--", *command],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=workbench.CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            seconds = workbench.CLIENT_SECONDS
            raise Failure(f"still running after {seconds} s\n{workbench.tail(output)}") from None
        if process.returncode != 0:
            raise Failure(f"ended with {process.returncode}\n{workbench.tail(output)}")
        sessions = workbench.decoded_pictures(self.daedalus, statistics)
        return workbench.Run(output.decode(errors="replace"), sessions)

    def ffmpeg(self, *arguments):
        """Stock ffmpeg, with its own decoders."""
        self.require("ffmpeg")
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments]
        subprocess.run(command, check=True, timeout=workbench.CLIENT_SECONDS)

    def byte_stream(self, clip):
        """The clip's H.264 or HEVC with start codes, in a file."""
        file = self.scratch(clip.codec)
        filters = f"{clip.codec}_mp4toannexb"
        self.ffmpeg("-i", self.path(clip), "-c", "copy", "-bsf:v", filters, "-f", clip.codec, file)
        return file

    def software_frames(self, clip, pixel_format):
        """Digests of the clip's frames by ffmpeg's own decoder."""
        file = self.scratch("software")
        self.ffmpeg(
            "-i", self.path(clip), "-fps_mode", "passthrough", "-pix_fmt", pixel_format, "-f", "rawvideo", file
        )
        frames = workbench.read_frames(file, clip)
        if len(frames) != clip.frames:
            raise Failure(f"software decodes {len(frames)} frames of {clip.frames}")
        return frames
