#!/usr/bin/python3
"""A gateway with many pushed peers, few of which live, is switched to jitwg as docs/migrating.md says, on the real kernel in the
virtual machine: peers in the kernel over time, and what the live clients' pings notice of it. It judges nothing. Needs root."""

import argparse
import json
import os
import shutil
import threading
import time

import machine  # sets the path of the others
import pushed
import report
import wireguard_dump

LIST = "/run/bench-lists/pushed.conf"
VISIT = 30.0   # seconds that a visitor stays
STEADY = 15.0  # seconds between the events, so that the graph shows them apart

# As in docs/migrating.md, with the sniffer's address and the number of peers for one look.
CUT_OVER = """
set -o pipefail
$CTL --sniffer $SNIFFER --json peers --interface wg0 |
  jq -r 'select(.own | not) | select(.last_handshake == null or
         (.last_handshake | sub("[.][0-9]+Z"; "Z") | fromdate) < now - 180) | "peer", .public_key, "remove"' >$QUIET
head -n $((3 * AT_ONCE)) $QUIET | xargs -r -n 300 wg set wg0
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    machine.add_arguments(parser)
    parser.add_argument("--stale", type=int, default=50000, help="pushed peers that do not live (default %(default)s)")
    parser.add_argument("--live", type=int, default=50, help="pushed peers that do (default %(default)s)")
    parser.add_argument("--visitors", type=int, default=20,
                        help="stale peers whose clients come for half a minute while the rest are taken out (default %(default)s)")
    parser.add_argument("--idle-timeout", default="20s", help="of the provisioner (default %(default)s; as shipped: 300s)")
    parser.add_argument("--at-once", type=int, default=5000, help="peers taken out after one look (default %(default)s)")
    parser.add_argument("--limit", type=int, default=600, help="seconds after which the graph ends (default %(default)s)")
    return parser.parse_args()


def prepare(options, folder):
    """The list to push, the same peers in a registry, and the keys of those who call."""
    callers = options.live + options.visitors
    peers = [pushed.peer(number, number <= callers) for number in range(1, options.live + options.stale + 1)]
    path = os.path.join(folder, "pushed.conf")
    # The live ones are spread over the list.
    step = max(1, len(peers) // callers)
    order = sorted(range(len(peers)), key=lambda i: i * step if i < callers else i)
    pushed.write_conf(path, [peers[i] for i in order])
    pushed.import_conf(options.build, path, os.path.join(folder, "registry.db"))
    with open(os.path.join(folder, "clients.json"), "w", encoding="ascii") as file:
        json.dump(peers[:callers], file)


class Sampler(threading.Thread):
    """Counts the kernel's peers every few seconds."""

    def __init__(self, ns, begin, every=3.0):
        super().__init__(daemon=True)
        self._reader, self._begin, self._every = wireguard_dump.Reader(ns), begin, every
        self._ended, self.samples = threading.Event(), []

    def run(self):
        while not self._ended.is_set():
            self.look()
            self._ended.wait(self._every)

    def look(self):
        at = time.monotonic() - self._begin
        self.samples.append((round(at, 2), len(self._reader.dump("wg0")[1])))

    def stop(self):
        self._ended.set()
        self.join()
        self.look()


class Story:
    """The gateway and what happens to it."""

    def __init__(self, options, folder, logs):
        import backends
        import programs
        import shell
        import world
        shell.time_scale = 3.0
        self._options, self._folder = options, folder
        binaries = machine.bring_near(options)
        self._world = world.World(backends.make("vm", logs), logs)
        self._world.build()
        self._interface = self._world.add_interface()
        self._interface.prefixes = lambda: [pushed.PREFIX]
        shell.ip_batch([f"addr add {pushed.GATEWAY_ADDRESS}/8 dev wg0"], world.GATEWAY)
        self._gateway, self._jitwg = world.GATEWAY, programs.Gateway(binaries, logs)
        self._jitwg.registry = machine.bring_registry(folder, "registry.db")
        self._events, self._begin, self._looks = [], time.monotonic(), []

    def _mark(self, name):
        self._events.append((round(time.monotonic() - self._begin, 2), name))
        print(f"{self._events[-1][0]:.1f} s: {name}", flush=True)

    def push(self):
        """Returns the seconds that it took."""
        import shell
        os.makedirs(os.path.dirname(LIST), mode=0o700)
        shutil.copy(os.path.join(self._folder, "pushed.conf"), LIST)
        begin = time.monotonic()
        shell.run("wg", "addconf", "wg0", LIST, ns=self._gateway, timeout=900)
        return time.monotonic() - begin

    def connect(self):
        """All callers' interfaces in one namespace; the live ones ping from now on. Returns the pinging thread."""
        from callers import Lasting, point_at_gateway
        from shell import ip_batch, wait_until
        with open(os.path.join(self._folder, "clients.json"), encoding="ascii") as file:
            clients = [pushed.PushedPeer(*one) for one in json.load(file)]
        self._world.add_host("c1", 10)
        names = [f"w{number}" for number in range(len(clients))]
        ip_batch([f"link add {name} type wireguard" for name in names], "c1")
        for name, client in zip(names, clients):
            point_at_gateway("c1", name, client, self._interface.keys.public,
                             self._world.endpoint("c1", self._interface.port, 4))
        ip_batch([line for number, (name, client) in enumerate(zip(names, clients)) for line in (
            f"addr add {client.address}/32 dev {name}", f"link set {name} up",
            f"route add {pushed.GATEWAY_ADDRESS}/32 dev {name} metric {number + 1}")], "c1")
        self._visitors = names[self._options.live:]
        pings = Lasting("c1")
        for name in names[:self._options.live]:
            pings.add(name)
        pings.start()
        wait_until(pings.all_answered, 60, "every live client is answered", interval=0.5)
        return pings

    def _look(self):
        """One look of the operator's; returns how many quiet peers there were before it."""
        import shell
        quiet = "/run/bench-lists/quiet"
        words = {"CTL": self._jitwg.path("jitwgctl"), "SNIFFER": self._jitwg.sniffer_socket, "QUIET": quiet,
                 "AT_ONCE": self._options.at_once}
        begin = time.monotonic()
        shell.run("bash", "-c", "".join(f"{name}={value}\n" for name, value in words.items()) + CUT_OVER, ns=self._gateway,
                  timeout=300)
        with open(quiet, encoding="ascii") as file:
            found = sum(1 for _ in file) // 3
        self._looks.append({"at_s": round(begin - self._begin, 2), "took_s": round(time.monotonic() - begin, 2),
                            "quiet": found, "removed": min(found, self._options.at_once)})
        return found

    def _cut_over(self, pings, sampler):
        """Takes the quiet ones out, again and again, until only the live clients' peers are left."""
        first = time.monotonic()
        for number, name in enumerate(self._visitors):
            begin = first + 2 * VISIT * number / len(self._visitors)
            pings.add(name, begin, begin + VISIT)
        over, gone = first + 3 * VISIT, False
        while time.monotonic() - self._begin < self._options.limit:
            left = self._look() - self._options.at_once
            if left <= 0 and not gone:
                gone = True
                self._mark("stale ones gone")
            if left <= 0:
                if time.monotonic() > over and sampler.samples[-1][1] <= self._options.live:
                    return
                time.sleep(5)

    def tell(self):
        results = {"stale": self._options.stale, "live": self._options.live, "idle_timeout": self._options.idle_timeout,
                   "push_s": self.push()}
        pings = self.connect()
        self._begin = time.monotonic()
        sampler = Sampler(self._gateway, self._begin)
        sampler.start()
        time.sleep(STEADY)
        self._mark("jitwg started")
        self._jitwg.start(self._interface, provisioner=("--idle-timeout", self._options.idle_timeout, "--evict-interval", "2s"))
        time.sleep(STEADY)
        self._mark("cut over")
        self._cut_over(pings, sampler)
        time.sleep(STEADY)
        found = pings.stop()
        sampler.stop()
        installed = self._jitwg.ctl("--json", "status").stdout
        self._jitwg.finish()
        return {**results, "samples": sampler.samples, "events": self._events, "looks": self._looks,
                "clients": [{"kind": "visitor" if one["interface"] in self._visitors else "live", **one} for one in found],
                "status": json.loads(installed)}


def show(results):
    print(f"\nBy the machine's {results['clock']} clock; pushing took {results['push_s']:.1f} s.\n")
    report.table(["look of the operator at", "took s", "quiet pushed peers", "removed"],
                 [[f"{look['at_s']:.0f} s", look["took_s"], look["quiet"], look["removed"]] for look in results["looks"]
                  if look["removed"]])
    print()
    report.table(["clients", "number", "pings", "lost", "slowest first answer, s", "slowest answer, s"],
                 [[kind, len(some), sum(one["sent"] for one in some), sum(one["lost"] for one in some),
                   max((one["first_s"] for one in some if one["first_s"] is not None), default=None),
                   max((one["longest_s"] for one in some if one["longest_s"] is not None), default=None)]
                  for kind, some in ((kind, [one for one in results["clients"] if one["kind"] == kind])
                                     for kind in ("live", "visitor"))])


def result_values(results):
    lost = {kind: sum(one["lost"] for one in results["clients"] if one["kind"] == kind) for kind in ("live", "visitor")}
    sent = sum(one["sent"] for one in results["clients"] if one["kind"] == "live")
    times = {name: at for at, name in results["events"]}
    return {"peers_before": results["samples"][0][1], "peers_after": results["samples"][-1][1], "live": results["live"],
            "lost_pings": lost["live"], "pings": sent,
            "cut_over_s": times["stale ones gone"] - times["cut over"] if "stale ones gone" in times else "never",
            "visitors_unserved": sum(one["first_s"] is None for one in results["clients"]), "visitors_lost": lost["visitor"]}


def main():
    options = arguments()
    results = machine.run(options, __file__, lambda folder: prepare(options, folder),
                          lambda folder, logs: Story(options, folder, logs).tell())
    if results is not None:
        show(results)
        report.write_json(options.json, results)
        print(report.result_line("stale", result_values(results)))


if __name__ == "__main__":
    main()
