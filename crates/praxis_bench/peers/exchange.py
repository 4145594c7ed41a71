"""How a peer reads what it is asked and answers, line by line."""

import importlib
import json
import sys
import time

ABSENT = 69


def modules(*names):
    """The modules of the peer; ends with the exit code for an absent peer if one is missing."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as error:
        print(f"{error}", file=sys.stderr)
        sys.exit(ABSENT)


def request():
    return json.load(sys.stdin)


def answer(line):
    print(json.dumps(line), flush=True)


class Stopwatch:
    """Nanoseconds since it was started, on the wall and on this thread."""

    def __init__(self):
        self.cpu_ns = time.thread_time_ns()
        self.wall_ns = time.perf_counter_ns()

    def fields(self, what):
        wall_ns = time.perf_counter_ns() - self.wall_ns
        return {f"{what}_ns": wall_ns, f"{what}_cpu_ns": time.thread_time_ns() - self.cpu_ns}


def head(problem):
    return {"scene": problem["scene"], "index": problem["index"], "solved": False}


def rows(path):
    return [[float(value) for value in q] for q in path]
