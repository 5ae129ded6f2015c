"""Keeps what goes over a namespace's loopback in a file, for a scan. It must not know what speaks there."""

import os
import socket
import threading

from shell import in_netns

LARGEST = 256 << 20


class WireTap:
    """From __enter__ to __exit__."""

    def __init__(self, ns, path):
        self._path, self._ended = path, threading.Event()
        with in_netns(ns):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
            self._socket.bind(("lo", 0x0003))
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._main, daemon=True)

    def _main(self):
        with open(self._path, "wb") as file:
            while not self._ended.is_set():
                try:
                    packet, address = self._socket.recvfrom(1 << 17)
                except socket.timeout:
                    continue
                # Loopback shows each packet as it leaves, and as it arrives.
                if address[2] != socket.PACKET_OUTGOING and file.tell() < LARGEST:
                    file.write(packet)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self._socket.close()
        assert os.path.getsize(self._path) < LARGEST, f"{self._path} would have been too large"

    def saw(self, wanted):
        with open(self._path, "rb") as file:
            return wanted in file.read()
