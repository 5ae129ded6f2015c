"""Clients with the kernel's WireGuard that tell when they are answered: impatient ones, which call anew five times a second,
and lasting ones, which ping all the time. They must not know jitwg."""

import fcntl
import os
import select
import socket
import struct
import threading
import time

from completion_taps import checksum
from pushed import GATEWAY_ADDRESS, PREFIX
from shell import in_netns, ip_batch, run

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
AGAIN = 0.2  # seconds between the calls of an impatient client


def echo_request(identifier, sequence):
    head = struct.pack(">BBHHH", 8, 0, 0, identifier, sequence)
    return head[:2] + struct.pack(">H", checksum(head)) + head[4:]


def echo_reply(packet):
    """(identifier, sequence) of an IPv4 packet that is one, else None."""
    if len(packet) < 28 or packet[0] != 0x45 or packet[20] != 0:
        return None
    return struct.unpack_from(">HH", packet, 24)


def point_at_gateway(ns, interface, client, gateway_public, endpoint):
    """Configures a client's interface: a private key, and the gateway as its only peer. `client`: a PushedPeer."""
    text = (f"[Interface]\nPrivateKey = {client.private}\n[Peer]\nPublicKey = {gateway_public}\n"
            f"PresharedKey = {client.psk}\nEndpoint = {endpoint}\nAllowedIPs = {PREFIX}\n")
    run("wg", "setconf", interface, "/dev/stdin", ns=ns, stdin=text)


class Impatient:
    """A client in a namespace of its own that forgets its session and calls again until it is answered: what a crowd of
    callers would find out together. Its address brings the route along whenever the interface comes up."""

    def __init__(self, ns, interface, address):
        self._interface, self.fd, self._number = interface, None, os.getpid() & 0x7FFF
        ip_batch([f"addr flush dev {interface}", f"addr add {address}/8 dev {interface}", f"link set {interface} up"], ns)
        with in_netns(ns):
            self._icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._icmp.setblocking(False)
        self.fd = self._icmp.fileno()

    def _set_up(self, up):
        request = fcntl.ioctl(self._icmp, SIOCGIFFLAGS, struct.pack("16sH22x", self._interface.encode(), 0))
        flags = struct.unpack_from("H", request, 16)[0]
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(self._icmp, SIOCSIFFLAGS, struct.pack("16sH22x", self._interface.encode(), flags))

    def call(self):
        """An interface that goes down forgets its sessions, and does not wait 5 s for its next handshake."""
        self._set_up(False)
        self._set_up(True)
        self._icmp.sendto(echo_request(self._number, 1), (GATEWAY_ADDRESS, 0))

    def answered(self):
        """Reads what came."""
        while True:
            try:
                if echo_reply(self._icmp.recv(2048)) == (self._number, 1):
                    return True
            except BlockingIOError:
                return False

    def close(self):
        self._icmp.close()


def until_answered(callers, begin, limit):
    """Seconds from `begin` (monotonic) until each was answered; None of one that was not within `limit`."""
    found, ready = {}, select.poll()
    for caller in callers:
        ready.register(caller.fd, select.POLLIN)
    due = {caller: time.monotonic() + i * AGAIN / len(callers) for i, caller in enumerate(callers)}
    while len(found) < len(callers) and time.monotonic() - begin < limit:
        for caller in callers:
            if caller not in found and time.monotonic() >= due[caller]:
                due[caller] = time.monotonic() + AGAIN
                caller.call()
        ready.poll(20)
        now = time.monotonic()
        for caller in callers:
            if caller not in found and caller.answered():
                found[caller] = now - begin
    return [found.get(caller) for caller in callers]


class Lasting(threading.Thread):
    """Clients of one namespace, each with an interface of its own, that ping once a second between two moments. Call
    stop() to end; the results are there then."""

    def __init__(self, ns):
        super().__init__(daemon=True)
        self._ns, self._clients, self._ready, self._ended = ns, {}, select.poll(), threading.Event()
        self._lock = threading.Lock()

    def add(self, interface, begin=None, end=None):
        """From `begin` until `end`, both monotonic; from now on and until the end when they are not given."""
        with in_netns(self._ns):
            icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            icmp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        icmp.setblocking(False)
        begin = begin or time.monotonic() + len(self._clients) % 50 / 50
        with self._lock:
            self._clients[icmp.fileno()] = {"interface": interface, "icmp": icmp, "due": begin, "begin": begin,
                                            "end": end or float("inf"), "sent": {}, "waits": []}
        self._ready.register(icmp.fileno(), select.POLLIN)

    def run(self):
        while not self._ended.is_set():
            now = time.monotonic()
            with self._lock:
                clients = list(self._clients.values())
            for client in clients:
                if client["due"] <= now < client["end"]:
                    client["due"] = max(client["due"] + 1, now + 0.5)
                    self._ping(client)
            for fd, _ in self._ready.poll(50):
                self._read(self._clients[fd])

    @staticmethod
    def _ping(client):
        sequence = len(client["sent"]) + len(client["waits"]) + 1
        client["sent"][sequence] = time.monotonic()
        client["icmp"].sendto(echo_request(1, sequence), (GATEWAY_ADDRESS, 0))

    @staticmethod
    def _read(client):
        try:
            reply = echo_reply(client["icmp"].recv(2048))
        except BlockingIOError:
            return
        sent = client["sent"].pop(reply[1], None) if reply else None
        if sent is not None:
            client["waits"].append((sent, time.monotonic() - sent))

    def all_answered(self):
        """Once each, at least."""
        return all(client["waits"] for client in self._clients.values())

    def stop(self, grace=10.0):
        """Waits for late answers. For each client: pings sent and lost, and the longest and the first wait."""
        with self._lock:
            for client in self._clients.values():
                client["end"] = min(client["end"], time.monotonic())
        time.sleep(grace)
        self._ended.set()
        self.join()
        return [{"interface": client["interface"], "sent": len(client["sent"]) + len(client["waits"]),
                 "lost": len(client["sent"]), "first_s": min(client["waits"], default=(0, None))[1],
                 "longest_s": max((wait for _, wait in client["waits"]), default=None)} for client in self._clients.values()]
