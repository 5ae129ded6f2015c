"""A small internet made of network namespaces: one gateway and its clients on one Ethernet segment, with IPv4 and IPv6
outside (documentation ranges) and inside the tunnels. It must not know jitwg: programs.py adds that, and what may carry
the clients' datagrams in UDP's place."""

import dataclasses
import socket
import time

import shell
import wg
from shell import in_netns, ip_batch, run

GATEWAY = "gw"
SWITCH = "sw"
# A responder refuses a peer's initiation that comes less than 1/50 s after the one before (INITIATIONS_PER_SECOND,
# drivers/net/wireguard/messages.h), and the client tries again only 5 s later.
INITIATION_GAP = 0.05
OUTER = {4: "192.0.2.{}", 6: "2001:db8:1::{:x}"}


def outer_address(host, version):
    return OUTER[version].format(host)


def inner_address(network, host, version):
    if version == 4:
        return f"10.{8 + network}.{host // 256}.{host % 256}"
    return f"fd{8 + network:02d}::{host:x}"


def inner_prefix(network, version):
    return f"10.{8 + network}.0.0/16" if version == 4 else f"fd{8 + network:02d}::/64"


def host_prefixes(network, host):
    """What a client with this host number may use inside: one address of each family."""
    return f"{inner_address(network, host, 4)}/32,{inner_address(network, host, 6)}/128"


@dataclasses.dataclass
class GatewayInterface:
    """One WireGuard interface of the gateway."""
    name: str
    network: int
    port: int
    keys: wg.Keys

    def prefixes(self):
        return [inner_prefix(self.network, 4), inner_prefix(self.network, 6)]

    def peers(self):
        return wg.peers(GATEWAY, self.name)


class Client:
    """A host of its own with one WireGuard interface that calls one gateway interface."""

    def __init__(self, world, number, ns, interface):
        self.number = number
        self.ns = ns
        self.interface = interface
        self.keys = wg.new_keys()
        self.psk = None
        self.network = 0
        self._target = self._outer = self._keepalive = self._endpoint = None
        self._world = world

    @property
    def prefixes(self):
        return host_prefixes(self.network, self.number)

    def point_at(self, gateway_interface, outer=4, psk=None, keepalive=0, endpoint=None):
        """Configures the gateway as this client's only peer. Nothing is sent before there is traffic, unless a
        keepalive is given. With an endpoint it is called there instead of at its address."""
        self.network, self.psk, self._endpoint = gateway_interface.network, psk, endpoint
        self._target, self._outer, self._keepalive = gateway_interface, outer, keepalive
        wg.configure(self.ns, self.interface, "private-key", "/dev/stdin", secrets=[self.keys.private])
        self._configure_peer()
        link = self.interface
        ip_batch([f"addr replace {inner_address(self.network, self.number, 4)}/32 dev {link}",
                  f"addr replace {inner_address(self.network, self.number, 6)}/128 dev {link} nodad",
                  f"link set {link} up",
                  f"route replace {inner_prefix(self.network, 4)} dev {link}",
                  f"route replace {inner_prefix(self.network, 6)} dev {link}"], self.ns)

    def _configure_peer(self):
        endpoint = self._endpoint or self._world.endpoint(self.ns, self._target.port, self._outer)
        secret = ["preshared-key", "/dev/stdin"] if self.psk else []
        wg.configure(self.ns, self.interface, "peer", self._target.keys.public, "endpoint", endpoint, "allowed-ips",
                     ",".join(self._target.prefixes()), "persistent-keepalive", self._keepalive, *secret,
                     secrets=[self.psk] if self.psk else [])

    def ping(self, inner=4, wait=3.0):
        """True when the gateway's inner address answers a ping within `wait` seconds, handshake included. Asks once a
        second: a single packet may get lost while two handshakes cross."""
        target = inner_address(self.network, 1, inner)
        return run("ping", f"-{inner}", "-n", "-c", "1", "-w", str(int(wait * shell.time_scale) or 1), target,
                   ns=self.ns, check=False, timeout=wait * shell.time_scale + 10).returncode == 0

    def poke(self):
        """Sends one packet into the tunnel and waits for nothing."""
        with self.udp_socket() as sender:
            sender.sendto(b"?", (inner_address(self.network, 1, 4), 9))

    def reset_session(self, target=None):
        """Forgets the session as a client that was switched off and on: the next packet starts a new handshake. With
        a target, with that gateway interface and nothing else changed."""
        time.sleep(INITIATION_GAP)
        wg.configure(self.ns, self.interface, "peer", self._target.keys.public, "remove")
        if target:
            self._target, self.network = target, target.network
            ip_batch([f"route replace {prefix} dev {self.interface}" for prefix in target.prefixes()], self.ns)
        self._configure_peer()

    def gateway_peer(self):
        """The gateway as this client sees it."""
        return next(iter(wg.peers(self.ns, self.interface).values()))

    def udp_socket(self, version=4):
        """A plain UDP socket on this host: for packets that no WireGuard sends."""
        with in_netns(self.ns):
            return socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)

    def caller(self, gateway_interface, outer=4):
        """A socket whose send() goes where this host's WireGuard would send: for packets that no WireGuard makes."""
        host, port = self._world.endpoint(self.ns, gateway_interface.port, outer).rsplit(":", 1)
        caller = self.udp_socket(6 if host.startswith("[") else 4)
        caller.connect((host.strip("[]"), int(port)))
        return caller

    def tap(self):
        """Sees what this host's WireGuard sends and gets: for read_initiation()."""
        return packet_tap(self.ns, "lo" if self._world.carrier else "eth0")


class World:
    """Owns every namespace and WireGuard interface of one scenario; close() removes them all."""

    def __init__(self, backend, folder):
        self.backend = backend
        self.folder = folder
        self.interfaces = []
        # What takes datagrams from clients to the gateway, when it is not UDP: websocket.Carrier.
        self.carrier = None
        self._namespaces = []
        self._clients = 0

    def build(self):
        """The switch and the gateway. Apart from the constructor, so that close() can mend a half-done one."""
        self._add_namespace(SWITCH)
        ip_batch(["link add br0 type bridge forward_delay 0", "link set br0 up"], SWITCH)
        self.add_host(GATEWAY, 1)

    def _add_namespace(self, ns):
        run("ip", "netns", "add", ns)
        self._namespaces.append(ns)
        for setting in ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                        "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
            name, value = setting.split("=")
            with in_netns(ns), open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
                file.write(value)
        ip_batch(["link set lo up"], ns)

    def add_host(self, ns, number):
        """A namespace with an eth0 on the common segment."""
        self._add_namespace(ns)
        ip_batch([f"link add p-{ns} type veth peer name eth0 netns {ns}", f"link set p-{ns} master br0 up"], SWITCH)
        ip_batch([f"addr add {outer_address(number, 4)}/24 dev eth0",
                  f"addr add {outer_address(number, 6)}/64 dev eth0 nodad", "link set eth0 up"], ns)

    def endpoint(self, ns, port, outer, who=""):
        """What a WireGuard in `ns` calls to reach the gateway's at `port`; several in one `ns` say who each is."""
        if self.carrier:
            return self.carrier.endpoint(ns, port, outer, who)
        address = outer_address(1, outer)
        return f"[{address}]:{port}" if outer == 6 else f"{address}:{port}"

    def came_over(self, endpoint, outer):
        """True when the gateway may see a client that called over this outer family at such an endpoint."""
        return self.carrier.is_source(endpoint) if self.carrier else ("[" in endpoint) == (outer == 6)

    def add_interface(self, name="wg0", network=0, port=51820):
        """A WireGuard interface on the gateway: a key, a port, addresses, and no peers."""
        interface = GatewayInterface(name, network, port, wg.new_keys())
        self.backend.create(GATEWAY, name)
        self.configure_interface(interface)
        self.interfaces.append(interface)
        return interface

    def configure_interface(self, interface):
        wg.configure(GATEWAY, interface.name, "listen-port", interface.port, "private-key", "/dev/stdin",
                     secrets=[interface.keys.private])
        ip_batch([f"addr replace {inner_address(interface.network, 1, 4)}/16 dev {interface.name}",
                  f"addr replace {inner_address(interface.network, 1, 6)}/64 dev {interface.name} nodad",
                  f"link set {interface.name} up"], GATEWAY)

    def recreate_interface(self, interface, port):
        """Deletes the interface and makes it again with a new key and port, as an operator would."""
        self.backend.delete(GATEWAY, interface.name)
        self.backend.create(GATEWAY, interface.name)
        interface.keys, interface.port = wg.new_keys(), port
        self.configure_interface(interface)

    def add_client(self):
        self._clients += 1
        number = 9 + self._clients
        ns = f"c{self._clients}"
        self.add_host(ns, number)
        interface = f"wgc{self._clients}"
        self.backend.create(ns, interface)
        return Client(self, number, ns, interface)

    def describe(self):
        """The state of everything, for the log of a failed scenario. Keys stay hidden: `wg show`, not its dump."""
        parts = []
        for ns in self._namespaces:
            if ns != SWITCH:
                parts.append(f"--- {ns}\n" + run("wg", "show", ns=ns, check=False).stdout)
                parts.append(run("ip", "-br", "addr", ns=ns, check=False).stdout)
        return "\n".join(parts)

    def close(self):
        if self.carrier:
            self.carrier.close()
        self.backend.close()
        for ns in self._namespaces:
            run("ip", "netns", "del", ns, check=False)
        self._namespaces.clear()


def packet_tap(ns, device):
    """A packet socket that sees what arrives and leaves there."""
    with in_netns(ns):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        tap.bind((device, 0x0003))
    tap.settimeout(0.2)
    return tap


def read_initiation(tap, wanted=lambda packet: True, seconds=10.0):
    """The next WireGuard initiation (148 bytes) on a tap, over IPv4 or IPv6 without options, that is wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            packet = tap.recv(2048)
        except socket.timeout:
            continue
        payload = packet[28:] if packet[0] >> 4 == 4 else packet[48:]
        if len(payload) == 148 and payload[:4] == b"\x01\0\0\0" and wanted(payload):
            return payload
    raise AssertionError("no such initiation was seen on the wire")
