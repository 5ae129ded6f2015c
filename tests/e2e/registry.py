"""The list of scenarios: written once, run in every place, with every completion and over UDP and WebSockets. Importing
`scenarios` fills it."""

import dataclasses
import typing

PLACES = ("netns", "vm")
COMPLETIONS = ("auto", "hold", "reinject", "initiate", "retry")
TRANSPORTS = ("udp", "ws")
# A reason for udp_only.
NO_CLIENT = "no client calls in it, so nothing would be carried"


@dataclasses.dataclass(frozen=True)
class Variant:
    """What a whole run is about: where it runs, how the sniffers finish first handshakes (empty: as they choose), and
    how the clients' datagrams reach the gateway."""
    place: str
    completion: str = ""
    transport: str = "udp"


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One story with a name that says the behaviour; `limit` is in seconds on a fast machine. What it cannot be run
    with is given with the reason why."""
    name: str
    function: typing.Callable
    parameters: dict
    limit: float
    needs_programs: bool
    alone: bool
    chooses: str
    netns_only: str
    udp_only: str
    not_with: dict
    same_on_any_kernel: bool

    def not_applicable(self, variant):
        """Why there is nothing to run in this variant; empty when there is."""
        if variant.place != "netns" and self.netns_only:
            return f"only in namespaces: {self.netns_only}"
        if variant.transport != "udp" and self.udp_only:
            return f"only over UDP: {self.udp_only}"
        if self.chooses and variant.completion not in ("", "auto", self.chooses):
            return f"chooses the completion itself: {self.chooses}"
        if variant.completion in self.not_with:
            return f"not with {variant.completion}: {self.not_with[variant.completion]}"
        return ""


SCENARIOS = {}


def scenario(name, limit=45.0, needs_programs=True, alone=False, chooses="", netns_only="", udp_only="", not_with=None,
             same_on_any_kernel=False, **parameters):
    """Registers a function as a scenario; may be stacked, with other names and parameters. `alone`: measures time, or
    loads the machine so that others would fail beside it. `chooses`: the completion that it is about and sets itself.
    `same_on_any_kernel`: it is about our programs and never asks what the kernel's WireGuard does."""
    def register(function):
        assert name not in SCENARIOS, f"two scenarios are called {name}"
        SCENARIOS[name] = Scenario(name, function, parameters, limit, needs_programs, alone, chooses, netns_only,
                                   udp_only, not_with or {}, same_on_any_kernel)
        return function
    return register
