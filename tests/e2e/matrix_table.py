#!/usr/bin/python3
"""Prints what became of several runs of run.py as one table. Arguments: a folder, and the names of the runs' folders in
it. Exit code 0 only when every run has a summary and nothing in it failed."""

import collections
import json
import os
import sys

OUTCOMES = ("passed", "failed", "n/a")


def read(results, cell):
    """The run's results, or None when it did not come to its end."""
    try:
        with open(os.path.join(results, cell, "summary.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def main():
    results, *cells = sys.argv[1:]
    summaries = {cell: read(results, cell) for cell in cells}
    reasons, failures = collections.defaultdict(lambda: collections.defaultdict(list)), []
    print(f"\n{'place-variant':18}{'passed':>8}{'failed':>8}{'n/a':>6}")
    for cell, summary in summaries.items():
        if summary is None:
            print(f"{cell:18}  did not come to its end: see {os.path.join(results, cell)}")
            failures.append(f"{cell}: the whole run")
            continue
        passed, failed, left_out = (sum(result["outcome"] == outcome for result in summary) for outcome in OUTCOMES)
        print(f"{cell:18}{passed:>8}{failed:>8}{left_out:>6}")
        if not passed:
            failures.append(f"{cell}: nothing passed")
        for result in summary:
            if result["outcome"] == "n/a":
                reasons[result["problem"]][result["scenario"]].append(cell)
            elif result["outcome"] != "passed":
                failures.append(f"{cell}: {result['scenario']}: {(result['problem'].splitlines() or [''])[0]}")
    for reason, names in reasons.items():
        print(f"\nn/a, {reason}")
        for name, where in names.items():
            print(f"  {name}: {' '.join(where)}")
    if failures:
        print("\nfailed\n  " + "\n  ".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
