#!/usr/bin/python3
"""How long a gateway that has just started keeps its clients waiting, on the real kernel in the virtual machine: one into
which all registered peers are pushed, and one that is just in time. And what kernel memory and a list of the peers cost then. It
judges nothing. Needs root."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

import machine  # sets the path of the others
import pushed
import report
import wireguard_dump
from callers import Impatient, point_at_gateway, until_answered

PLACES = ("first", "middle", "last")
WAYS = ("jitwg", "push")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    machine.add_arguments(parser)
    parser.add_argument("--registered", default="1000,10000,100000", help="peers in the registry (default %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of jitwg at each number; the push runs once (default %(default)s)")
    options = parser.parse_args()
    options.registered = [int(word) for word in options.registered.split(",")]
    return options


def prepare(options, folder):
    """The same peers as a list to push and as a registry; the first, the middle and the last one are clients that call."""
    clients = {}
    for count in options.registered:
        at = {1, (count + 1) // 2, count}
        peers = [pushed.peer(number, number in at) for number in range(1, count + 1)]
        clients[count] = [peers[number - 1] for number in sorted(at)]
        conf = os.path.join(folder, f"{count}.conf")
        pushed.write_conf(conf, peers)
        pushed.import_conf(options.build, conf, os.path.join(folder, f"{count}.db"))
    with open(os.path.join(folder, "clients.json"), "w", encoding="ascii") as file:
        json.dump(clients, file)


def kernel_memory_kib():
    """What the kernel holds for itself and cannot give back: slabs, and what it has for each processor. Its caches stay: a
    start that reads its programs through the shared folder would be timed by the host."""
    with open("/proc/meminfo", encoding="ascii") as file:
        values = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return values["SUnreclaim"] + values["Percpu"]


def resident_kib(program):
    total = 0
    for pid in program.tree():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return total


class Bench:
    """One gateway and three clients. An interface is made anew for each trial."""

    def __init__(self, options, folder, logs):
        import backends
        import shell
        import world
        shell.time_scale = 3.0
        self._gateway, self._logs, self._folder = world.GATEWAY, logs, folder
        self._binaries = machine.bring_near(options)
        self.world = world.World(backends.make("vm", logs), logs)
        self.world.build()
        self._interface = self.world.add_interface()
        self._interface.prefixes = lambda: [pushed.PREFIX]
        self._reader = wireguard_dump.Reader(self._gateway)
        self._hosts = [self.world.add_client() for _ in PLACES]

    def _renew_interface(self):
        from shell import ip_batch, run
        # Deleting an interface costs 16 ms for each peer, replacing the peers by none much less.
        run("wg", "setconf", "wg0", "/dev/stdin", ns=self._gateway, stdin="[Interface]\n", timeout=300)
        self.world.backend.delete(self._gateway, "wg0")
        self.world.backend.create(self._gateway, "wg0")
        self.world.configure_interface(self._interface)
        ip_batch([f"addr add {pushed.GATEWAY_ADDRESS}/8 dev wg0"], self._gateway)

    def _callers(self, clients):
        callers = []
        for host, client in zip(self._hosts, clients):
            point_at_gateway(host.ns, host.interface, client, self._interface.keys.public,
                             self.world.endpoint(host.ns, self._interface.port, 4))
            callers.append(Impatient(host.ns, host.interface, client.address))
        return callers

    def _trial(self, clients, start, limit):
        """start() is called beside the waiting; its value is the time when it was done."""
        self._renew_interface()
        callers = self._callers(clients)
        before, begin, done = kernel_memory_kib(), time.monotonic(), []
        starter = threading.Thread(target=lambda: done.append(start() - begin))
        starter.start()
        waited = until_answered(callers, begin, limit)
        starter.join()
        for caller in callers:
            caller.close()
        grown = kernel_memory_kib() - before
        dumps = [self._reader.dump("wg0") for _ in range(3)]
        if not done or None in waited:
            sys.exit(f"clients that were never answered, or a start that failed: {waited}")
        return {"started_s": done[0], **{f"{place}_s": seconds for place, seconds in zip(PLACES, waited)},
                "kernel_kib": grown, "dump_ms": 1000 * statistics.median(seconds for seconds, _ in dumps),
                "peers": len(dumps[-1][1])}

    def push(self, count, clients):
        def load():
            from shell import in_netns
            with in_netns(self._gateway):
                subprocess.run(["wg", "addconf", "wg0", os.path.join("/run/bench-lists", f"{count}.conf")], check=True)
            return time.monotonic()
        return self._trial(clients, load, 1800)

    def just_in_time(self, count, clients, registry):
        from programs import Gateway, ORDINARY_USER, SNIFFER_RIGHTS, Program
        folder = os.path.join(self._logs, f"{count}")
        os.makedirs(folder, exist_ok=True)
        jitwg = Gateway(self._binaries, folder)
        jitwg.registry = registry
        jitwg.sniffer = Program("jitwg-sniffer", ["ip", "netns", "exec", self._gateway] + SNIFFER_RIGHTS +
                                jitwg.sniffer_command([self._interface]), jitwg.log_path("sniffer"))
        jitwg.provisioner = Program("jitwg-provisioner", ORDINARY_USER + jitwg.provisioner_command(),
                                    jitwg.log_path("provisioner"))

        def start():
            jitwg.start_sniffer()
            jitwg.provisioner.start()
            return time.monotonic()
        try:
            row = self._trial(clients, start, 120)
            row["daemons_kib"] = resident_kib(jitwg.sniffer) + resident_kib(jitwg.provisioner)
            row["completion"] = jitwg.status().completion
            jitwg.finish()
        finally:
            jitwg.close()
        return row


def measure(options, folder, logs):
    with open(os.path.join(folder, "clients.json"), encoding="ascii") as file:
        clients = {int(count): [pushed.PushedPeer(*one) for one in made] for count, made in json.load(file).items()}
    os.makedirs("/run/bench-lists", mode=0o700)
    registries = {count: machine.bring_registry(folder, f"{count}.db") for count in options.registered}
    for count in options.registered:
        shutil.copy(os.path.join(folder, f"{count}.conf"), "/run/bench-lists")
    bench, rows = Bench(options, folder, logs), []

    def trial(way, count, counts=True):
        row = (bench.just_in_time(count, clients[count], registries[count]) if way == "jitwg" else
               bench.push(count, clients[count]))
        if counts:
            rows.append({"registered": count, "way": way, **row})
        print(f"registered={count} way={way} " + " ".join(f"{key}={report.shown(value)}" for key, value in row.items()) +
              ("" if counts else " (not counted)"), flush=True)

    smallest = min(options.registered)
    for way in WAYS:  # the kernel's modules and the programs' pages are there after these
        trial(way, smallest, False)
    for _ in range(options.runs):  # in turns: what is slow at first is slow for all numbers
        for count in options.registered:
            trial("jitwg", count)
    for count in options.registered:
        trial("push", count)
    # The machine ends with us; taking a hundred thousand peers down first would be for nobody.
    return {"runs": options.runs, "trials": rows}


def middle_rows(trials):
    """The medians of each number and way."""
    rows = []
    for count, way in sorted(dict.fromkeys((trial["registered"], trial["way"]) for trial in trials)):
        some = [trial for trial in trials if (trial["registered"], trial["way"]) == (count, way)]
        numbers = [key for key, value in some[0].items() if isinstance(value, (int, float)) and key != "registered"]
        rows.append({"registered": count, "way": way,
                     **{key: statistics.median(trial[key] for trial in some) for key in numbers}})
    return rows


def show(results):
    print(f"\nSeconds from the start until a client is served, by the machine's {results['clock']} clock; clients are the first,\n"
          "the middle and the last one of the list. Started: all peers are loaded; the daemons run.\n")
    report.table(["registered", "way", "started", *PLACES, "kernel MiB", "daemons MiB", "list ms", "kernel peers"],
                 [[row["registered"], row["way"], row["started_s"], *(row[f"{place}_s"] for place in PLACES),
                   row["kernel_kib"] / 1024, row["daemons_kib"] / 1024 if "daemons_kib" in row else None, row["dump_ms"],
                   row["peers"]] for row in results["rows"]])


def short(count):
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def result_values(rows):
    """Of the middle client, at the smallest and the largest number."""
    values, (low, high) = {}, (find(row["registered"] for row in rows) for find in (min, max))
    for way in WAYS:
        ends = [next(row for row in rows if (row["registered"], row["way"]) == (count, way)) for count in (low, high)]
        for count, row in zip((low, high), ends):
            values[f"{way}_{short(count)}_s"] = float(row["middle_s"])
        values[f"{way}_growth"] = ends[1]["middle_s"] / ends[0]["middle_s"]
        values[f"{way}_{short(high)}_kernel_mib"] = ends[1]["kernel_kib"] / 1024
        values[f"{way}_{short(high)}_list_ms"] = float(ends[1]["dump_ms"])
    return values


def main():
    options = arguments()
    results = machine.run(options, __file__, lambda folder: prepare(options, folder),
                          lambda folder, logs: measure(options, folder, logs))
    if results is not None:
        results["rows"] = middle_rows(results["trials"])
        show(results)
        report.write_json(options.json, results)
        print(report.result_line("reboot", result_values(results["rows"])))


if __name__ == "__main__":
    main()
