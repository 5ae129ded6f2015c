#!/usr/bin/env python3
"""Initiations made by wireguard-go, an implementation that shares nothing with ours, must unwrap to its key and its time.

Runs in network, mount and process namespaces of its own, which end with it: nothing is left behind, whatever happens. Needs
root. Argument: the program unwrap_lines.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

INSIDE = "JITWG_TEST_INSIDE_NAMESPACES"
INTERFACE = "wgo0"
TAI_OFFSET = 0x400000000000000A
# wireguard-go rounds its stamps down to multiples of this many nanoseconds.
STAMP_STEP = 1 << 24


def enter_namespaces():
    missing = [tool for tool in ("wireguard-go", "wg", "ip", "unshare") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}; run scripts/setup test")
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run ctest as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout.strip()


class Client:
    """wireguard-go with one peer, the responder, at our socket."""

    def __init__(self, responder, port, folder):
        self.responder, self.port = responder, port
        self.key_file = os.path.join(folder, "key")
        self.process = subprocess.Popen(["wireguard-go", "-f", INTERFACE], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not os.path.exists(f"/run/wireguard/{INTERFACE}.sock"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("wireguard-go did not start: is /dev/net/tun there?")
            time.sleep(0.01)
        run("ip", "link", "set", INTERFACE, "up")

    def use_key(self, private):
        with open(self.key_file, "w", encoding="ascii") as file:
            file.write(private + "\n")
        run("wg", "set", INTERFACE, "private-key", self.key_file)

    def call(self):
        """A new peer with a keepalive makes it send an initiation at once."""
        run("wg", "set", INTERFACE, "peer", self.responder, "remove")
        run("wg", "set", INTERFACE, "peer", self.responder, "allowed-ips", "0.0.0.0/0", "endpoint",
            f"127.0.0.1:{self.port}", "persistent-keepalive", "25")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Unwrap:
    def __init__(self, program, private):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(private + "\n")

    def __call__(self, packet):
        self.process.stdin.write(packet.hex() + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class WireguardGoInitiations(unittest.TestCase):
    program = ""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(15)
        self.private = run("wg", "genkey")
        self.client = Client(run("wg", "pubkey", stdin=self.private), self.socket.getsockname()[1], self.folder.name)
        self.addCleanup(self.client.stop)
        self.unwrap = self.start_unwrap(self.private)

    def start_unwrap(self, private):
        unwrap = Unwrap(self.program, private)
        self.addCleanup(unwrap.stop)
        return unwrap

    def receive(self):
        self.client.call()
        packet = self.socket.recv(2000)
        self.assertEqual(len(packet), 148)
        return packet

    def check_stamp(self, tai64n, before, after):
        label, nanoseconds = struct.unpack(">QI", bytes.fromhex(tai64n))
        stamp = (label - TAI_OFFSET) * 10**9 + nanoseconds
        self.assertGreater(stamp, before - STAMP_STEP)
        self.assertLessEqual(stamp, after)

    def test_key_and_rising_time_come_out(self):
        for _ in range(4):
            private = run("wg", "genkey")
            self.client.use_key(private)
            last = ""
            for _ in range(5):
                before = time.time_ns()
                packet = self.receive()
                outcome = self.unwrap(packet)
                self.assertEqual(outcome[0], "ok", outcome)
                _, key, sender, tai64n = outcome
                self.assertEqual(key, run("wg", "pubkey", stdin=private))
                self.assertEqual(int(sender), struct.unpack_from("<I", packet, 4)[0])
                self.check_stamp(tai64n, before, time.time_ns())
                self.assertGreater(tai64n, last)
                last = tai64n
                # Two stamps within one step would be equal: that is wireguard-go's rounding, not a fault.
                time.sleep(1.5 * STAMP_STEP / 1e9)

    def test_another_responder_and_a_changed_packet_are_refused(self):
        self.client.use_key(run("wg", "genkey"))
        packet = bytearray(self.receive())
        other = self.start_unwrap(run("wg", "genkey"))
        self.assertEqual(other(packet), ["refused", "bad_mac1"])
        packet[100] ^= 1
        self.assertEqual(self.unwrap(packet), ["refused", "bad_mac1"])


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    # wireguard-go's socket lies in /run/wireguard, whatever the network namespace.
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    WireguardGoInitiations.program = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
