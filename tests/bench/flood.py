#!/usr/bin/env python3
"""Floods the real jitwg-sniffer over a veth pair and says what it captured, lost, counted and used.

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
CLIENT = "flood-client"
TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder, with bin and bench")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--rate", type=int, default=105_000, help="packets per second (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each flood (default %(default)s)")
    parser.add_argument("--kinds", default="garbage,forged,replay", help="which floods (default %(default)s)")
    parser.add_argument("--sources", type=int, default=1, help="number of source addresses (default %(default)s)")
    parser.add_argument("--capture", default="vg", help="what the sniffer watches: vg or any (default %(default)s)")
    return parser.parse_args()


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


def set_up_network():
    """The gateway is this namespace, the flood comes from another one. Returns the gateway's MAC address."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "netns", "add", CLIENT)
    run("ip", "link", "add", "vg", "type", "veth", "peer", "name", "vc", "netns", CLIENT)
    run("ip", "addr", "add", "10.99.0.1/24", "dev", "vg")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "set", "vg", "up")
    run("ip", "-n", CLIENT, "link", "set", "vc", "up")
    return json.loads(run("ip", "-j", "link", "show", "vg"))[0]["address"]


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


class Sniffer:
    def __init__(self, options, folder):
        self.build, self.address = options.build, f"unix:{folder}/sniffer.sock"
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [f"{self.build}/bin/jitwg-sniffer", "--interface", "wg0", "--allow", "wg0=10.98.0.0/16", "--backend", "userspace",
             "--capture", options.capture, "--listen", self.address, "--state-dir", os.path.join(folder, "state")],
            stdout=self.log, stderr=self.log)
        wait_until(lambda: os.path.exists(f"{folder}/sniffer.sock") or self.ended(), "the sniffer serves")
        self.started = self.statistics()

    def ended(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit(f"jitwg-sniffer ended with exit code {self.process.returncode}: {self.log.read()}")
        return False

    def statistics(self):
        self.ended()
        answer = json.loads(run(f"{self.build}/bench/sniffer_statistics", self.address))
        counters = {name: int(count) for name, count in answer["initiations"].items()}
        return {"captured": int(answer["captured"]), "kernel_dropped": int(answer["kernel_dropped"]), "results": counters}

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def ahead_of_all():
    """In life the flood comes from other machines: here nothing else may slow it down, where that is allowed."""
    realtime = ["chrt", "--fifo", "1"]
    return realtime if subprocess.run([*realtime, "true"], capture_output=True, check=False).returncode == 0 else []


def flood(options, sniffer, kind, mac, public_key, seconds):
    before, cpu, rss = sniffer.statistics(), sniffer.cpu_seconds(), sniffer.rss_kib()
    command = [*ahead_of_all(), "ip", "netns", "exec", CLIENT, f"{options.build}/bench/flood_generator", "--interface", "vc",
               "--destination-mac", mac, "--kind", kind, "--public-key", public_key, "--rate", str(options.rate),
               "--seconds", str(seconds), "--sources", str(options.sources)]
    sent = json.loads(run(*command, timeout=seconds + 60))
    # What is still in the ring or in the workers' queues belongs to this flood.
    time.sleep(1)
    after = sniffer.statistics()
    results = {name: count - before["results"].get(name, 0) for name, count in after["results"].items()}
    return {"kind": kind, "sent": sent["sent"], "seconds": sent["seconds"],
            "captured": after["captured"] - before["captured"],
            "kernel_dropped": after["kernel_dropped"] - before["kernel_dropped"],
            "results": {name: count for name, count in results.items() if count},
            "cpu_percent": 100 * (sniffer.cpu_seconds() - cpu) / sent["seconds"],
            "rss_before_kib": rss, "rss_after_kib": sniffer.rss_kib()}


def show(row):
    counters = " ".join(f"{name}={count}" for name, count in sorted(row["results"].items()))
    print(f"{row['kind']:8} {row['sent']:9} {row['sent'] / row['seconds']:9.0f} {row['captured']:9} {row['kernel_dropped']:8}"
          f" {row['cpu_percent']:5.0f} {row['rss_before_kib']:8} {row['rss_after_kib']:8}  {counters}", flush=True)


def result_values(rows):
    return {f"{row['kind']}_{name}": value for row in rows
            for name, value in (("sent", row["sent"]), ("per_second", round(row["sent"] / row["seconds"])),
                                ("captured", row["captured"]), ("kernel_dropped", row["kernel_dropped"]),
                                ("cpu_percent", round(row["cpu_percent"])),
                                ("rss_growth_kib", row["rss_after_kib"] - row["rss_before_kib"]))}


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        mac = set_up_network()
        _, public_key = start_wireguard(folder)
        sniffer = Sniffer(options, folder)
        kinds = options.kinds.split(",")
        # The first packets touch every page of the ring and the tables; growth is what comes after.
        for kind in kinds:
            flood(options, sniffer, kind, mac, public_key, 2)
        print(f"{'flood':8} {'sent':>9} {'per s':>9} {'captured':>9} {'dropped':>8} {'cpu %':>5} {'rss KiB':>8} {'after':>8}"
              "  counters", flush=True)
        rows = []
        for kind in kinds:
            rows.append(flood(options, sniffer, kind, mac, public_key, options.seconds))
            show(rows[-1])
        report.write_json(options.json, {"rate": options.rate, "sources": options.sources, "floods": rows})
        print(report.result_line("flood", result_values(rows)))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    main()
