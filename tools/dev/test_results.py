"""Counts test cases from what one `bazel test` leaves: its build events, test.xml and test.log of each test."""

import dataclasses
import json
import os
import re
import urllib.parse
import xml.etree.ElementTree

# What a test written in Python or shell ends with; ', N skipped' may follow.
SUMMARY_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.MULTILINE)

# What a test wants to be read although it passed.
FIGURES_LINE = re.compile(r"^figures: (.+)$", re.MULTILINE)

# The statuses of a test that Bazel did not reach and of a target that it could not build, and Bazel's reasons when it was
# stopped.
NOT_RUN = "NO_STATUS"
NOT_BUILT = "FAILED TO BUILD"
STOPPED = ("USER_INTERRUPTED", "INCOMPLETE", "TIME_OUT")


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # What failed, one line each.
    failures: list = dataclasses.field(default_factory=list)
    # What was counted, for people, one line each.
    figures: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.figures += other.figures

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count_xml(path):
    """The cases of a JUnit file, None where it holds only what Bazel itself knows of the test as a whole."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    # Bazel's own file has one case with this attribute.
    if not cases or any(case.get("status") == "run" for case in cases):
        return None
    count = Count()
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
            count.failures.append(case.get("name"))
        elif case.find("skipped") is not None:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def count_log(path):
    """The last summary line of a test's output, None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            found = SUMMARY_LINE.findall(log.read())
    except OSError:
        return None
    if not found:
        return None
    passed, failed, skipped = found[-1]
    return Count(int(passed), int(failed), int(skipped or 0))


def figures_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return FIGURES_LINE.findall(log.read())
    except OSError:
        return []


def count_test(label, status, files):
    """One test program: its cases if it tells them, else itself. A program that failed counts at least one failure."""
    count = count_xml(files.get("test.xml", "")) or count_log(files.get("test.log", ""))
    passed = status in ("PASSED", "FLAKY")
    if count is None and status == NOT_RUN:
        count = Count(skipped=1)
    elif count is None:
        count = Count(passed=1) if passed else Count(failed=1, failures=[status.lower()])
    elif not passed and count.failed == 0:
        count.failed = 1
        count.failures.append(status.lower())
    names = count.failures or [f"{count.failed} cases"] * (count.failed > 0)
    count.failures = [f"{label}: {name}" for name in names]
    count.figures = [f"{label}: {figure}" for figure in figures_of(files.get("test.log", ""))]
    return count


def local_path(uri):
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path)


def count_events(path):
    """All tests of one bazel invocation, from its --build_event_json_file.

    A target that could not be built is a failure; a test that was not reached before Bazel was stopped is skipped.
    """
    results, statuses, tests = {}, {}, set()
    if not os.path.exists(path):
        return Count()
    with open(path, encoding="utf-8") as events:
        for line in events:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                break  # cut off when Bazel was stopped
            identity = event.get("id", {})
            if "testResult" in identity and "testResult" in event:
                outputs = event["testResult"].get("testActionOutput", [])
                label = identity["testResult"]["label"]
                results[label] = {output["name"]: local_path(output.get("uri", "")) for output in outputs}
                statuses.setdefault(label, event["testResult"]["status"])
            elif "testSummary" in identity and "testSummary" in event:
                label = identity["testSummary"]["label"]
                if statuses.get(label) != NOT_BUILT:
                    statuses[label] = event["testSummary"]["overallStatus"]
            elif "targetConfigured" in identity:
                if event.get("configured", {}).get("targetKind", "").endswith("_test rule"):
                    tests.add(identity["targetConfigured"]["label"])
            elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
                label = identity["targetCompleted"]["label"]
                if event.get("aborted", {}).get("reason") not in STOPPED:
                    statuses[label] = NOT_BUILT
                elif label in tests:
                    statuses.setdefault(label, NOT_RUN)
    total = Count()
    for label, status in sorted(statuses.items()):
        total.add(count_test(label, status, results.get(label, {})))
    return total
