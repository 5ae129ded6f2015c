"""The two WireGuards a scenario runs on: the kernel's (place vm) and wireguard-go's (place netns). Everything else in
the suite is the same in both places; differences belong here only."""

import os
import socket
import subprocess

from shell import ip_batch, run, stop, wait_until

SOCKET_FOLDER = "/var/run/wireguard"


class Kernel:
    """WireGuard as a kernel interface type."""
    name = "kernel"

    def create(self, ns, interface):
        run("ip", "-n", ns, "link", "add", interface, "type", "wireguard")

    def delete(self, ns, interface):
        run("ip", "-n", ns, "link", "del", interface)

    def create_many(self, ns, interfaces):
        ip_batch([f"link add {name} type wireguard" for name in interfaces], ns)

    def close(self):
        """Interfaces go with their namespaces."""


class Userspace:
    """One wireguard-go process for each interface. Their sockets share one folder whatever the namespace, so every
    interface name of a world is unique."""
    name = "userspace"

    def __init__(self, log_folder):
        self._log_folder = log_folder
        self._processes = {}

    def _start(self, ns, interface):
        assert interface not in self._processes, f"interface name {interface} is taken"
        os.makedirs(SOCKET_FOLDER, exist_ok=True)
        with open(os.path.join(self._log_folder, f"wireguard-go-{interface}.log"), "ab") as log:
            self._processes[interface] = subprocess.Popen(
                ["ip", "netns", "exec", ns, "wireguard-go", "-f", interface], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, "LOG_LEVEL": "error", "GOMAXPROCS": "2"})

    def _await(self, interface):
        path = f"{SOCKET_FOLDER}/{interface}.sock"
        process = self._processes[interface]
        # Not by wg(8), which removes a socket that nobody listens on yet.
        wait_until(lambda: _accepts(path) or process.poll() is not None, 10, f"wireguard-go opens {path}")
        assert process.poll() is None, f"wireguard-go for {interface} ended with {process.returncode}"

    def create(self, ns, interface):
        self.create_many(ns, [interface])

    def create_many(self, ns, interfaces):
        for interface in interfaces:
            self._start(ns, interface)
        for interface in interfaces:
            self._await(interface)

    def delete(self, ns, interface):
        stop(self._processes.pop(interface))
        wait_until(lambda: not os.path.exists(
            f"{SOCKET_FOLDER}/{interface}.sock"), 5, f"{interface} is gone")

    def close(self):
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            stop(process)
        self._processes.clear()


def make(place, log_folder):
    return Kernel() if place == "vm" else Userspace(log_folder)


def _accepts(path):
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(path) == 0
