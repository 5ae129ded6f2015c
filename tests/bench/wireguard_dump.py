"""Reads an interface's peers by netlink (linux/wireguard.h), the interrupted lists too: wg(8) starts over on these, and on
an interface that changes all the time it never ends. What it reads is not kept: the first message has the private key."""

import socket
import struct
import time

from shell import in_netns

NETLINK_GENERIC, NLCTRL = 16, 16
REQUEST, DUMP = 1, 0x300
ERROR, DONE = 2, 3
GET_FAMILY, FAMILY_ID, FAMILY_NAME = 3, 1, 2
GET_DEVICE, DEVICE_NAME, DEVICE_PEERS = 0, 2, 8
PEER_KEY = 1


def _attribute(kind, text):
    data = text.encode() + b"\0"
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _attributes(data, at, end):
    """(type, start, end) of each."""
    while at + 4 <= end:
        size, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, at + 4, at + size
        at += (size + 3) & ~3


class Reader:
    """A netlink socket in one network namespace."""

    def __init__(self, ns):
        with in_netns(ns):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self._socket.settimeout(300)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._family = NLCTRL
        self._family = self._find_family()

    def _send(self, command, flags, attributes):
        body = struct.pack("=BBH", command, 1, 0) + attributes
        self._socket.send(struct.pack("=IHHII", 16 + len(body), self._family, REQUEST | flags, 1, 0) + body)

    def _find_family(self):
        self._send(GET_FAMILY, 0, _attribute(FAMILY_NAME, "wireguard"))
        data = self._socket.recv(1 << 16)
        for _, at, end in _messages(data):
            for kind, start, _ in _attributes(data, at, end):
                if kind == FAMILY_ID:
                    return struct.unpack_from("=H", data, start)[0]
        raise OSError("the kernel has no WireGuard")

    def dump(self, interface):
        """(seconds, set of public keys). The time is that of reading alone."""
        begin, parts, ended = time.monotonic(), [], False
        self._send(GET_DEVICE, DUMP, _attribute(DEVICE_NAME, interface))
        while not ended:
            parts.append(self._socket.recv(1 << 17))
            ended = any(kind == DONE for kind, _, _ in _messages(parts[-1]))
        seconds = time.monotonic() - begin
        return seconds, {key for data in parts for key in _keys(data)}


def _messages(data):
    """(type, start, end) of what each message carries."""
    at = 0
    while at + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, at)
        if kind == ERROR and struct.unpack_from("=i", data, at + 16)[0] != 0:
            raise OSError(-struct.unpack_from("=i", data, at + 16)[0], "netlink refused")
        yield kind, at + 20, at + size
        at += (size + 3) & ~3


def _keys(data):
    for kind, at, end in _messages(data):
        if kind == DONE:
            return
        for part, start, stop in _attributes(data, at, end):
            if part == DEVICE_PEERS:
                for _, peer, peer_end in _attributes(data, start, stop):
                    yield next(data[a:b] for inner, a, b in _attributes(data, peer, peer_end) if inner == PEER_KEY)
