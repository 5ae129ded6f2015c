"""Networks and firewalls that take a first packet's answer away: each is made, every strategy is tried in it, and it is
taken away again."""

import contextlib

from shell import in_netns, run
from world import GATEWAY, outer_address

from completion_world import SECOND_NUMBER

# Longer than a client's second try at 5.3 s, shorter than its third.
LIMIT = 9.0

LOOPBACK_FIREWALL = """table inet survival {
  chain in { type filter hook input priority 0; policy accept; iifname "lo" ip saddr != 127.0.0.0/8 drop; }
  chain out { type filter hook output priority 0; policy accept; fib saddr type != local drop; }
}
"""
DROP_POLICY = """table inet survival {
  chain in {
    type filter hook input priority 0; policy drop;
    iifname "eth0" udp dport 51820-51829 accept
    iifname "wg*" accept
  }
}
"""


@contextlib.contextmanager
def firewall(rules):
    run("nft", "-f", "-", ns=GATEWAY, stdin=rules)
    try:
        yield
    finally:
        run("nft", "delete", "table", "inet", "survival", ns=GATEWAY)


@contextlib.contextmanager
def strict_reverse_path():
    def write(value):
        with in_netns(GATEWAY), open("/proc/sys/net/ipv4/conf/all/rp_filter", "w", encoding="ascii") as file:
            file.write(value)
    write("1")  # of `all` and an interface's own the greater one counts
    try:
        yield
    finally:
        write("0")


# Title, behind the router?, the gateway's second address?, what is made for it.
CONDITIONS = (
    ("plain", False, False, contextlib.nullcontext),
    ("second address of the gateway", False, True, contextlib.nullcontext),
    ("client behind NAT", True, False, contextlib.nullcontext),
    ("second address, client behind NAT", True, True, contextlib.nullcontext),
    ("strict rp_filter", False, False, strict_reverse_path),
    ("firewall: loopback and output sources", False, False, lambda: firewall(LOOPBACK_FIREWALL)),
    ("firewall: drops all but eth0's WireGuard", False, False, lambda: firewall(DROP_POLICY)),
)


def verdict(outcomes, called):
    """One word or two for a cell of the table."""
    first = sum(outcome.at_first for outcome in outcomes)
    done = sum(outcome.completed for outcome in outcomes)
    if first == len(outcomes):
        word = "first"
    elif first:
        word = f"{first} of {len(outcomes)} first"
    else:
        word = "retry" if done == len(outcomes) else f"{done} of {len(outcomes)} at retry" if done else "never"
    wrong = any(outcome.completed and outcome.gateway_address != called for outcome in outcomes)
    return word + (" (from the other address)" if wrong else "")


def measure(bench, subject, numbers):
    """The subject, whose programs run, in every network. `numbers`: of its keys, those for each network. Returns
    condition -> {verdict, outcomes}."""
    found = {}
    for number, (title, behind, second, made) in enumerate(CONDITIONS):
        side = bench.far if behind else bench.near
        address = outer_address(SECOND_NUMBER if second else 1, 4)
        with made():
            outcomes = [bench.call(subject, key, side, address, LIMIT) for key in numbers(number)]
        found[title] = {"verdict": verdict(outcomes, address), "outcomes": [vars(outcome) for outcome in outcomes]}
    return found
