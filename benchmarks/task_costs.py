"""The costs of the native H.264 engine's tasks, from what h264_task_costs and the counting plug-in print."""

import re

# The marks of a picture's rows, each until the next one.
ROW = ("entropy", "prediction", "reconstruction", "deblocking", "end")


class Malformed(Exception):
    """The marks are not those of the jobs."""


def costs_text(jobs, marks):
    """What simulate_h264 reads. `jobs` is h264_task_costs's output, `marks` the plug-in's."""
    reached = [(name, int(count)) for name, count in re.findall(r"^mark_(\w+) at (\d+)$", marks, re.MULTILINE)]
    text, position = "", 0
    for known, lines in re.findall(r"^job (.*)\nlines ?(.*)$", jobs, re.MULTILINE):
        rows = lines.split()
        used = reached[position:position + len(ROW) * len(rows) + 4]
        position += len(used)
        text += job_text(known.split(), rows, used)
    if position != len(reached) or not text:
        raise Malformed(f"{position} marks are the jobs', {len(reached)} were reached")
    return text


def job_text(known, rows, marks):
    """Of one job: what is known of it, the lines that each row needs, and its marks in order."""
    if [name for name, _ in marks] != ["start", "end", *ROW * len(rows), "finish", "end"]:
        raise Malformed(f"a job's marks are {[name for name, _ in marks[:8]]}…")
    counts = [count for _, count in marks]
    finish = counts[-1] - counts[-2]
    text = f"picture {' '.join(known[:5])} {counts[1] - counts[0]} {finish}{''.join(' ' + back for back in known[5:])}\n"
    for row, lines in enumerate(rows):
        first = 2 + len(ROW) * row
        entropy, prediction, reconstruction, deblocking = (
            counts[first + task + 1] - counts[first + task] for task in range(4))
        text += f"row {entropy} {prediction} {lines} {reconstruction} {deblocking}\n"
    return text
