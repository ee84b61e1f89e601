"""vainfo: libva finds the driver by its name, and the driver says what it decodes."""

import functools

from workbench import Case, Failure

PROFILES = (
    "VAProfileH264ConstrainedBaseline",
    "VAProfileH264Main",
    "VAProfileH264High",
    "VAProfileVP9Profile0",
    "VAProfileVP9Profile2",
    "VAProfileVP8Version0_3",
    "VAProfileMPEG2Simple",
    "VAProfileMPEG2Main",
    "VAProfileHEVCMain",
    "VAProfileHEVCMain10",
    "VAProfileAV1Profile0",
)


def profiles(bench, render_node_options):
    bench.require("vainfo")
    bench.way(*render_node_options)
    output = bench.run(
        ["vainfo", "--display", "drm", "--device", bench.node], render_node_options
    ).output
    listed = {
        line.split(":")[0].strip() for line in output.splitlines() if "VAEntrypointVLD" in line
    }
    missing = [profile for profile in PROFILES if profile not in listed]
    if missing:
        raise Failure(f"not listed: {', '.join(missing)}")
    vendor = [line for line in output.splitlines() if "Driver version:" in line]
    if not vendor or "daedalus" not in vendor[0].lower():
        raise Failure(f"vendor string: {vendor}")
    return f"{len(PROFILES)} profiles, {vendor[0].split(': ', 2)[-1].strip()}"


def cases(bench):
    yield Case("vainfo profiles", functools.partial(profiles, bench, []))
    preload = functools.partial(profiles, bench, ["--way", "preload"])
    yield Case("vainfo profiles, preloaded node", preload)
