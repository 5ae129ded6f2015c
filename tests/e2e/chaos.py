#!/usr/bin/python3
"""Injects faults into a gateway while clients keep connecting, and counts who was left outside, which peers stayed behind
and which secrets came out. Needs root; needs no network. scripts/chaos builds what it needs and runs it."""

import argparse
import collections
import contextlib
import json
import os
import random
import resource
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import faults  # noqa: E402  (after the path is set)
import isolation  # noqa: E402
import near  # noqa: E402
import runner  # noqa: E402
import secret_scan  # noqa: E402
import shell  # noqa: E402
import visits  # noqa: E402
import wg  # noqa: E402
from chaos_gateway import ChaosGateway  # noqa: E402
from control_plane import with_control_plane  # noqa: E402
from programs import NOBODY  # noqa: E402
from registry import Variant  # noqa: E402
from scenarios.crowds import FIRST_HOST, SOURCES, Witness, text  # noqa: E402
from shell import ip_batch, run, wait_until  # noqa: E402
from wire_tap import WireTap  # noqa: E402
from world import GATEWAY, host_prefixes, outer_address  # noqa: E402

IDLE_TIMEOUT = "6s"
TRACED = 10.0  # seconds in which the daemons tell all that gRPC can trace
TLS_RECORD = b"\x17\x03\x03"
STATE_SIZE = "32m"  # the write-ahead logs of both databases need 4 MiB each
PROGRAMS = ("jitwg-sniffer", "jitwg-provisioner", "jitwg-peer-api", "jitwgctl")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=30, metavar="N", help="so many (default 30; about 4 s each)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of faults and of visitors (default 1)")
    parser.add_argument("--visitors", type=int, default=200, metavar="N", help="registered clients (default 200)")
    parser.add_argument("--rate", type=float, metavar="N", help="visits a second (default 8; vm: 2)")
    parser.add_argument("--kinds", metavar="NAME[,NAME...]", help="only these faults")
    parser.add_argument("--place", choices=("netns", "vm"), default="netns",
                        help="vm: inside a virtual machine already; steps its clock too")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"), help="folder of the programs")
    parser.add_argument("--shim", metavar="FILE", help="the library jitwg_fault_shim (default: beside the programs)")
    parser.add_argument("--results", metavar="DIR", help="folder for logs and chaos.json (default: a new one in /tmp)")
    return parser.parse_args()


def make_visitors(env, gateway, api, count):
    """Registered with preshared keys, so that the scan has something to look for."""
    env.world.add_host("crowd", 5)
    ip_batch([f"addr add {source}/24 dev eth0" for source in SOURCES], "crowd")
    target = (outer_address(1, 4), gateway.port)
    visitors = [visits.Visitor(wg.raw(gateway.keys.public), SOURCES[number % len(SOURCES)], target)
                for number in range(count)]
    for number, visitor in enumerate(visitors):
        api.create(text(visitor.public), host_prefixes(0, FIRST_HOST + number), preshared_key=text(visitor.psk))
    return visitors


class Injection:
    """Each kind of fault comes in turn, in a random order. Remembers how many of each came, and when."""

    def __init__(self, stage, crowd, options):
        self.count, self.stretches = collections.Counter(), []
        self._stage, self._crowd, self._options = stage, crowd, options
        self._order = random.Random(options.seed)

    def _kinds(self, tls):
        wanted = set(self._options.kinds.split(",")) if self._options.kinds else None
        kinds = [kind for kind in faults.of(self._options.place, tls) if wanted is None or kind.__name__ in wanted]
        self._order.shuffle(kinds)
        return kinds

    def inject(self, number, tls):
        kinds = []
        for _ in range(number):
            kinds = kinds or self._kinds(tls)
            if not kinds:
                return
            fault = kinds.pop()
            print(f"    {sum(self.count.values()) + 1:4} {fault.__name__}", end="", flush=True)
            begin = time.monotonic()
            self.stretches += faults.inject(fault, self._stage)
            self.count[fault.__name__] += 1
            print(f" {time.monotonic() - begin:.1f} s", flush=True)
            self._crowd.check()
            time.sleep(self._order.uniform(1.0, 4.0))

    @contextlib.contextmanager
    def accounted(self):
        """What is done inside disturbs the clients, too, and counts as no fault."""
        begin = time.monotonic()
        yield
        self.stretches.append((begin, time.monotonic() + faults.RECOVERY))


def start(env, gateway, traced=False):
    env.jitwg.start(gateway, provisioner=("--idle-timeout", IDLE_TIMEOUT, "--unfinished-timeout", "15s"), traced=traced)


def disturb(env, gateway, injection, number):
    """The first half of the faults with the daemons on a Unix socket, then a while in which all is traced, then the
    second half over TCP with mutual TLS."""
    injection.inject(number // 2, tls=False)
    with injection.accounted():
        env.jitwg.stop()
        start(env, gateway, traced=True)
    time.sleep(TRACED * shell.time_scale)
    with injection.accounted():
        env.jitwg.stop()
        env.jitwg.use_tls()
        start(env, gateway)
    with WireTap(GATEWAY, os.path.join(env.folder, "wire.bin")) as tap:
        injection.inject(number - number // 2, tls=True)
        time.sleep(1.0)
    assert tap.saw(TLS_RECORD), "the wire between the daemons was not seen"


def what_programs_say(env, folder):
    """Everything that jitwgctl prints of a gateway at work, for the scan."""
    for number, words in enumerate((("status",), ("--json", "status"), ("peers",), ("--json", "peers"), ("decisions",),
                                    ("--json", "decisions"))):
        with open(os.path.join(folder, f"said-{number}.txt"), "w", encoding="utf-8") as file:
            done = env.jitwg.ctl(*words)
            file.write(done.stdout + done.stderr)


def leaked(gateway, witness):
    """Peers that are still there long after the last client went."""
    def ours():
        return set(gateway.peers()) - {witness.key}
    try:
        wait_until(lambda: not ours(), 60, "every peer of a client that went is removed", interval=0.5)
    except AssertionError:
        pass
    assert witness.key in gateway.peers(), "the peer that was made by hand is gone"
    return sorted(ours())


def where_they_may_not_be(found, state):
    """Without the gateway's cache of the registry, which keeps preshared keys and is its user's alone: what the scan finds
    there shows that it can find something."""
    cache = os.path.join(state, "cache.db")
    assert os.stat(cache).st_mode & 0o077 == 0, f"{cache} is open to others"
    kept = [(name, path) for name, path in found if path.startswith(cache) and name.startswith("the preshared key")]
    assert kept, "the scan did not even find what is in the cache"
    return [one for one in found if one not in kept]


def play(env, options):
    """The whole story. Returns the figures."""
    state = f"{env.jitwg.run}/provisioner"
    run("mount", "-t", "tmpfs", "-o", f"size={STATE_SIZE},mode=0755,uid={NOBODY},gid={NOBODY}", "tmpfs", state)
    try:
        with with_control_plane(env) as (postgres, api):
            gateway = env.world.add_interface()
            visitors = make_visitors(env, gateway, api, options.visitors)
            witness = Witness(env, gateway)
            start(env, gateway)
            stage = faults.Stage(env, gateway, witness.client, postgres, api, state)
            with visits.Visits("crowd", visitors, options.rate, options.seed) as crowd:
                injection = Injection(stage, crowd, options)
                disturb(env, gateway, injection, options.faults)
                what_programs_say(env, env.folder)
                done = crowd.leave(visits.GIVE_UP + 30)
            left = leaked(gateway, witness)
            secrets = {"the interface's private key": wg.raw(gateway.keys.private)}
            secrets.update({f"the preshared key of visitor {number}": visitor.psk for number, visitor in enumerate(visitors)})
            env.finish()
            found, files, size = secret_scan.scan([env.folder, env.jitwg.run], secrets,
                                                  left_out=(f"{env.jitwg.run}/postgres",))
            found = where_they_may_not_be(found, state)
        outside = visits.outside_too_long(done, injection.stretches, crowd.stalls)
        return {"faults": dict(injection.count), "visits": len(done), "later": sum(len(visit.tries) > 1 for visit in done),
                "stalls": len(crowd.stalls), "outside": [visit._asdict() for visit in outside], "stretches": injection.stretches,
                "leaked": left, "secrets": found, "files": files, "bytes": size}
    finally:
        run("umount", state, check=False)


def table(figures):
    print(f"\n{'fault':30} times")
    for name, times in sorted(figures["faults"].items()):
        print(f"{name:30} {times:5}")
    print(f"{'all':30} {sum(figures['faults'].values()):5}\n")
    print(f"{figures['visits']} visits, {figures['later']} in at a later try than the first; {figures['files']} files with "
          f"{figures['bytes']} bytes looked through; the machine stood still {figures['stalls']} times")
    print(f"clients left outside longer than one retry: {len(figures['outside'])}")
    print(f"peers leaked: {len(figures['leaked'])}")
    print(f"secrets found: {len(figures['secrets'])}" + "".join(f"\n    {name} in {path}" for name, path in figures["secrets"]))
    print(f"RESULT chaos faults={sum(figures['faults'].values())} outside={len(figures['outside'])} "
          f"leaked={len(figures['leaked'])} secrets={len(figures['secrets'])}")


class Environment(runner.Environment):
    gateway_kind = ChaosGateway


def environment(options, folder):
    binaries = os.path.abspath(options.bin)
    options.rate = options.rate or (2.0 if options.place == "vm" else 8.0)
    ChaosGateway.library = os.path.abspath(
        options.shim or os.path.join(os.path.dirname(binaries), "bench", "libjitwg_fault_shim.so"))
    if not os.path.exists(ChaosGateway.library):
        sys.exit(f"chaos.py: {ChaosGateway.library} is not there: build the target jitwg_fault_shim")
    if options.place == "vm":
        shell.time_scale = 3.0
        binaries = near.keep_near(binaries, PROGRAMS)
    return Environment(Variant(options.place), binaries, folder)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("chaos.py: needs root")
    if not isolation.isolated():
        return isolation.isolate(sys.argv)
    isolation.private_folders()
    for name in [name for name in os.environ if name.startswith("JITWG_") and not name.startswith("JITWG_E2E_")]:
        del os.environ[name]
    folder = os.path.abspath(options.results or tempfile.mkdtemp(prefix="jitwg-chaos-"))
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)  # where a core would be written
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    env = environment(options, folder)
    try:
        env.world.build()
        figures = play(env, options)
    finally:
        env.close()
    with open(os.path.join(folder, "chaos.json"), "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
    table(figures)
    print(f"logs: {folder}")
    return 1 if figures["outside"] or figures["leaked"] or figures["secrets"] else 0


if __name__ == "__main__":
    sys.exit(main())
