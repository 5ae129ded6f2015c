#!/usr/bin/env python3
"""How much memory the real jitwg-sniffer and jitwg-provisioner hold, by the number of registered and of live peers, over
userspace WireGuard in namespaces of its own, which end with it. Needs root. It judges nothing."""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import report
from flood import run, start_wireguard, wait_until

INSIDE = "JITWG_BENCH_INSIDE_NAMESPACES"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder, with bin and bench")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--registered", default="0,1000000", help="peers in the registry (default %(default)s)")
    parser.add_argument("--live", default="0,1000,10000,30000", help="peers that are in (default %(default)s)")
    return parser.parse_args()


def enter_namespaces():
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run scripts/bench memory as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def status_kib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


class Gateway:
    """Both daemons beside one WireGuard."""

    def __init__(self, build, folder, registry):
        self.build, self.folder = build, folder
        self.address = f"unix:{folder}/sniffer.sock"
        state = os.path.join(folder, "state")
        os.mkdir(state)
        self.processes = []
        self.sniffer = self._start("jitwg-sniffer", "--interface", "wg0", "--allow", "wg0=10.0.0.0/8", "--backend", "userspace",
                                   "--completion", "retry", "--capture", "lo", "--listen", self.address, "--state-dir",
                                   os.path.join(state, "sniffer"))
        wait_until(lambda: os.path.exists(f"{folder}/sniffer.sock"), "the sniffer serves")
        self.provisioner = self._start("jitwg-provisioner", "--sniffer", self.address, "--registry", f"sqlite:{registry}",
                                       "--state-dir", state, "--admin-listen", f"unix:{folder}/admin.sock",
                                       "--unfinished-timeout", "1h")
        wait_until(lambda: os.path.exists(f"{folder}/admin.sock"), "the provisioner serves")

    def _start(self, program, *options):
        with open(os.path.join(self.folder, program + ".log"), "w", encoding="utf-8") as log:
            self.processes.append(subprocess.Popen([f"{self.build}/bin/{program}", *options], stdout=log, stderr=log))
        return self.processes[-1]

    def install(self, first, end):
        run(f"{self.build}/bench/peer_loader", "install", self.address, str(first), str(end), timeout=900)

    def measure(self, settle=25):
        """After two rounds of the evictor, each of which lists all peers."""
        time.sleep(settle)
        for process in self.processes:
            if process.poll() is not None:
                sys.exit(f"{process.args[0]} ended: see its log")
        row = {}
        for name, process in (("sniffer", self.sniffer), ("provisioner", self.provisioner)):
            row[f"{name}_kib"] = status_kib(process.pid)
            row[f"{name}_peak_kib"] = status_kib(process.pid, "VmHWM")
            row[f"{name}_anonymous_kib"] = status_kib(process.pid, "RssAnon")
        return row

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(60)


def measure(options, registered):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        registry = os.path.join(folder, "registry.db")
        run(f"{options.build}/bench/peer_loader", "register", registry, str(max(registered, 1)), timeout=900)
        wireguard, _ = start_wireguard(folder)
        gateway = Gateway(options.build, folder, registry)
        live = 0
        for wanted in sorted(int(word) for word in options.live.split(",")):
            if wanted > registered:
                continue
            gateway.install(live, wanted)
            live = wanted
            rows.append({"registered": registered, "live": live, **gateway.measure()})
        gateway.close()
        wireguard.terminate()
        wireguard.wait(60)
    return rows


def main():
    options = arguments()
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    rows = []
    for registered in (int(word) for word in options.registered.split(",")):
        rows += measure(options, registered)
    mebibytes = ("sniffer_kib", "sniffer_peak_kib", "provisioner_kib", "provisioner_peak_kib")
    report.table(["registered", "live", "sniffer MiB", "peak", "provisioner MiB", "peak"],
                 [[row["registered"], row["live"], *(row[name] / 1024 for name in mebibytes)] for row in rows])
    report.write_json(options.json, {"rows": rows})
    last = max(rows, key=lambda row: (row["registered"], row["live"]))
    first = min((row for row in rows if row["registered"] == last["registered"]), key=lambda row: row["live"])
    print(report.result_line("memory", {
        "registered": last["registered"], "sniffer_idle_mib": first["sniffer_kib"] / 1024,
        "provisioner_idle_mib": first["provisioner_kib"] / 1024, "live": last["live"],
        "sniffer_mib": last["sniffer_kib"] / 1024, "provisioner_mib": last["provisioner_kib"] / 1024}))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    main()
