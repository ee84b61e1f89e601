#!/usr/bin/env python3
"""The conformance runner reports every kind of failure as a failure, and passes nothing that was not shown."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import conformance
import fake_programs
import harness
import manifest
import table
import testing
import verdict

COLUMNS = "path codec profile pix_fmt width height frames md5 published second_decoder tools notes bytes".split()


class Folder:
    """A folder of fake streams with a manifest, and fake programs beside it."""

    def __init__(self, root):
        self.root = os.path.join(root, "corpus")
        self.bin = os.path.join(root, "bin")
        self.rows = []
        self.limits, self.damaged = os.path.join(root, "limits.tsv"), os.path.join(root, "damaged.tsv")
        os.makedirs(os.path.join(self.root, "robustness"))
        os.makedirs(self.bin)
        for name in ("daedalus", "ffmpeg", "stateless_client", "stateful_client"):
            os.symlink(os.path.join(HERE, "fake_programs.py"), os.path.join(self.bin, name))
        open(os.path.join(self.bin, harness.DRIVER_FILE), "w", encoding="ascii").close()
        for path in (self.limits, self.damaged):
            open(path, "w", encoding="ascii").close()

    def add(self, name, va="good", replay="good", codec="h264", profile="High", pix_fmt="yuv420p", width="32", tools="-", **more):
        stream = {"frames": 5, "va": va, "replay": replay, **more}
        with open(os.path.join(self.root, name), "w", encoding="ascii") as file:
            json.dump(stream, file)
        if not name.startswith("robustness/"):
            self.rows = [row for row in self.rows if row[0] != name]
            md5 = fake_programs.total_md5(fake_programs.frames_of(stream, "good"))
            self.rows.append([name, codec, profile, pix_fmt, width, "16", "5", md5, "yes", "-", tools, "-", "10"])

    def write_manifest(self):
        with open(os.path.join(self.root, "MANIFEST.tsv"), "w", encoding="ascii") as file:
            for row in [COLUMNS, *self.rows]:
                file.write("\t".join(row) + "\n")

    def run(self, front, *options):
        """(exit status, what was printed, the rows by path)."""
        self.write_manifest()
        rows = os.path.join(self.root, "rows.json")
        printed = io.StringIO()
        arguments = ["--front", front, "--daedalus", f"{self.bin}/daedalus", "--ffmpeg", f"{self.bin}/ffmpeg",
                     "--stateless-client", f"{self.bin}/stateless_client",
                     "--stateful-client", f"{self.bin}/stateful_client", "--driver", self.bin,
                     "--limits", self.limits, "--damaged", self.damaged, "--json", rows, "--jobs", "2", *options,
                     self.root]
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            status = conformance.main(arguments)
        found = {}
        if status != 2:
            with open(rows, encoding="utf-8") as file:
                found = {row["path"]: row for row in json.load(file)["streams"]}
        return status, printed.getvalue(), found


class WithFolder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Folder(scratch.name)
        os.environ["DAEDALUS_RENDER_NODE"] = "/dev/null"

    def expect_failure(self, front, act, kind, words, *options):
        self.folder.add("x.stream", **{front: act})
        status, printed, rows = self.folder.run(front, *options)
        self.assertEqual(status, 1, printed)
        self.assertEqual((rows["x.stream"]["result"], rows["x.stream"]["kind"]), ("failed", kind), printed)
        self.assertIn(words, rows["x.stream"]["detail"])
        self.assertEqual(printed.splitlines()[-1], f"conformance {front}: 0 passed, 1 failed, 0 skipped (none)")


class Failures(WithFolder):
    def test_wrong_md5_names_the_first_wrong_frame(self):
        self.expect_failure("va", "wrong", verdict.WRONG, "frame 3 is the first wrong one of 5")

    def test_wrong_md5_through_replay(self):
        self.expect_failure("replay", "wrong", verdict.WRONG, "frame 3 is the first wrong one of 5")

    def test_missing_frame(self):
        self.expect_failure("va", "short", verdict.WRONG, "4 frames, 5 expected; all that came are right")

    def test_right_pixels_from_another_decoder(self):
        self.expect_failure("va", "software", verdict.PATH, "not one picture was decoded by us")

    def test_one_picture_from_another_decoder(self):
        self.expect_failure("va", "partly", verdict.PATH, "4 pictures decoded by us for 5 frames")

    def test_crash(self):
        self.expect_failure("va", "crash", verdict.CRASH, "SIGSEGV")

    def test_crash_through_replay(self):
        self.expect_failure("replay", "crash", verdict.CRASH, "SIGSEGV")

    def test_time_out(self):
        self.expect_failure("va", "hang", verdict.TIME_OUT, "killed after", "--time-scale", "0.01")

    def test_sanitizer_report(self):
        self.expect_failure("replay", "report", verdict.CRASH, "heap-buffer-overflow")

    def test_sanitizer_that_does_not_start(self):
        for name in ("x.stream", "robustness/y.stream"):
            self.folder.add(name, request="refusal")
            rows = self.folder.run("v4l2-request")[2]
            self.assertEqual((rows[name]["result"], rows[name]["kind"]), ("failed", verdict.CRASH))

    def test_sanitizer_report_against_the_client(self):
        self.expect_failure("va", "client report", verdict.CLIENT_CRASH, "heap-buffer-overflow")

    def test_exit_status(self):
        self.expect_failure("replay", "status", verdict.STATUS, "cannot decode this")

    def test_counted_error(self):
        self.expect_failure("va", "error", verdict.PATH, "1 errors")

    def test_concealment_of_a_sound_stream(self):
        self.expect_failure("va", "concealed", verdict.PATH, "1 concealed")

    def test_a_picture_is_decoded_twice(self):
        self.expect_failure("replay", "twice", verdict.PATH, "1 pictures decoded twice")
        self.folder.add("x.stream", request="twice", va="twice")
        self.assertIn("1 pictures decoded twice", self.folder.run("v4l2-request")[2]["x.stream"]["detail"])
        self.assertEqual(self.folder.run("va")[0], 0)

    def test_another_engine(self):
        self.expect_failure("va", "engine", verdict.PATH, "engine other, not libavcodec", "--engine", "libavcodec")

    def test_another_backend(self):
        self.expect_failure("va", "good", verdict.PATH, "backend software, not hardware", "--backend", "hardware")

    def test_another_substrate(self):
        self.expect_failure("va", "good", verdict.PATH, "pack ran on AVX2, not scalar", "--substrate", "scalar")

    def test_vulkan(self):
        def verdict_of(substrate, *options, **more):
            self.folder.add("x.stream", substrate=substrate, **more)
            return self.folder.run("va", *options)[2]["x.stream"]

        every, pack = ("--substrate", "vulkan"), ("--substrate", "pack=vulkan")
        for ran in ("vulkan", "vulkan+copy"):
            for asked in (every, pack):
                self.assertEqual(verdict_of({"pack": ran, "intra": "AVX2"}, *asked)["result"], "passed")
        for ran in ("AVX2", "vulkan+AVX2", "AVX2+vulkan+copy"):
            for asked in (every, pack):
                self.assertIn(f"pack ran on {ran}, not vulkan", verdict_of({"pack": ran}, *asked)["detail"])
        self.assertIn("nothing ran on vulkan", verdict_of({"intra": "AVX2"}, *every)["detail"])
        self.assertIn("nothing ran on vulkan", verdict_of({"intra": "AVX2"}, *pack)["detail"])
        for ran, tools, result in (("AVX2+vulkan+copy", "slices=IPB", "passed"), ("AVX2", "slices=IPB", "failed"),
                                   ("AVX2", "slices=I", "passed"), ("AVX2", "slices=IP MBAFF", "passed")):
            self.assertEqual(verdict_of({"mc": ran}, *every, tools=tools)["result"], result)
        self.assertEqual(verdict_of({"film_grain": "AVX2"}, *every, width="31")["result"], "passed")
        self.assertEqual(verdict_of({"film_grain": "AVX2"}, *every, width="32")["result"], "failed")
        for engine, result in (("native", "passed"), ("libavcodec", "failed")):
            self.assertEqual(verdict_of({"pack": "AVX2"}, *pack, "--engine", engine)["result"], result)
        self.expect_failure("va", "gpu failure", verdict.PATH, "1 pictures that the CPU had to finish for the GPU",
                            "--substrate", "simd")

    def test_program_that_prints_no_statistics(self):
        self.folder.add("x.stream")
        status, printed, rows = self.folder.run("va", "--runner-prefix", "false")
        self.assertEqual((status, rows["x.stream"]["result"]), (1, "failed"), printed)


class Tolerance(WithFolder):
    """MPEG-2 alone: its inverse transform may be rounded in more than one right way."""

    def test_exact_by_this_machines_ffmpeg(self):
        for codec, profile, expected in (("mpeg2", "Main", "passed"), ("h264", "High", "failed")):
            self.folder.add("x.stream", codec=codec, profile=profile)
            self.folder.rows[-1][7] = "0" * 32
            for front in ("va", "replay"):
                _, printed, rows = self.folder.run(front)
                self.assertEqual(rows["x.stream"]["result"], expected, printed)

    def test_no_tolerance_on_the_same_machine(self):
        self.folder.add("x.stream", codec="mpeg2", profile="Main", va="wrong", replay="wrong")
        for front in ("va", "replay"):
            self.assertEqual(self.folder.run(front)[2]["x.stream"]["kind"], verdict.WRONG)

    def test_bounds(self):
        self.assertEqual(verdict.judge_tolerance(2, 0.01, "").result, "passed")
        self.assertEqual(verdict.judge_tolerance(3, 0.0001, "").kind, verdict.WRONG)
        self.assertEqual(verdict.judge_tolerance(1, 0.02, "").kind, verdict.WRONG)

    def test_sample_difference(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in "ab"]

            def difference(*contents):
                for path, content in zip(paths, contents):
                    with open(path, "wb") as file:
                        file.write(content)
                return harness.sample_difference(*paths)
            self.assertEqual(difference(bytes(1000), bytes(1000)), (0, 0.0))
            self.assertEqual(difference(bytes(1000), bytes(990) + bytes([1, 0, 3]) + bytes(7)), (3, 0.002))
            self.assertEqual(difference(bytes(2 << 20), bytes((2 << 20) - 1) + b"\xff"), (255, 1 / (2 << 20)))
            self.assertEqual(difference(bytes(10), bytes(9)), (255, 1.0))
            self.assertEqual(difference(b"", b""), (255, 1.0))

    def test_foreign_programs(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\x7fELF" + bytes(14) + b"\xff\xff")
            file.flush()
            self.assertTrue(harness.is_foreign(file.name))
        self.assertFalse(harness.is_foreign(sys.executable))
        self.assertFalse(harness.is_foreign(__file__))


class Passes(WithFolder):
    def test_last_line_and_exit_status(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", profile="High 10", pix_fmt="yuv420p10le")
        self.folder.add("c.stream", codec="vc1", profile="Main")
        for front in ("va", "replay"):
            status, printed, rows = self.folder.run(front, "--engine", "libavcodec", "--substrate", "simd")
            self.assertEqual(status, 0, printed)
            self.assertEqual(printed, f"conformance {front}: 1 passed, 0 failed, 2 skipped (1 h264 High 10, 1 vc1)\n")
            self.assertEqual((rows["a.stream"]["engine"], rows["a.stream"]["substrate"]), ("libavcodec", "AVX2"))

    def test_concealment_of_a_damaged_stream(self):
        self.folder.add("x.stream", va="concealed")
        with open(self.folder.damaged, "w", encoding="ascii") as file:
            file.write("# path\tdamage\nx.stream\tone byte\n")
        self.assertEqual(self.folder.run("va")[0], 0)

    def test_shown_again_pictures_need_no_decoding(self):
        more = {"codec": "vp9", "profile": "0", "pictures": 3}
        self.folder.add("x.stream", packets=[900, 800, 1, 700, 1], **more)
        self.assertEqual(self.folder.run("va")[0], 0)
        self.folder.add("y.stream", packets=[900, 800, 1, 700, 300], **more)
        _, _, rows = self.folder.run("va")
        self.assertEqual((rows["x.stream"]["result"], rows["y.stream"]["kind"]), ("passed", verdict.PATH))

    def test_nothing_to_run_is_no_success(self):
        self.folder.add("x.stream", codec="vc1", profile="Main")
        self.assertEqual(self.folder.run("va")[0], 2)


class Loopback(WithFolder):
    """With our own stateless decoder as the hardware: both ends must say that they decoded."""

    BACKEND = ("--backend", "hardware:loopback")

    def test_passes(self):
        self.folder.add("a.stream")
        for front in ("va", "replay"):
            status, printed, rows = self.folder.run(front, *self.BACKEND)
            self.assertEqual(status, 0, printed)
            self.assertEqual((rows["a.stream"]["backend"], rows["a.stream"]["pictures"]), ("hardware", 5))

    def test_software_in_its_place(self):
        for front in ("va", "replay"):
            self.expect_failure(front, "no hardware", verdict.PATH, "the device's backend is missing", *self.BACKEND)

    def test_no_page_of_the_device(self):
        self.expect_failure("va", "no device", verdict.PATH, "the device's backend is missing", *self.BACKEND)

    def test_a_picture_that_the_device_did_not_decode(self):
        self.expect_failure("replay", "device lacks one", verdict.PATH, "4 pictures decoded by the device for 5",
                            *self.BACKEND)

    def test_an_error_of_the_device(self):
        self.expect_failure("va", "device error", verdict.PATH, "1 errors of the device", *self.BACKEND)

    def test_wrong_pixels(self):
        self.expect_failure("va", "wrong", verdict.WRONG, "frame 3 is the first wrong one of 5", *self.BACKEND)

    def test_what_the_interface_cannot_carry_is_softwares_to_show(self):
        with open(self.folder.limits, "w", encoding="ascii") as file:
            file.write("y.stream\tva\thardware\tno other size\nx.*\tva\thardware\tno other size\n")
        for act, expected in (("device error", (0, "client-limit")), ("wrong", (1, verdict.WRONG)),
                              ("crash", (1, verdict.CRASH)), ("good", (0, ""))):
            self.folder.add("x.stream", va=act)
            status, printed, rows = self.folder.run("va", *self.BACKEND)
            self.assertEqual((status, rows["x.stream"]["kind"]), expected, printed)
        self.folder.add("z.stream", va="device error")
        self.assertEqual(self.folder.run("va", *self.BACKEND)[2]["z.stream"]["kind"], verdict.PATH)

    def test_the_nodes_own_fronts_are_refused(self):
        with self.assertRaises(SystemExit):
            self.folder.run("v4l2-request", *self.BACKEND)


class StatelessClient(WithFolder):
    def test_passes_and_fails(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", request="wrong")
        self.folder.add("c.stream", request="software")
        self.folder.add("d.stream", request="crash")
        _, printed, rows = self.folder.run("v4l2-request", "--transport", "in-process")
        found = {path: (row["result"], row["kind"]) for path, row in rows.items()}
        self.assertEqual(found, {
            "a.stream": ("passed", ""), "b.stream": ("failed", verdict.WRONG), "c.stream": ("failed", verdict.PATH),
            "d.stream": ("failed", verdict.CRASH)}, printed)
        self.assertIn("frame 3 is the first wrong one of 5", rows["b.stream"]["detail"])

    def test_over_cuse_only_new_pages_of_the_daemon_count(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", request="software")
        with tempfile.TemporaryDirectory() as statistics, unittest.mock.patch.dict(
                os.environ, {"DAEDALUS_STATS": statistics}):
            with open(os.path.join(statistics, "1.page"), "w", encoding="ascii") as file:
                json.dump({"pid": 1, "session": 1, "front": "v4l2-request", "pictures": 5}, file)
            _, printed, rows = self.folder.run("v4l2-request", "--transport", "cuse")
        self.assertEqual((rows["a.stream"]["result"], rows["b.stream"]["kind"]), ("passed", verdict.PATH), printed)


class StatefulNode(WithFolder):
    def test_passes_and_fails(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", v4l2="wrong")
        self.folder.add("c.stream", v4l2="software")
        self.folder.add("d.stream", v4l2="crash")
        _, printed, rows = self.folder.run("v4l2")
        found = {path: (row["result"], row["kind"]) for path, row in rows.items()}
        self.assertEqual(found, {
            "a.stream": ("passed", ""), "b.stream": ("failed", verdict.WRONG), "c.stream": ("failed", verdict.PATH),
            "d.stream": ("failed", verdict.CRASH)}, printed)
        self.assertIn("frame 3 is the first wrong one of 5", rows["b.stream"]["detail"])

    def test_over_cuse_nobody_but_the_daemon_may_decode(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", v4l2="software")
        self.folder.add("c.stream", v4l2="client")
        with tempfile.TemporaryDirectory() as statistics, unittest.mock.patch.dict(
                os.environ, {"DAEDALUS_STATS": statistics}):
            _, printed, rows = self.folder.run("v4l2", "--transport", "cuse")
        found = {path: (row["result"], row["kind"]) for path, row in rows.items()}
        self.assertEqual(found, {"a.stream": ("passed", ""), "b.stream": ("failed", verdict.PATH),
                                 "c.stream": ("failed", verdict.PATH)}, printed)
        self.assertIn("not by the daemon", rows["c.stream"]["detail"])

    def test_over_cuse_a_client_limit_is_our_own_clients_to_show(self):
        self.folder.add("a.stream", v4l2="wrong")
        with open(self.folder.limits, "w", encoding="ascii") as file:
            file.write("a.stream\tv4l2\tffmpeg\tcannot\n")
        with tempfile.TemporaryDirectory() as statistics, unittest.mock.patch.dict(
                os.environ, {"DAEDALUS_STATS": statistics}):
            _, printed, rows = self.folder.run("v4l2", "--transport", "cuse")
        self.assertEqual(rows["a.stream"]["kind"], "client-limit", printed)

    def test_ten_bits_are_not_started_but_fail_unless_listed(self):
        self.folder.add("x.stream", codec="vp9", profile="Profile 2", pix_fmt="yuv420p10le")
        _, printed, rows = self.folder.run("v4l2")
        self.assertEqual(rows["x.stream"]["kind"], verdict.PATH, printed)
        self.assertIn("no format of 10 bits", rows["x.stream"]["detail"])


class ClientLimits(WithFolder):
    def limit(self, va, replay):
        self.folder.add("x.stream", va=va, replay=replay)
        with open(self.folder.limits, "w", encoding="ascii") as file:
            file.write("x.stream\tva\tffmpeg\tcrops by itself\n")
        return self.folder.run("va")

    def test_skipped_where_replay_passes(self):
        for act in ("wrong", "software", "status"):
            status, printed, rows = self.limit(act, "good")
            self.assertEqual((status, rows["x.stream"]["result"]), (0, "skipped"), printed)
            self.assertIn("0 passed, 0 failed, 1 skipped (1 client-limit)", printed.splitlines()[-1])

    def test_failed_where_replay_fails(self):
        status, printed, rows = self.limit("wrong", "wrong")
        self.assertEqual((status, rows["x.stream"]["kind"]), (1, verdict.WRONG), printed)

    def test_no_excuse_for_a_crash(self):
        for act in ("crash", "report"):
            status, printed, rows = self.limit(act, "good")
            self.assertEqual((status, rows["x.stream"]["kind"]), (1, verdict.CRASH), printed)

    def test_excuse_for_a_report_against_the_client(self):
        self.assertEqual(self.limit("client report", "good")[2]["x.stream"]["result"], "skipped")

    def test_passed_where_the_client_can_after_all(self):
        self.assertEqual(self.limit("good", "good")[2]["x.stream"]["result"], "passed")

    def test_of_another_client_is_no_excuse(self):
        with open(self.folder.limits, "w", encoding="ascii") as file:
            file.write("x.stream\tva\tgstreamer\tcrops by itself\n")
        self.folder.add("x.stream", va="wrong")
        self.assertEqual(self.folder.run("va")[2]["x.stream"]["kind"], verdict.WRONG)


class OwnStatefulClient(WithFolder):
    """Our own client of the stateful node, in ffmpeg's place or where ffmpeg has a limit."""

    def limit(self, v4l2, own, *options, **more):
        self.folder.add("x.stream", v4l2=v4l2, own=own, **more)
        with open(self.folder.limits, "w", encoding="ascii") as file:
            file.write("x.stream\tv4l2\tffmpeg\tsees no odd heights\n")
        status, printed, rows = self.folder.run("v4l2", *options)
        return status, printed, rows["x.stream"]

    def test_passes_in_place_of_a_limited_client(self):
        status, printed, row = self.limit("wrong", "good")
        self.assertEqual((status, row["result"], row["client"], row["kind"]), (0, "passed", "own", "client-limit"))
        self.assertIn("sees no odd heights; passes through our own client", row["detail"])
        self.assertEqual(printed.splitlines()[-1], "conformance v4l2: 1 passed, 0 failed, 0 skipped (none)")

    def test_is_left_out_where_ffmpeg_can(self):
        _, printed, row = self.limit("good", "wrong")
        self.assertEqual((row["result"], row["client"], row["kind"]), ("passed", "ffmpeg", ""), printed)

    def test_ten_bits(self):
        more = {"codec": "vp9", "profile": "Profile 2", "pix_fmt": "yuv420p10le", "format": "P010"}
        _, printed, row = self.limit("good", "good", **more)
        self.assertEqual((row["result"], row["client"], row["pictures"]), ("passed", "own", 5), printed)

    def test_its_failures_are_failures(self):
        for act, kind in (("wrong", verdict.WRONG), ("short", verdict.WRONG), ("software", verdict.PATH),
                          ("partly", verdict.PATH), ("crash", verdict.CRASH)):
            status, printed, row = self.limit("wrong", act)
            self.assertEqual((status, row["result"], row["kind"]), (1, "failed", kind), printed)

    def test_throughout(self):
        self.folder.add("a.stream", v4l2="wrong")
        self.folder.add("b.stream", own="wrong")
        self.folder.add("c.stream", own="software")
        _, printed, rows = self.folder.run("v4l2", "--client", "own")
        found = {path: (row["result"], row["kind"], row["client"]) for path, row in rows.items()}
        self.assertEqual(found, {
            "a.stream": ("passed", "", "own"), "b.stream": ("failed", verdict.WRONG, "own"),
            "c.stream": ("failed", verdict.PATH, "own")}, printed)

    def test_decodes_what_no_stock_client_can(self):
        self.folder.add("a.stream", codec="av1", profile="Main")
        self.folder.add("b.stream", codec="av1", profile="Main", own="wrong")
        _, printed, rows = self.folder.run("v4l2")
        found = {path: (row["result"], row["kind"], row["client"]) for path, row in rows.items()}
        self.assertEqual(found, {"a.stream": ("passed", "", "own"), "b.stream": ("failed", verdict.WRONG, "own")}, printed)

    def test_has_no_limits(self):
        status, printed, row = self.limit("good", "wrong", "--client", "own")
        self.assertEqual((status, row["kind"]), (1, verdict.WRONG), printed)

    def test_over_cuse_only_new_pages_of_the_daemon_count(self):
        self.folder.add("a.stream")
        self.folder.add("b.stream", own="software")
        with tempfile.TemporaryDirectory() as statistics, unittest.mock.patch.dict(
                os.environ, {"DAEDALUS_STATS": statistics}):
            with open(os.path.join(statistics, "1.page"), "w", encoding="ascii") as file:
                json.dump({"pid": 1, "session": 1, "front": "v4l2", "pictures": 5}, file)
            _, printed, rows = self.folder.run("v4l2", "--client", "own", "--transport", "cuse", "--jobs", "1")
        self.assertEqual((rows["a.stream"]["result"], rows["b.stream"]["kind"]), ("passed", verdict.PATH), printed)


class Robustness(WithFolder):
    def test_orderly_ends_pass_and_crashes_fail(self):
        self.folder.add("a.stream")
        acts = {"good": "passed", "status": "passed", "software": "passed", "error": "passed",
                "crash": "failed", "report": "failed"}
        for act in acts:
            self.folder.add(f"robustness/{act}.stream", va=act, replay=act)
        for front in ("va", "replay"):
            status, printed, rows = self.folder.run(front)
            self.assertEqual(status, 1, printed)
            found = {act: rows[f"robustness/{act}.stream"]["result"] for act in acts}
            self.assertEqual(found, acts)
            self.assertEqual(printed.splitlines()[-1], f"conformance {front}: 5 passed, 2 failed, 0 skipped (none)")

    def test_hang(self):
        self.folder.add("a.stream", codec="av1")
        self.folder.add("robustness/hang.stream", va="hang", replay="hang")
        for front in ("va", "replay"):
            status, printed, rows = self.folder.run(front, "--time-scale", "0.01")
            self.assertEqual((status, rows["robustness/hang.stream"]["kind"]), (1, verdict.TIME_OUT), printed)


class Manifest(unittest.TestCase):
    def test_profile_names(self):
        for codec, given, expected in (
                ("vp9", "0", "Profile 0"), ("vp9", "Profile 2", "Profile 2"), ("vp9", "profile2", "Profile 2"),
                ("vp8", "3", "Version 0-3"), ("vp8", "Profile 0", "Version 0-3"),
                ("h264", "constrained baseline", "Constrained Baseline"), ("h264", "Baseline", "Baseline"),
                ("h264", "High 10", "High 10"), ("mpeg2", "Main", "Main"), ("mpeg2", "4:2:2", "4:2:2")):
            self.assertEqual(manifest.normalised_profile(codec, given), expected)

    def test_what_is_advertised(self):
        def reason(codec, profile, pix_fmt="yuv420p"):
            profile = manifest.normalised_profile(codec, profile)
            return manifest.skip_reason(manifest.Stream("x", codec, profile, pix_fmt, md5="0" * 32))
        self.assertEqual(reason("h264", "High"), "")
        self.assertEqual(reason("h264", "High", "gray"), "")
        self.assertEqual(reason("h264", "Main", "gray"), "h264 gray")
        self.assertEqual(reason("h264", "Baseline"), "h264 Baseline")
        self.assertEqual(reason("h264", "High 4:2:2", "yuv422p"), "h264 High 4:2:2")
        self.assertEqual(reason("vp9", "2", "yuv420p10le"), "")
        self.assertEqual(reason("vp9", "2", "yuv420p12le"), "vp9 yuv420p12le")
        self.assertEqual(reason("vp8", "2"), "")
        for pix_fmt in ("yuv420p", "yuv420p10le", "gray"):
            self.assertEqual(reason("av1", "Main", pix_fmt), "")
        self.assertEqual(reason("av1", "High", "yuv444p"), "av1 High")
        self.assertEqual(reason("hevc", "Main"), "")
        for profile, pix_fmt in (("Main", "yuv420p"), ("main10", "yuv420p10le"), ("Main Still Picture", "yuv420p")):
            self.assertEqual(reason("hevc", profile, pix_fmt), "")
        self.assertEqual(reason("hevc", "Rext", "yuv422p10le"), "hevc Rext")
        self.assertEqual(reason("hevc", "Main", "yuv420p10le"), "hevc yuv420p10le")

    def test_damaged_manifest_is_refused_with_its_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "MANIFEST.tsv")
            for row in ("x\th264\tHigh\tyuv420p\twide\t16\t5\t" + "0" * 32, "x\th264\tHigh\tyuv420p\t16\t16\t5\tabc",
                        "x\th264"):
                with open(path, "w", encoding="ascii") as file:
                    file.write("\t".join(COLUMNS) + "\n" + row + "\n")
                with self.assertRaisesRegex(ValueError, "MANIFEST.tsv:2"):
                    manifest.read_manifest(folder)

    def test_sample_is_deterministic_and_spread(self):
        streams = [manifest.Stream(f"{codec}/{profile}/{i:02}", codec, profile, md5="0" * 32)
                   for codec, profile, count in (("h264", "High", 50), ("h264", "Main", 9), ("vp8", "Version 0-3", 1))
                   for i in range(count)]
        chosen = manifest.sampled(streams, 7)
        self.assertEqual(chosen, manifest.sampled(list(reversed(streams)), 7))
        self.assertEqual(len(set(chosen)), 7)
        groups = [stream.profile for stream in chosen]
        self.assertEqual((groups.count("High"), groups.count("Main"), groups.count("Version 0-3")), (3, 3, 1))
        self.assertEqual([stream.path[-2:] for stream in chosen if stream.profile == "High"], ["08", "25", "41"])
        self.assertEqual(len(manifest.sampled(streams, 1000)), 60)
        self.assertEqual(manifest.sampled(streams, 0), [])

    def test_selection(self):
        streams = [manifest.Stream("h264/jvt/A.jsv", "h264", md5="0"), manifest.Stream("vp8/B.ivf", "vp8", md5="0")]
        self.assertEqual([s.path for s in manifest.selected(streams, codec="H.264")], ["h264/jvt/A.jsv"])
        self.assertEqual([s.path for s in manifest.selected(streams, match="*/B*")], ["vp8/B.ivf"])

    def test_list(self):
        streams = [manifest.Stream(path, "h264", md5="0") for path in ("a", "b", "c")]
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.write("# path\nc\na\n")
            file.flush()
            self.assertEqual([stream.path for stream in manifest.listed(streams, file.name)], ["a", "c"])
            with self.assertRaisesRegex(ValueError, "not in the folder: a c"):
                manifest.listed(streams[1:2], file.name)

    def test_checked_in_lists_can_be_read(self):
        limits = manifest.read_client_limits(os.path.join(HERE, "client_limits.tsv"), "va")
        damaged = manifest.read_damaged(os.path.join(HERE, "damaged.tsv"))
        corrections = manifest.read_corrections()
        self.assertIsInstance({**limits, **damaged, **corrections}, dict)
        sample = manifest.read_table(os.path.join(HERE, "cuse_sample.tsv"), ("path",))
        paths = {row["path"] for row in sample}
        self.assertGreaterEqual(len(paths), 40)
        self.assertEqual(len(paths), len(sample))

    def test_list_without_a_reason_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.write("x.stream\tva\tffmpeg\t\n")
            file.flush()
            with self.assertRaises(ValueError):
                manifest.read_client_limits(file.name, "va")


class Table(unittest.TestCase):
    def row(self, result, **more):
        return {"codec": "h264", "profile": "High", "robustness": False, "front": "va", "engine": "libavcodec",
                "substrate": "AVX2", "result": result, "kind": "", **more}

    def test_counts(self):
        rows = [self.row("passed"), self.row("failed", engine="", substrate=""),
                self.row("skipped", kind="client-limit"), self.row("passed", robustness=True)]
        text = table.markdown([{"front": "va", "streams": rows}])
        self.assertIn("| H.264 | High | va | libavcodec | AVX2 | 1/3 (1 client limit) |", text)
        self.assertIn("| malformed input | | va |", text)

    def test_says_what_our_own_client_did(self):
        rows = [self.row("passed"), self.row("passed", kind="client-limit")]
        text = table.markdown([{"front": "va", "streams": rows}])
        self.assertIn("| 2/2 (1 through our own client: client limit of ffmpeg) |", text)

    def test_replaces_only_between_the_markers(self):
        text = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
        self.assertEqual(table.replaced(text, "new\n"), f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n")
        with self.assertRaises(ValueError):
            table.replaced("no markers", "new\n")


if __name__ == "__main__":
    testing.main()
