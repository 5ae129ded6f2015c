"""A gateway for the WebSocket benchmark in the network namespace that it is in: wireguard-go without peers, and jitwg's
sniffer and provisioner that bring them in just in time."""

import json
import os
import shutil
import subprocess
import sys
import time

INSIDE = "JITWG_BENCH_INSIDE_NAMESPACES"
INTERFACE, PORT = "wg0", 51820


def enter_namespaces():
    """Starts this program again in network, mount and process namespaces of its own, which end with it."""
    if INSIDE in os.environ:
        return
    missing = [tool for tool in ("wireguard-go", "wg", "ip", "unshare", "openssl") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}; run scripts/setup build test")
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run scripts/bench ws as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                          *sys.argv])


def prepare():
    """Once inside: what the outside world has in its /run stays there."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"still not so after {seconds} s: {what}")
        time.sleep(0.05)


class JustInTimeGateway:
    """Starts everything; close() ends it."""

    def __init__(self, build, folder):
        self._build, self._folder, self._processes = build, folder, []
        self.registry = f"sqlite:{folder}/registry.db"
        self.public_key = self._start_wireguard()

    def _start(self, name, *command):
        with open(os.path.join(self._folder, name + ".log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes.append((name, process))

    def _check(self):
        for name, process in self._processes:
            if process.poll() is not None:
                with open(os.path.join(self._folder, name + ".log"), encoding="utf-8") as log:
                    sys.exit(f"{name} ended with exit code {process.returncode}: {log.read()[-2000:]}")

    def _await(self, condition, what):
        def ready():
            self._check()
            return condition()
        wait_until(ready, what)

    def _start_wireguard(self):
        os.environ["LOG_LEVEL"] = "error"
        self._start("wireguard-go", "wireguard-go", "-f", INTERFACE)
        self._await(lambda: os.path.exists(f"/run/wireguard/{INTERFACE}.sock"), "wireguard-go is up (is /dev/net/tun there?)")
        private = run("wg", "genkey")
        run("wg", "set", INTERFACE, "private-key", "/dev/stdin", "listen-port", str(PORT), stdin=private)
        run("ip", "addr", "add", "10.9.0.1/16", "dev", INTERFACE)
        run("ip", "link", "set", INTERFACE, "up")
        return run("wg", "pubkey", stdin=private).strip()

    def start_jitwg(self):
        """After the clients were registered."""
        program, sniffer = os.path.join(self._build, "bin"), f"unix:{self._folder}/sniffer.sock"
        self._start("sniffer", f"{program}/jitwg-sniffer", "--interface", INTERFACE, "--allow", f"{INTERFACE}=10.9.0.0/16",
                    "--backend", "userspace", "--listen", sniffer, "--state-dir", f"{self._folder}/sniffer")
        self._await(lambda: os.path.exists(f"{self._folder}/sniffer.sock"), "the sniffer serves")
        admin = f"unix:{self._folder}/admin.sock"
        os.makedirs(f"{self._folder}/provisioner")
        self._start("provisioner", f"{program}/jitwg-provisioner", "--sniffer", sniffer, "--registry", self.registry,
                    "--state-dir", f"{self._folder}/provisioner", "--admin-listen", admin)
        self._await(lambda: self._connected(f"{program}/jitwgctl", sniffer, admin), "sniffer and provisioner are connected")

    def _connected(self, jitwgctl, sniffer, admin):
        done = subprocess.run([jitwgctl, "--sniffer", sniffer, "--admin", admin, "--json", "status"], capture_output=True,
                              text=True, check=False, timeout=30)
        return done.returncode == 0 and '"sniffer_connected":true' in json.dumps(json.loads(done.stdout),
                                                                                 separators=(",", ":"))

    def peers(self):
        """How many WireGuard has, and how many of them have a session."""
        lines = run("wg", "show", INTERFACE, "latest-handshakes").splitlines()
        return len(lines), sum(1 for line in lines if line.split()[1] != "0")

    def close(self):
        for _, process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def udp_overflows():
    """Datagrams that found a full socket buffer in this namespace, whoever's, since it was made."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Udp:"))
    return int(dict(zip(names, values))["RcvbufErrors"])
