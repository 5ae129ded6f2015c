"""Runs scenarios, several at once when told to, and stores what became of each: results/<scenario>/result.json and logs
beside it. It must leave nothing behind: every scenario's world is closed whatever happened."""

import functools
import json
import os
import signal
import time
import traceback

import backends
import jobs
import shell
from programs import Gateway
from registry import SCENARIOS
from websocket import Carrier
from world import World


class TimeUp(BaseException):
    """The scenario's time limit passed. Not an Exception, so that no scenario swallows it."""


def _on_alarm(_number, _frame):
    raise TimeUp()


class Environment:
    """What a scenario is given: the world, the jitwg programs, a folder for its logs."""
    gateway_kind = Gateway

    def __init__(self, variant, binaries, folder):
        self.variant = variant
        self.folder = folder
        self.world = World(backends.make(variant.place, folder), folder)
        self._binaries = binaries
        self._gateways = []
        self.jitwg = self.another_jitwg("")
        self.world.carrier = Carrier(self.jitwg) if variant.transport == "ws" else None

    def another_jitwg(self, name):
        """The jitwg of one more gateway, with logs of its own."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        self._gateways.append(self.gateway_kind(self._binaries, folder))
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


def _attempt(scenario, variant, binaries, folder):
    """Returns None, or what went wrong."""
    environment = None
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, scenario.limit * shell.time_scale)
    try:
        environment = Environment(variant, binaries, folder)
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


def _store(results, scenario, variant, outcome, seconds=0.0, problem=""):
    result = {"scenario": scenario.name, "place": variant.place, "completion": variant.completion,
              "transport": variant.transport, "outcome": outcome, "seconds": round(seconds, 2), "problem": problem}
    with open(os.path.join(results, scenario.name, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    return result


def run_one(scenario, variant, binaries, results):
    begin = time.monotonic()
    problem = _attempt(scenario, variant, binaries, os.path.join(results, scenario.name))
    _store(results, scenario, variant, "failed" if problem else "passed", time.monotonic() - begin, problem or "")


def _show(result, folder):
    """One line for each scenario, after what it printed itself."""
    output = os.path.join(folder, "output.txt")
    if os.path.exists(output):
        with open(output, encoding="utf-8", errors="replace") as file:
            print(file.read(), end="")
    reason = f": {result['problem']}" if result["outcome"] == "n/a" else ""
    print(f"{result['outcome']:6} {result['seconds']:7.2f} s  {result['place']}  {result['scenario']}{reason}", flush=True)
    if result["outcome"] == "failed":
        print("       " + result["problem"].strip().replace("\n", "\n       "), flush=True)


def _load(results, scenario, variant):
    """The result that a scenario's process left; a process that died left none."""
    try:
        with open(os.path.join(results, scenario.name, "result.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return _store(results, scenario, variant, "failed", problem="its process ended without a result: see output.txt")


def run_all(names, variant, binaries, results, count):
    """Runs the named scenarios, `count` at once but for those that must be alone, which come last. Prints a line for
    each, returns their results in the order of the names."""
    done = {}

    def keep(scenario, result):
        done[scenario.name] = result
        _show(result, os.path.join(results, scenario.name))

    chosen = [SCENARIOS[name] for name in names]
    for scenario in chosen:
        os.makedirs(os.path.join(results, scenario.name))
        reason = scenario.not_applicable(variant)
        if reason:
            keep(scenario, _store(results, scenario, variant, "n/a", problem=reason))
    chosen = [scenario for scenario in chosen if scenario.name not in done]
    together = [scenario for scenario in chosen if not scenario.alone or count == 1]
    if count > 1:
        # The long ones first, so that none of them is waited for at the end.
        together.sort(key=lambda scenario: -scenario.limit)
    for group, at_once in ((together, count), ([one for one in chosen if one not in together], 1)):
        tasks = [(functools.partial(run_one, scenario, variant, binaries, results),
                  os.path.join(results, scenario.name, "output.txt")) for scenario in group]
        jobs.run_all(tasks, at_once, lambda index, group=group: keep(group[index], _load(results, group[index], variant)))
    ordered = [done[name] for name in names]
    with open(os.path.join(results, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(ordered, file, indent=1)
    return ordered
