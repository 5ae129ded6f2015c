#!/usr/bin/python3
"""Tells one scenario's result of an earlier run.py: exit code 0 only when it was run and passed. A missing result is a
failure."""

import json
import os
import sys

LOG_TAIL = 40


def main():
    results, name = sys.argv[1:]
    folder = os.path.join(results, name)
    try:
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            result = json.load(file)
    except OSError as error:
        sys.exit(f"{name}: was not run: {error}")
    print(f"{name} in place {result['place']}: {result['outcome']} after {result['seconds']} s")
    if result["outcome"] == "passed":
        return 0
    print(result["problem"])
    for log in sorted(file for file in os.listdir(folder) if file.endswith((".log", ".txt"))):
        with open(os.path.join(folder, log), encoding="utf-8", errors="replace") as file:
            tail = file.readlines()[-LOG_TAIL:]
        if tail:
            print(f"--- {log}, last lines\n{''.join(tail)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
