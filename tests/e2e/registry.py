"""The list of scenarios: written once, run in every place. Importing `scenarios` fills it."""

import dataclasses
import typing

PLACES = ("netns", "vm")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One story with a name that says the behaviour; `limit` is in seconds on a fast machine."""
    name: str
    function: typing.Callable
    parameters: dict
    limit: float
    needs_programs: bool
    places: tuple


SCENARIOS = {}


def scenario(name, limit=45.0, needs_programs=True, places=PLACES, **parameters):
    """Registers a function as a scenario; may be stacked, with other names and parameters. `places` are those in which
    it runs: all, but for what the place adds nothing to and takes too long in."""
    def register(function):
        assert name not in SCENARIOS, f"two scenarios are called {name}"
        SCENARIOS[name] = Scenario(name, function, parameters, limit, needs_programs, places)
        return function
    return register
