"""Reads `jitwgctl --json status`. The only file that knows its field names, which are the protocol's own
(GetStatisticsResponse, StatusResponse and the watched messages)."""

import datetime
import time


def _find(tree, name):
    """The first value called `name`, however deep."""
    if isinstance(tree, dict):
        if name in tree:
            return tree[name]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            value = _find(branch, name)
            if value is not None:
                return value
    return None


class Status:
    """A snapshot of all counters. A counter that was never touched is 0; a missing field is an error."""

    def __init__(self, tree):
        self.tree = tree

    def _need(self, name):
        value = _find(self.tree, name)
        assert value is not None, f"`jitwgctl --json status` has no field {name!r}: {self.tree}"
        return value

    @property
    def lookups(self):
        """Look-ups that reached the registry."""
        return int(self._need("registry_lookups"))

    @property
    def sniffer_connected(self):
        return bool(_find(self.tree, "sniffer_connected"))

    def decisions(self, verdict):
        return int(self._need("decisions").get(verdict, 0))

    def all_decisions(self):
        return sum(int(count) for count in self._need("decisions").values())

    def evictions(self, reason):
        return int(self._need("evictions").get(reason, 0))

    def initiations(self, outcome):
        """Initiations as the sniffer counted them by outcome."""
        return int(self._need("initiations").get(outcome, 0))

    def refused_initiations(self):
        """Initiations that ended in any outcome but `authenticated`; the sniffer's own copies are none."""
        return sum(int(count) for outcome, count in self._need("initiations").items()
                   if outcome not in ("authenticated", "own_copy"))

    @property
    def completion(self):
        """How first handshakes are made to finish, e.g. "reinject by mirred"."""
        return self._need("completion")["strategy"]

    @property
    def reinjected(self):
        return int(self._need("reinjected"))


def _moment(value):
    """Seconds since 1970 from an RFC 3339 text or a number."""
    if isinstance(value, (int, float)):
        return float(value)
    whole, dot, fraction = value.rstrip("Z").partition(".")
    start = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return start.timestamp() + (float("0." + fraction) if dot else 0.0)


class WatchLine:
    """One line of `jitwgctl --json watch`: an event of the sniffer, a decision or an eviction of the provisioner, or a
    heartbeat."""

    def __init__(self, tree):
        self.tree = tree
        self.received_at = time.time()
        self.is_event = tree["type"] == "event"
        self.is_decision = tree["type"] == "decision"
        self.is_eviction = tree["type"] == "eviction"
        # The first one of each stream says that nothing is missed from there on.
        self.is_event_heartbeat = tree["type"] == "heartbeat" and tree["stream"] == "events"
        self.is_decision_heartbeat = tree["type"] == "heartbeat" and tree["stream"] == "decisions"

    def __getattr__(self, name):
        names = {"lookup_us": "lookup_microseconds", "install_us": "install_microseconds"}
        value = self.tree.get(names.get(name, name))
        if value is None and not name.endswith("_key"):
            raise AttributeError(f"`jitwgctl --json watch` has no field {name!r}: {self.tree}")
        return _moment(value) if name.endswith("_at") else value
