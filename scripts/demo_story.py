#!/usr/bin/python3
"""The story that scripts/demo tells, told only by what really happens: each line of the timeline waits for its evidence
from the wire, from wg(8), or from jitwg's own streams. Exit code 0 only when every step was seen."""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import backends  # noqa: E402  (after the path is set)
import isolation  # noqa: E402
import shell  # noqa: E402
import wg  # noqa: E402
from programs import Gateway, ORDINARY_USER  # noqa: E402
from status import WatchLine  # noqa: E402
from world import World, inner_address  # noqa: E402

IDLE_SECONDS = 5


class Timeline:
    """Prints the steps as they are proved, with the time since the client's first packet."""

    def __init__(self):
        self.start = None
        self.steps = 0

    def section(self, text):
        print(f"\n{text}", flush=True)

    def step(self, moment, peers, what, detail=""):
        self.steps += 1
        offset = f"{(moment - self.start) * 1000:+9.1f} ms" if self.start else " " * 12
        clock = datetime.datetime.fromtimestamp(moment).strftime("%H:%M:%S.%f")[:-3]
        print(f"  {clock}  {offset}   peers {peers}   {what:<26}{detail}".rstrip(), flush=True)


class Watch:
    """`jitwgctl watch --json` running beside the story; its lines are the evidence from inside."""

    def __init__(self, jitwg):
        self._lines = []
        self._process = subprocess.Popen(
            ORDINARY_USER + [jitwg.path("jitwgctl"), "--sniffer", jitwg.sniffer_socket, "--admin", jitwg.admin_socket,
                             "--json", "watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.append(WatchLine(json.loads(line)))

    def await_line(self, wanted, seconds, what):
        def find():
            if self._process.poll() is not None:
                raise AssertionError(f"jitwgctl watch ended: {self._process.stderr.read().strip()}")
            return next((line for line in self._lines if wanted(line)), None)
        return shell.wait_until(find, seconds, what)

    def await_ready(self):
        """Both streams begin with a sign of life; until then something might be missed."""
        self.await_line(lambda line: line.is_event_heartbeat, 10, "the stream of events begins")
        self.await_line(lambda line: line.is_decision_heartbeat, 10, "the stream of decisions begins")

    def close(self):
        shell.stop(self._process)


def choose_backend(log_folder):
    """The kernel's WireGuard where there is one."""
    shell.run("ip", "netns", "add", "probe")
    try:
        attempt = shell.run("ip", "-n", "probe", "link", "add", "probe0", "type", "wireguard", check=False)
    finally:
        shell.run("ip", "netns", "del", "probe")
    if attempt.returncode == 0:
        return backends.Kernel(), f"the kernel's WireGuard (Linux {os.uname().release})"
    reason = attempt.stderr.strip().splitlines()[0]
    return backends.Userspace(log_folder), (
        f"userspace WireGuard (wireguard-go), because this kernel, {os.uname().release}, has none: \"{reason}\"\n"
        "           (scripts/demo --vm shows the same on Debian's stock kernel)")


class PeerCount:
    """Asks wg(8) over and over how many peers the gateway has, and remembers when that changed."""

    def __init__(self, gateway):
        self.changes = [(time.time(), len(gateway.peers()))]
        self._gateway = gateway
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._end.wait(0.02):
            count = len(self._gateway.peers())
            if count != self.changes[-1][1]:
                self.changes.append((time.time(), count))

    def history(self):
        return [count for _, count in self.changes]

    def await_count(self, count, seconds):
        """When it was first seen to be so."""
        shell.wait_until(lambda: self.changes[-1][1] == count, seconds, f"the gateway has {count} peers")
        return self.changes[-1][0]

    def close(self):
        self._end.set()
        self._thread.join()


def first_contact(story, gateway, client, jitwg, watch, count):
    """From no peers to a ping through the tunnel."""
    story.section("A client that nobody installed calls:")
    before, lookups = count.changes[-1][1], jitwg.status().lookups
    ping = subprocess.Popen(["ip", "netns", "exec", client.ns, "ping", "-D", "-n", "-c", "1", "-W", "25",
                             inner_address(client.network, 1, 4)], stdout=subprocess.PIPE, text=True)
    mine = lambda line: line.public_key == client.keys.public  # noqa: E731
    event = watch.await_line(lambda line: line.is_event and mine(line), 10, "the sniffer tells of the initiation")
    story.start = event.captured_at
    story.step(event.captured_at, before, "initiation seen", f"148 bytes from {event.source}")
    decision = watch.await_line(lambda line: line.is_decision and mine(line), 10, "the provisioner tells its decision")
    assert decision.verdict == "installed", f"the decision was {decision.verdict}: {decision.detail}"
    # decided_at is when the installation was confirmed; the two durations before it were measured inside.
    answered_at = decision.decided_at - decision.install_us / 1e6
    asked_at = answered_at - decision.lookup_us / 1e6
    story.step(asked_at, before, "key unwrapped and proved", client.keys.public)
    asked = jitwg.status().lookups - lookups
    assert asked >= 1, "the registry was not asked"
    story.step(answered_at, before, "registry asked", f"{decision.peer_name or 'it'} may connect ({asked} look-up, "
               f"{decision.lookup_us} us)")
    count.await_count(before + 1, 5)
    story.step(decision.decided_at, count.changes[-1][1], "peer installed", f"{client.prefixes} "
               f"({decision.install_us} us)")
    output = ping.communicate(timeout=60)[0]
    assert ping.returncode == 0, f"no answer to the ping through the tunnel: {output}"
    peer = shell.wait_until(lambda: next((each for each in gateway.peers().values() if each.connected), None), 10,
                            "the gateway calls the handshake complete")
    assert peer.public_key == client.keys.public and client.gateway_peer().connected
    # ping -D: "[seconds] 64 bytes from ...". wg(8) tells the handshake's time in whole seconds only: it was over by then.
    stamp, answer = next(line for line in output.splitlines() if "time=" in line).split("] ", 1)
    answered = float(stamp.lstrip("["))
    story.step(answered, count.changes[-1][1], "handshake complete", f"on both sides; endpoint {peer.endpoint}")
    story.step(answered, count.changes[-1][1], "ping through the tunnel", answer.strip())


def departure(story, client, jitwg, watch, count):
    """From a silent client to no peers."""
    story.section(f"The client falls silent (limit here {IDLE_SECONDS} s; by default 300 s):")
    before = count.changes[-1][1]
    eviction = watch.await_line(lambda line: line.is_eviction and line.public_key == client.keys.public, 60,
                                "the provisioner tells of the eviction")
    assert eviction.reason == "idle", f"the peer went for another reason: {eviction.reason}"
    story.step(eviction.evicted_at, before, "idle", f"for {IDLE_SECONDS} s: evicted")
    gone = count.await_count(before - 1, 10)
    assert jitwg.status().evictions("idle") == 1
    story.step(max(gone, eviction.evicted_at), count.changes[-1][1], "peer gone")


def stranger(story, client, jitwg, watch, count):
    """A key that the registry does not know."""
    story.section("A client that the registry does not know calls:")
    before = count.changes[-1][1]
    answered = client.ping(4, 2.0)
    decision = watch.await_line(lambda line: line.is_decision and line.public_key == client.keys.public, 10,
                                "the provisioner tells its decision")
    assert not answered and decision.verdict == "unknown_key", f"the stranger: {decision.verdict}"
    story.step(decision.decided_at, before, "refused", f"verdict: {decision.verdict}")


def tell(binaries, folder):
    backend, description = choose_backend(folder)
    print(f"WireGuard: {description}")
    world, jitwg = World(backend, folder), Gateway(binaries, folder)
    closers = [world.close, jitwg.close]
    try:
        world.build()
        gateway, client, unknown = world.add_interface(), world.add_client(), world.add_client()
        client.point_at(gateway)
        unknown.point_at(gateway)
        jitwg.register(client, ["--name", "laptop-1"])
        jitwg.start(gateway, provisioner=("--idle-timeout", f"{IDLE_SECONDS}s", "--evict-interval", "500ms"))
        watch, count, story = Watch(jitwg), PeerCount(gateway), Timeline()
        closers += [watch.close, count.close]
        watch.await_ready()
        print(f"Gateway:   {gateway.name}, UDP port {gateway.port}, {len(gateway.peers())} peers; "
              "the registry knows laptop-1")
        stranger(story, unknown, jitwg, watch, count)
        first_contact(story, gateway, client, jitwg, watch, count)
        departure(story, client, jitwg, watch, count)
        assert count.history() == [0, 1, 0], f"peers went {count.history()}"
        print(f"\nPeers went {' -> '.join(str(each) for each in count.history())}. All {story.steps} steps were seen.")
    finally:
        for close in reversed(closers):
            close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of the three programs")
    options = parser.parse_args()
    if not isolation.isolated():
        return isolation.isolate(["-B"] + sys.argv)
    isolation.private_folders()
    if os.environ.get("JITWG_IN_VM") == "1":
        shell.time_scale = 3.0
    with tempfile.TemporaryDirectory(prefix="jitwg-demo-") as folder:
        try:
            tell(os.path.abspath(options.bin), folder)
        except (AssertionError, shell.CommandFailed, OSError) as problem:
            print(f"\ndemo: a step did not happen: {problem}", file=sys.stderr)
            for name in ("sniffer.log", "provisioner.log"):
                path = os.path.join(folder, name)
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        print(f"--- {name}\n" + "".join(file.readlines()[-15:]), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
