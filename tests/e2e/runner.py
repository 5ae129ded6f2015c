"""Runs scenarios one after another and stores what became of each: results/<scenario>/result.json and logs beside it.
It must leave nothing behind: every scenario's world is closed whatever happened."""

import json
import os
import signal
import time
import traceback

import backends
import shell
from programs import Gateway
from registry import SCENARIOS
from world import World


class TimeUp(BaseException):
    """The scenario's time limit passed. Not an Exception, so that no scenario swallows it."""


def _on_alarm(_number, _frame):
    raise TimeUp()


class Environment:
    """What a scenario is given: the world, the jitwg programs, a folder for its logs."""

    def __init__(self, place, binaries, folder):
        self.place = place
        self.folder = folder
        self.world = World(backends.make(place, folder), folder)
        self._binaries = binaries
        self._gateways = []
        self.jitwg = self.another_jitwg("")

    def another_jitwg(self, name):
        """The jitwg of one more gateway, with logs of its own."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        self._gateways.append(Gateway(self._binaries, folder))
        return self._gateways[-1]

    def finish(self):
        for jitwg in self._gateways:
            jitwg.finish()

    def close(self):
        try:
            for jitwg in self._gateways:
                jitwg.close()
        finally:
            self.world.close()


def _attempt(scenario, place, binaries, folder):
    """Returns None, or what went wrong."""
    environment = None
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, scenario.limit * shell.time_scale)
    try:
        environment = Environment(place, binaries, folder)
        environment.world.build()
        scenario.function(environment, **scenario.parameters)
        environment.finish()
        return None
    except TimeUp:
        return f"time-out after {scenario.limit * shell.time_scale:.0f} s\n{traceback.format_exc()}"
    except Exception as error:  # whatever a scenario raises is its failure, not the run's
        return f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if environment:
            _keep_state(environment, folder)
            environment.close()


def _keep_state(environment, folder):
    try:
        with open(os.path.join(folder, "world.txt"), "w", encoding="utf-8") as file:
            file.write(environment.world.describe())
    except Exception as error:  # a diagnosis must not hide the failure it is for
        print(f"    (the world could not be described: {error})")


def run_one(scenario, place, binaries, results):
    folder = os.path.join(results, scenario.name)
    os.makedirs(folder)
    begin = time.monotonic()
    problem = _attempt(scenario, place, binaries, folder)
    result = {"scenario": scenario.name, "place": place, "outcome": "failed" if problem else "passed",
              "seconds": round(time.monotonic() - begin, 2), "problem": problem or ""}
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    return result


def run_all(names, place, binaries, results):
    """Runs the named scenarios, prints a line for each, returns their results."""
    done = []
    for name in names:
        result = run_one(SCENARIOS[name], place, binaries, results)
        done.append(result)
        print(f"{result['outcome']:6} {result['seconds']:7.2f} s  {place}  {name}", flush=True)
        if result["problem"]:
            print("       " + result["problem"].strip().replace("\n", "\n       "), flush=True)
    with open(os.path.join(results, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(done, file, indent=1)
    return done
