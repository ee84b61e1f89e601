#!/usr/bin/env python3
"""Does the counter behind ./dev test count cases, and is there no way for a failure to be missed?"""

import json
import os
import sys
import tempfile
import unittest

# Bazel starts this file through a link of another name in the same folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_results  # noqa: E402

JUNIT = """<testsuites><testsuite name="catch2">
<testcase name="good"></testcase>
<testcase name="bad"><failure message="see test.log"/></testcase>
<testcase name="absent"><skipped/></testcase>
</testsuite></testsuites>"""

ALL_GOOD = '<testsuites><testsuite name="catch2"><testcase name="good"></testcase></testsuite></testsuites>'

# What Bazel writes for a program that wrote nothing itself.
BAZELS_OWN = """<testsuites><testsuite name="a/b" tests="1" failures="0" errors="0">
<testcase name="a/b" status="run" duration="0" time="0"></testcase></testsuite></testsuites>"""


class Counting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = []

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def add_test(self, label, status, xml=None, log=""):
        stem = label.replace("/", "_").replace(":", "_")
        outputs = [{"name": "test.log", "uri": "file://" + self.write(stem + ".log", log)}]
        if xml:
            outputs.append({"name": "test.xml", "uri": "file://" + self.write(stem + ".xml", xml)})
        self.events += [
            {"id": {"targetConfigured": {"label": label}}, "configured": {"targetKind": "cc_test rule"}},
            {"id": {"targetCompleted": {"label": label}}, "completed": {"success": True}},
            {"id": {"testResult": {"label": label}}, "testResult": {"status": status, "testActionOutput": outputs}},
            {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}},
        ]

    def count(self):
        return test_results.count_events(self.write("events", "\n".join(map(json.dumps, self.events))))

    def numbers(self):
        count = self.count()
        return count.passed, count.failed, count.skipped

    def test_figures_of_a_test_that_passed(self):
        self.add_test("//a:b", "PASSED", log="figures: 3 of a kind\nfigures:\n1 passed, 0 failed\n")
        self.assertEqual(self.count().figures, ["//a:b: 3 of a kind"])

    def test_cases_of_a_report(self):
        self.add_test("//a:b", "FAILED", JUNIT)
        self.assertEqual(self.numbers(), (1, 1, 1))
        self.assertEqual(self.count().failures, ["//a:b: bad"])

    def test_a_program_that_fails_after_its_report_is_a_failure(self):
        self.add_test("//a:leaks", "FAILED", ALL_GOOD)
        self.assertEqual(self.numbers(), (1, 1, 0))

    def test_a_timeout_is_a_failure(self):
        self.add_test("//a:slow", "TIMEOUT", None, "3 passed, 0 failed\n")
        self.assertEqual(self.numbers(), (3, 1, 0))

    def test_the_last_summary_line_counts_where_bazel_wrote_the_report(self):
        self.add_test("//a:script", "PASSED", BAZELS_OWN, "1 passed, 0 failed\nagain\n7 passed, 0 failed, 2 skipped\n")
        self.assertEqual(self.numbers(), (7, 0, 2))

    def test_a_summary_inside_a_line_is_none(self):
        self.add_test("//a:script", "PASSED", BAZELS_OWN, "conformance va: 5 passed, 0 failed, 1 skipped\n")
        self.assertEqual(self.numbers(), (1, 0, 0))

    def test_a_silent_program_is_one_case(self):
        self.add_test("//a:good", "PASSED", BAZELS_OWN)
        self.add_test("//a:bad", "FAILED", BAZELS_OWN)
        self.assertEqual(self.numbers(), (1, 1, 0))

    def test_what_cannot_be_built_is_a_failure(self):
        self.events += [
            {"id": {"targetConfigured": {"label": "//a:test"}}, "configured": {"targetKind": "cc_test rule"}},
            {"id": {"targetCompleted": {"label": "//a:test"}}, "completed": {}},
            {"id": {"testSummary": {"label": "//a:test"}}, "testSummary": {"overallStatus": "NO_STATUS"}},
            {"id": {"targetCompleted": {"label": "//a:library"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}},
        ]
        self.assertEqual(self.numbers(), (0, 2, 0))

    def test_what_was_not_reached_is_skipped(self):
        self.events += [
            {"id": {"targetConfigured": {"label": "//a:test"}}, "configured": {"targetKind": "sh_test rule"}},
            {"id": {"targetCompleted": {"label": "//a:test"}}, "aborted": {"reason": "USER_INTERRUPTED"}},
            {"id": {"targetCompleted": {"label": "//a:library"}}, "aborted": {"reason": "USER_INTERRUPTED"}},
        ]
        self.assertEqual(self.numbers(), (0, 0, 1))


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
