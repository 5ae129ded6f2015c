"""The network that completion strategies are compared in: one gateway with a WireGuard interface, a sniffer and a
provisioner for each strategy, a client beside it and a client behind a router that translates addresses."""

import dataclasses
import os
import time

import wg
from programs import Gateway
from shell import ip_batch, run
from world import GATEWAY, OUTER, SWITCH, World, inner_address, inner_prefix, outer_address

from completion_taps import Caller

ROUTER = "nat"
ROUTER_NUMBER, SECOND_NUMBER, NAT_CLIENT_NUMBER = 200, 201, 202
FIRST_HOST = 10
NOTICED = 15.0  # seconds
# Name -> options of the sniffer; None: peers are put in by hand and nobody listens.
STRATEGIES = {
    "pre-installed": None,
    "hold": ("--completion", "hold"),
    "reinject-mirred": ("--completion", "reinject", "--reinject", "mirred"),
    "reinject-raw": ("--completion", "reinject", "--reinject", "raw"),
    "initiate": ("--completion", "initiate"),
    "retry": ("--completion", "retry"),
    "auto": ("--completion", "auto"),
}


@dataclasses.dataclass
class Subject:
    """One strategy in the network."""
    name: str
    interface: object          # world.GatewayInterface
    jitwg: Gateway = None      # None: peers are put in by hand
    used: str = ""             # what the sniffer says it uses
    problem: str = ""          # why it is not available


class BenchWorld(World):
    """World with a router: the client behind it is reached only by whom it called, from where it was called."""

    def add_router_and_client(self):
        """Returns the client's namespace; its WireGuard interface is called wgn."""
        self.add_host(ROUTER, ROUTER_NUMBER)
        self._add_namespace("cn")
        ip_batch(["link add lan type veth peer name eth0 netns cn", "addr add 172.20.0.1/24 dev lan", "link set lan up"],
                 ROUTER)
        ip_batch(["addr add 172.20.0.2/24 dev eth0", "link set eth0 up", "route add default via 172.20.0.1"], "cn")
        run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", ns=ROUTER)
        rules = "table ip nat { chain post { type nat hook postrouting priority srcnat; oifname eth0 masquerade; }; }\n"
        run("nft", "-f", "-", ns=ROUTER, stdin=rules)
        self.backend.create("cn", "wgn")
        return "cn"

    def delay(self, milliseconds):
        """So much for every packet each way: on leaving the switch for the gateway, and for the client beside it."""
        for port in (f"p-{GATEWAY}", "p-c1"):
            run("tc", "qdisc", "del", "dev", port, "root", ns=SWITCH, check=False)
            if milliseconds:
                run("tc", "qdisc", "add", "dev", port, "root", "netem", "delay", f"{milliseconds}ms", ns=SWITCH)


class Side:
    """A client's end: one WireGuard interface that takes another key for every call."""

    def __init__(self, ns, interface, subjects, hosts):
        self._ns, self._interface, self._called = ns, interface, []
        self._port = 20000
        lines = [f"link set {interface} up"]
        for subject in subjects:
            lines += [f"addr add {inner_address(subject.interface.network, host, 4)}/32 dev {interface}" for host in hosts]
            lines.append(f"route add {inner_prefix(subject.interface.network, 4)} dev {interface}")
        ip_batch(lines, ns)
        self._caller = Caller(ns, interface)

    def call(self, subject, key, address, limit):
        """The holder of `key` calls the subject's gateway interface at `address`, from a port never used before."""
        gateway, self._port = subject.interface, self._port + 1
        # One command for all: each process costs a tenth of a second in the virtual machine.
        forget = [word for public in self._called for word in ("peer", public, "remove")]
        endpoint = f"[{address}]:{gateway.port}" if ":" in address else f"{address}:{gateway.port}"
        wg.configure(self._ns, self._interface, "listen-port", self._port, "private-key", "/dev/stdin", *forget,
                     "peer", gateway.keys.public, "endpoint", endpoint, "allowed-ips", inner_prefix(gateway.network, 4),
                     secrets=[key.private])
        self._called = [gateway.keys.public]
        source, target = (inner_address(gateway.network, host, 4) for host in (key.host, 1))
        return self._caller.call(source, target, limit)


@dataclasses.dataclass(frozen=True)
class Key:
    """A client's key pair and the host number of its inner address."""
    private: str
    public: str
    host: int


class Bench:
    """All subjects; the programs of one at a time, and one call at a time."""

    def __init__(self, world, binaries, folder, registry, keys):
        """`registry`: an SQLite file in which all keys are registered. `keys`: by strategy."""
        self.world, self._keys = world, keys
        self._binaries, self._folder, self._registry = binaries, folder, registry
        self._removed_at = {}  # public key -> monotonic seconds
        self.subjects = [Subject(name, world.add_interface(f"wg{number}", number, 51820 + number))
                         for number, name in enumerate(STRATEGIES) if name in keys]
        hosts = [key.host for key in next(iter(keys.values()))]
        near = world.add_client()
        self.near = Side(near.ns, near.interface, self.subjects, hosts)
        self.far = Side(world.add_router_and_client(), "wgn", self.subjects, hosts)
        ip_batch([f"addr add {outer_address(SECOND_NUMBER, 4)}/24 dev eth0"], GATEWAY)

    def start(self, subject):
        """Starts the subject's programs. False, and the subject tells why, when the sniffer refuses."""
        if STRATEGIES[subject.name] is None:
            return True
        folder = os.path.join(self._folder, subject.name)
        os.makedirs(folder, exist_ok=True)
        subject.jitwg = Gateway(self._binaries, folder)
        subject.jitwg.registry = f"sqlite:{self._registry}"
        try:
            # The programs' own pace, not the scenarios' quicker one.
            subject.jitwg.start(subject.interface, sniffer=STRATEGIES[subject.name], provisioner=("--evict-interval", "10s"))
        except AssertionError:
            if subject.jitwg.sniffer.running:
                raise
            subject.problem = reason(subject.jitwg.sniffer.log())
            return False
        subject.used = subject.jitwg.status().completion
        return True

    def stop(self, subject):
        """Asks the programs to end. AssertionError when one had died, or does not end well."""
        if subject.jitwg:
            try:
                if not subject.problem:
                    subject.jitwg.finish()
            finally:
                subject.jitwg.close()
                subject.jitwg = None

    def call(self, subject, number, side=None, address=None, limit=40.0):
        """One first handshake of the subject's client with this number, whose peer is not there; it is gone again
        after it."""
        key = self._keys[subject.name][number]
        by_hand = ["peer", key.public]
        # The sniffer notices within ten seconds what others did to its interface.
        time.sleep(max(0.0, self._removed_at.get(key.public, -NOTICED) + NOTICED - time.monotonic()))
        if STRATEGIES[subject.name] is None:
            wg.configure(GATEWAY, subject.interface.name, *by_hand, "allowed-ips",
                         f"{inner_address(subject.interface.network, key.host, 4)}/32")
        outcome = (side or self.near).call(subject, key, address or outer_address(1, 4), limit)
        # Not by jitwgctl, which costs a second here. A peer left behind would call its vanished client for minutes.
        wg.configure(GATEWAY, subject.interface.name, *by_hand, "remove")
        self._removed_at[key.public] = time.monotonic()
        return outcome

    def close(self):
        for subject in self.subjects:
            if subject.jitwg:
                subject.jitwg.close()
        self.world.close()


def reason(log):
    """The last line of a program that refused to start, without its time stamp."""
    lines = [line for line in log.splitlines() if line.strip()] or ["it ended without a word"]
    return lines[-1].split(" error ", 1)[-1].strip()
