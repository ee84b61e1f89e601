#!/usr/bin/env python3
"""Marks of the counting plug-in as costs of tasks."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "benchmarks"))
import task_costs  # noqa: E402  (of the folder just added)

JOBS = "job 0 2 1 16 1\nlines 0\njob 1 3 4 0 0 1 2\nlines 4294967295 7\n"
ROW = "mark_entropy at {0}20\nmark_prediction at {0}30\nmark_reconstruction at {0}34\nmark_deblocking at {0}50\n" \
      "mark_end at {0}57\n"
MARKS = ("instructions of main: 3\nmark_start at 105\nmark_end at 115\n" + ROW.format(1) + "mark_finish at 160\nmark_end at 161\n"
         "mark_start at 200\nmark_end at 220\n" + ROW.format(2) + ROW.format(3) + "mark_finish at 360\nmark_end at 400\n"
         "instructions: 2000\n")


class TaskCostsTest(unittest.TestCase):
    def test_each_task_costs_what_lies_between_its_marks(self):
        self.assertEqual(task_costs.costs_text(JOBS, MARKS),
                         "picture 0 2 1 16 1 10 1\nrow 10 4 0 16 7\n"
                         "picture 1 3 4 0 0 20 40 1 2\nrow 10 4 4294967295 16 7\nrow 10 4 7 16 7\n")

    def test_marks_that_are_not_those_of_the_jobs(self):
        for old, new in (("mark_start at 105\n", ""), ("mark_end at 400\n", ""), ("mark_end at 257\n", ""),
                         ("mark_deblocking at 150", "mark_entropy at 150"), (MARKS, "")):
            with self.subTest(old=old), self.assertRaises(task_costs.Malformed):
                task_costs.costs_text(JOBS, MARKS.replace(old, new))

    def test_no_job(self):
        with self.assertRaises(task_costs.Malformed):
            task_costs.costs_text("", "")


if __name__ == "__main__":
    unittest.main()
