"""Counting checks: each prints its sentence, the last line is `N passed, N failed`."""

import sys
import time
import traceback


class Checks:
    """Runs named checks one after the other and keeps count; a failed one does not stop the rest."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, sentence, condition, detail=""):
        """Counts one fact; returns whether it holds."""
        if condition:
            self.passed += 1
            print(f"ok      {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {sentence}  {detail}", flush=True)
        return bool(condition)

    def run(self, sentence, function, *args):
        """Counts one function: it fails by raising."""
        try:
            detail = function(*args)
            self.check(sentence if not detail else f"{sentence}: {detail}", True)
            return True
        except Exception as error:  # every failure is counted and shown, none hidden
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            return self.check(sentence, False, str(error))

    def finish(self):
        """Prints the closing line and exits: 0 if something ran and nothing failed."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(0 if self.failed == 0 and self.passed > 0 else 1)


def wait_until(condition, timeout_s, spin=None, period_s=0.02):
    """Waits until `condition()` is truthy and returns what it gave; raises after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {getattr(condition, '__doc__', None) or condition}")
        if spin:
            spin(period_s)
        else:
            time.sleep(period_s)
