"""Whether a stream passed. Nothing here starts a program, so each way to fail is tested by itself."""

import re
from dataclasses import dataclass

import harness

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# The kinds of failure. A client limit excuses the last four: what the client could not feed, feeds wrongly, or makes
# a mess of by itself.
CRASH, TIME_OUT, CLIENT_CRASH, PATH, STATUS, WRONG = (
    "crash", "time-out", "crash in the client", "path", "status", "wrong output")
EXCUSABLE = (CLIENT_CRASH, PATH, STATUS, WRONG)

# The name of the program that decodes over CUSE.
DAEMON = "daedalusd"

# Over VA-API an AV1 client need not say which slots a picture replaces; it may then be decoded twice.
UNTOLD_FRONT = "va"

# What a differently rounded MPEG-2 inverse transform may do: seen is 0.2 % of the samples off by one.
MOST_OFF = 2
MOST_SHARE_OFF = 0.01


@dataclass
class Verdict:
    result: str
    kind: str = ""  # of failure, or the reason of a skip
    detail: str = ""


def failed(kind, detail):
    return Verdict(FAILED, kind, detail)


def unsound(finished):
    """A crash or a hang, which nothing excuses; None where the program ended in an orderly way."""
    if finished.crash:
        return failed(CLIENT_CRASH if finished.crash_is_the_clients else CRASH, finished.crash)
    if finished.timed_out:
        return failed(TIME_OUT, f"killed after {finished.seconds:.0f} s")
    return None


def judge_robustness(outcome):
    return unsound(outcome.finished) or Verdict(PASSED)


def judge(stream, outcome, asked, damaged=False, coded_pictures=None):
    """`coded_pictures()` gives the number of coded pictures where it is not the number of frames; it is only asked
    where fewer pictures were decoded than frames came out."""
    finished = outcome.finished
    bad = unsound(finished)
    if bad:
        return bad
    if harness.total(outcome.sessions, "pictures") == 0:
        said = f": {finished.last_error}" if finished.last_error else ""
        return failed(PATH, f"not one picture was decoded by us{said}")
    if finished.status != 0:
        return failed(STATUS, f"exit status {finished.status}: {finished.last_error}")
    wrong = path_fault(stream, outcome, asked, damaged, coded_pictures)
    if wrong:
        return failed(PATH, wrong)
    if outcome.md5 != stream.md5:
        return failed(WRONG, f"md5 {outcome.md5 or 'missing'}, {stream.md5} expected; "
                             f"{outcome.frames} frames, {stream.frames} expected")
    if outcome.frames != stream.frames:
        return failed(WRONG, f"{outcome.frames} frames, {stream.frames} expected")
    return Verdict(PASSED)


def judge_tolerance(largest, share, difference):
    """`largest` is how far the worst sample is off, `share` how many of all samples are off, 0 to 1."""
    if largest <= MOST_OFF and share <= MOST_SHARE_OFF:
        return Verdict(PASSED, detail=f"within the tolerance: {share:.4%} of the samples off, by at most {largest}")
    return failed(WRONG, f"{share:.4%} of the samples off, by up to {largest}; {difference}")


def device_fault(outcome):
    """What the pages of the decoder that stood in for hardware say against the claim that it decoded all that the front
    was given."""
    backends = harness.values(outcome.device, "backend")
    if backends != ["software"]:
        return f"the device's backend is {'+'.join(backends) or 'missing'}, not software"
    there, here = harness.total(outcome.device, "pictures"), harness.total(outcome.sessions, "pictures")
    if there < here:
        return f"{there} pictures decoded by the device for {here} pictures of the front"
    errors = harness.total(outcome.device, "errors")
    return f"{errors} errors of the device" if errors else ""


def path_fault(stream, outcome, asked, damaged, coded_pictures):
    """What the statistics pages say against the claim that all was decoded by us, as asked, without an error."""
    sessions = outcome.sessions
    fronts = harness.values(sessions, "front")
    if fronts != [outcome.front]:
        return f"front {'+'.join(fronts)}, not {outcome.front}"
    programs = harness.values(sessions, "program")
    if asked.transport == "cuse" and programs != [DAEMON]:
        return f"decoded by {'+'.join(programs)}, not by the daemon"
    if asked.loopback:
        wrong = device_fault(outcome)
        if wrong:
            return wrong
    for key in ("engine", "backend"):
        # "hardware" and a device's name go by one word.
        wanted = getattr(asked, key).partition(":")[0]
        found = harness.values(sessions, key)
        if wanted and wanted != "auto" and found != [wanted]:
            return f"{key} {'+'.join(found)}, not {wanted}"
    wrong = substrate_fault(stream, sessions, asked.substrate)
    if wrong:
        return wrong
    pictures = harness.total(sessions, "pictures")
    if pictures < stream.frames:
        needed = coded_pictures() if coded_pictures else None
        if needed is None or pictures < needed:
            return f"{pictures} pictures decoded by us for {stream.frames} frames"
    errors = harness.total(sessions, "errors")
    if errors:
        return f"{errors} errors"
    concealed = harness.total(sessions, "concealed")
    if concealed and not damaged:
        return f"{concealed} concealed pictures in a stream that is not known to be damaged"
    redecodes = harness.total(sessions, "redecodes")
    if redecodes and outcome.front != UNTOLD_FRONT:
        return f"{redecodes} pictures decoded twice, although it was told which slots they replace"
    return ""


# Stages that can run on a GPU; the others run on the CPU whatever was asked for.
VULKAN_TWINS = ("pack", "film_grain", "mc", "idct", "sand")
INTER_STAGES = ("mc", "idct")
BLOCK_COLUMNS = 32
INTER_SLICES = re.compile(r"\bslices=\w*[PB]")


def families(ran):
    """What a stage ran on, as --substrate has it: a SIMD substrate goes by the name of its target, several are joined by
    a +, and vulkan+copy is one."""
    names = ran.replace("vulkan+copy", "vulkan").split("+")
    return {name if name in ("scalar", "vulkan") else "simd" for name in names}


def may_miss_vulkan(stream, sessions, stage, on):
    """Whether a stage that was asked for on a GPU may have run as `on` says: inter prediction and its residual are the
    CPU's in pictures without, and in frames with field macroblocks; the native engine's pictures are NV12 already, which
    is copied; and what is narrower than a GPU's block of columns is the CPU's."""
    if stage in INTER_STAGES:
        inter = INTER_SLICES.search(stream.tools) and "MBAFF" not in stream.tools
        return "vulkan" in on or not inter
    nv12 = stage == "pack" and harness.values(sessions, "engine") == ["native"]
    return nv12 or stream.width < BLOCK_COLUMNS


def substrate_fault(stream, sessions, asked):
    """`asked` is one value for all stages or stage=value,…"""
    if not asked or asked == "auto":
        return ""
    found = harness.substrates(sessions)
    wanted = {}
    for part in asked.split(","):
        stage, equals, value = part.partition("=")
        if equals:
            wanted[stage] = value
        else:
            wanted.update({name: part for name in found if part != "vulkan" or name in VULKAN_TWINS})
    for stage, value in wanted.items():
        for ran in found.get(stage, ()):
            on = families(ran)
            if value == "vulkan" and may_miss_vulkan(stream, sessions, stage, on):
                continue
            if value not in ("auto", ran) and on != {value}:
                return f"{stage} ran on {ran}, not {value}"
    if "vulkan" in asked and not any(value == "vulkan" and stage in found for stage, value in wanted.items()):
        return "nothing ran on vulkan"
    failures = harness.total(sessions, "gpu_failures")
    return f"{failures} pictures that the CPU had to finish for the GPU" if failures else ""


def is_excusable(verdict):
    """Whether a client limit can be the cause."""
    return verdict.result == FAILED and verdict.kind in EXCUSABLE


def with_client_limit(reason, proof, substitute, same_interface):
    """A stream that the client itself cannot feed: no failure, provided that `proof`, the verdict on the same stream
    through the substitute, is a pass. That is a pass where the substitute speaks the same interface, else a skip."""
    if proof.result != PASSED:
        return failed(proof.kind, f"listed as client limit ({reason}), and fails through {substitute}: {proof.detail}")
    if same_interface:
        return Verdict(PASSED, "client-limit", f"client limit: {reason}; passes through {substitute}")
    return Verdict(SKIPPED, "client-limit", f"{reason}; passes through {substitute}")
