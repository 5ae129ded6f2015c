"""What a client sees of one first handshake, by packet sockets with the kernel's time stamps: the reader's own slowness
does not count. It must not know jitwg."""

import dataclasses
import select
import socket
import struct
import time

from shell import in_netns

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
ETH_P_ALL = 0x0003
INITIATION, RESPONSE = (b"\1\0\0\0", 148), (b"\2\0\0\0", 92)


@dataclasses.dataclass
class Outcome:
    """Times in milliseconds since the client's first initiation left; None: it did not come to that."""
    handshake_ms: float = None
    reply_ms: float = None
    initiations: int = 0        # of the client, until the handshake was complete
    gateway_called: bool = False  # the client was the one who answered
    gateway_address: str = ""   # from where the gateway answered, or called

    @property
    def completed(self):
        return self.reply_ms is not None

    @property
    def at_first(self):
        return self.completed and self.initiations == 1


class Tap:
    """Sees what arrives at an interface and what leaves it."""

    def __init__(self, ns, interface):
        with in_netns(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.socket.bind((interface, ETH_P_ALL))
        self.socket.setblocking(False)

    def packets(self):
        """What is there now: (nanoseconds since 1970, outgoing?, the IP packet)."""
        while True:
            try:
                packet, control, _, address = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            stamp = next(data for level, kind, data in control if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS))
            seconds, nanoseconds = struct.unpack("qq", stamp[:16])
            yield seconds * 10**9 + nanoseconds, address[2] == socket.PACKET_OUTGOING, packet


def udp_payload(packet):
    """(source, destination, payload) of an IPv4 packet without options or an IPv6 one; empty when it is no UDP."""
    if len(packet) >= 28 and packet[0] == 0x45 and packet[9] == socket.IPPROTO_UDP:
        return *(socket.inet_ntop(socket.AF_INET, packet[at:at + 4]) for at in (12, 16)), packet[28:]
    if len(packet) >= 48 and packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_UDP:
        return *(socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24)), packet[48:]
    return "", "", b""


def is_message(payload, message):
    return payload[:4] == message[0] and len(payload) == message[1]


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Caller:
    """Sends one echo request into a tunnel that does not stand yet, and watches what comes of it."""

    def __init__(self, ns, interface):
        self._ns = ns
        self._outer, self._inner = Tap(ns, "eth0"), Tap(ns, interface)
        self._number = 0

    def _echo(self, sender, target, sequence):
        head = struct.pack(">BBHHH", 8, 0, 0, self._number, sequence)
        sender.sendto(head[:2] + struct.pack(">H", checksum(head)) + head[4:], (target, 0))

    def call(self, source, target, limit):
        """From the inner address `source` to `target`; gives up after `limit` seconds. A further echo request goes
        every second, for crossing handshakes may lose one."""
        self._number = self._number % 0xFFFF + 1
        for tap in (self._outer, self._inner):
            for _ in tap.packets():
                pass
        with in_netns(self._ns):
            sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with sender:
            sender.bind((source, 0))
            return self._watch(lambda sequence: self._echo(sender, target, sequence), limit)

    def _watch(self, send, limit):
        outer, replied = [], None
        ready = select.poll()
        for tap in (self._outer, self._inner):
            ready.register(tap.socket, select.POLLIN)
        begin, sent = time.monotonic(), 0
        while replied is None and time.monotonic() - begin < limit:
            if time.monotonic() - begin >= sent:
                sent += 1
                send(sent)
            ready.poll(100)
            outer += self._outer.packets()
            replied = next((at for at, outgoing, packet in self._inner.packets()
                            if not outgoing and self._is_reply(packet)), None)
        outer += self._outer.packets()
        return outcome_of(outer, replied)

    def _is_reply(self, packet):
        return (len(packet) >= 28 and packet[0] == 0x45 and packet[9] == socket.IPPROTO_ICMP and packet[20] == 0 and
                packet[24:26] == struct.pack(">H", self._number))


def outcome_of(outer, replied):
    """`outer`: (nanoseconds, outgoing?, packet) of the client's network interface in any order; `replied`: when the
    first reply came out of the tunnel, or None."""
    calls, answers = [], []
    for at, outgoing, packet in sorted(outer, key=lambda seen: seen[0]):
        source, destination, payload = udp_payload(packet)
        if outgoing and is_message(payload, INITIATION):
            calls.append(at)
        elif is_message(payload, RESPONSE):
            answers.append((at, outgoing, destination if outgoing else source))
    if not calls:
        return Outcome()
    if replied is None:
        return Outcome(initiations=len(calls))
    before = [answer for answer in answers if answer[0] <= replied]
    if not before:  # the tap lost it
        return Outcome(None, (replied - calls[0]) / 1e6, len(calls))
    # The one that completed it is the last: an earlier one may have come to nothing.
    at, outgoing, gateway = before[-1]
    return Outcome((at - calls[0]) / 1e6, (replied - calls[0]) / 1e6, sum(call <= at for call in calls), outgoing, gateway)
