#!/usr/bin/env python3
"""Floods a gateway over a veth pair and says what its sniffer captured, lost, counted and used, and how good clients got in
meanwhile, by the whole path: sniffer, provisioner, SQLite registry, userspace WireGuard at both ends.

Runs in network, mount and process namespaces of its own, which end with it. Needs root. It judges nothing: it fails only when
something could not be run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import report

INSIDE = "JITWG_BENCH_INSIDE_NAMESPACES"
TICKS = os.sysconf("SC_CLK_TCK")
QUIET = "none"
CLIENT_COLUMNS = ("visits", "at_first", "at_retry", "outside", "median_ms", "slowest_ms")
LEAD = 1.0  # seconds of flood before the first good client comes


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder, with bin and bench")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--rates", default="105000,20000", help="packets per second, of each flood (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=40, help="length of each flood, 12 to 300 (default %(default)s)")
    parser.add_argument("--kinds", default="none,garbage,forged,replay,forged:4096",
                        help="which floods; after a colon the number of source addresses (default %(default)s)")
    parser.add_argument("--capture", default="any", help="what the sniffer watches: vg or any (default %(default)s)")
    parser.add_argument("--clients", type=int, default=4, help="good clients at a time (default %(default)s)")
    parser.add_argument("--visits", type=int, default=25, help="of each client in each flood, at most (default %(default)s)")
    options = parser.parse_args()
    options.rates = [int(rate) for rate in options.rates.split(",")]
    if not 12 <= options.seconds <= 300:
        parser.error("--seconds must be from 12 to 300")
    return options


def enter_namespaces():
    missing = [tool for tool in ("wireguard-go", "wg", "ip", "unshare") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}; run scripts/setup build demo")
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run scripts/bench flood as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def run(*command, stdin=None, timeout=60):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"still not so after {seconds} s: {what}")
        time.sleep(0.05)


def start_wireguard(folder):
    """Returns the process and the interface's public key."""
    process = subprocess.Popen(["wireguard-go", "-f", "wg0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: os.path.exists("/run/wireguard/wg0.sock"), "wireguard-go is up (is /dev/net/tun there?)")
    private = run("wg", "genkey")
    key_file = os.path.join(folder, "key")
    with open(os.open(key_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(private)
    run("wg", "set", "wg0", "private-key", key_file, "listen-port", "51820")
    run("ip", "link", "set", "wg0", "up")
    return process, run("wg", "pubkey", stdin=private).strip()


class Watched:
    """The running sniffer's counters and what it uses."""

    def __init__(self, build, jitwg):
        self._command = (f"{build}/bench/sniffer_statistics", jitwg.sniffer_socket)
        self._program = jitwg.sniffer

    def statistics(self):
        if not self._program.running:
            sys.exit(f"jitwg-sniffer ended: {self._program.log()[-2000:]}")
        answer = json.loads(run(*self._command))
        counters = {name: int(count) for name, count in answer["initiations"].items()}
        return {"captured": int(answer["captured"]), "kernel_dropped": int(answer["kernel_dropped"]), "results": counters}

    def rss_kib(self):
        with open(f"/proc/{self._program.tree()[0]}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def cpu_seconds(self):
        with open(f"/proc/{self._program.tree()[0]}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def ahead_of_all():
    """In life the flood comes from other machines: here nothing else may slow it down, where that is allowed."""
    realtime = ["chrt", "--fifo", "1"]
    return realtime if subprocess.run([*realtime, "true"], capture_output=True, check=False).returncode == 0 else []


class Flood:
    """One flood, from start to end; ends by itself after `seconds`."""

    def __init__(self, options, world, kind, rate, seconds):
        self._process, self._seconds = None, seconds
        name, _, sources = kind.partition(":")
        if name != QUIET:
            self._process = subprocess.Popen(
                [*ahead_of_all(), "ip", "netns", "exec", flood_world.FLOODER, f"{options.build}/bench/flood_generator",
                 "--interface", flood_world.FLOOD_FROM, "--destination", flood_world.FLOOD_ADDRESS, "--destination-mac",
                 world.flood_mac(), "--kind", name, "--public-key", world.interface.keys.public, "--rate", str(rate),
                 "--seconds", str(seconds), "--sources", sources or "1"], stdout=subprocess.PIPE, text=True)

    def sent(self):
        """Waits for its end."""
        if self._process is None:
            return {"sent": 0, "seconds": self._seconds}
        said, _ = self._process.communicate(timeout=self._seconds + 60)
        if self._process.returncode != 0:
            sys.exit(f"flood_generator: exit code {self._process.returncode}")
        return json.loads(said)


def measure(options, world, sniffer, kind, rate, seconds, with_clients=True):
    before, cpu, rss = sniffer.statistics(), sniffer.cpu_seconds(), sniffer.rss_kib()
    flood = Flood(options, world, kind, rate, seconds)
    came, by_hand = [], []
    if with_clients:
        time.sleep(LEAD)
        came, by_hand = world.visits(seconds - LEAD, options.visits)
    sent = flood.sent()
    used = sniffer.cpu_seconds() - cpu
    # What is still in the ring or in the workers' queues belongs to this flood.
    time.sleep(1)
    after = sniffer.statistics()
    results = {name: count - before["results"].get(name, 0) for name, count in after["results"].items()}
    captured = after["captured"] - before["captured"]
    return {"kind": kind, "rate": rate, "sent": sent["sent"], "seconds": sent["seconds"], "captured": captured,
            "kernel_dropped": after["kernel_dropped"] - before["kernel_dropped"],
            "results": {name: count for name, count in results.items() if count},
            "cpu_percent": 100 * used / sent["seconds"], "cpu_us": 1e6 * used / captured if captured else None,
            "rss_before_kib": rss, "rss_after_kib": sniffer.rss_kib(), "clients": flood_world.summary(came),
            "by_hand": flood_world.summary(by_hand)}


def label(row):
    return row["kind"] if row["kind"] == QUIET else f"{row['kind']} at {row['rate']}"


def show(rows):
    report.table(["flood", "sent a second", "captured", "dropped", "us of CPU each", "CPU %", "RSS KiB", "grew by"],
                 [[label(row), round(row["sent"] / row["seconds"]), row["captured"], row["kernel_dropped"],
                   None if row["kind"] == QUIET else row["cpu_us"], row["cpu_percent"], row["rss_after_kib"],
                   row["rss_after_kib"] - row["rss_before_kib"]] for row in rows])
    print("\nGood clients meanwhile, each from its first packet to the first reply out of its tunnel; beside them clients whose\n"
          "peers were put in by hand: what the flood does to WireGuard itself\n")
    report.table(["flood", "peer", "clients", "in at first", "at one retry", "not by then", "median ms", "slowest ms"],
                 [[label(row), who, *(row[name][column] for column in CLIENT_COLUMNS)] for row in rows
                  for who, name in (("by jitwg", "clients"), ("by hand", "by_hand"))])
    for row in rows:
        print(f"{label(row)}: " + " ".join(f"{name}={count}" for name, count in sorted(row["results"].items())))
    print(flush=True)


def result_values(rows):
    values = {}
    for row in rows:
        name = label(row).replace(":", "_from_").replace(" ", "_")
        if row["kind"] != QUIET:
            values.update({f"{name}_per_second": round(row["sent"] / row["seconds"]), f"{name}_dropped": row["kernel_dropped"],
                           f"{name}_cpu_us": row["cpu_us"]})
        clients, by_hand = row["clients"], row["by_hand"]
        values.update({f"{name}_clients": clients["visits"], f"{name}_at_first": clients["at_first"],
                       f"{name}_at_retry": clients["at_retry"], f"{name}_outside": clients["outside"],
                       f"{name}_median_ms": clients["median_ms"] or float("nan"),
                       f"{name}_by_hand": f"{by_hand['at_first']}+{by_hand['at_retry']}/{by_hand['visits']}"})
    return values


def measure_all(options, world, floods):
    sniffer = Watched(options.build, world.jitwg)
    # The first packets touch every page of the ring and the tables; growth is what comes after.
    for kind in dict.fromkeys(kind for kind, _ in floods):
        measure(options, world, sniffer, kind, options.rates[0], 2, with_clients=False)
    rows = []
    for kind, rate in floods:
        print(f"{kind}, {rate} a second: {options.seconds} s", flush=True)
        rows.append(measure(options, world, sniffer, kind, rate, options.seconds))
    return rows


def main():
    options = arguments()
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    floods = [(kind, rate) for kind in options.kinds.split(",") for rate in (options.rates if kind != QUIET else [0])]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        world = flood_world.FloodWorld(f"{options.build}/bin", folder, options.clients, len(floods) * options.visits)
        try:
            world.build()
            world.start(("--capture", options.capture))
            rows = measure_all(options, world, floods)
        finally:
            world.close()
    show(rows)
    report.write_json(options.json, {"rates": options.rates, "floods": rows})
    print(report.result_line("flood", result_values(rows)))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    import flood_world
    main()
