"""jitwg-ws-ingress on the gateway and `jitwgctl ws-connect` on a client, with TLS and as ordinary users; and a carrier
that takes all clients of a world this way."""

import ipaddress
import os
import re

from programs import ORDINARY_USER, Program
from shell import run, wait_until
from world import GATEWAY, outer_address

LOCAL_PORT = 51821
LOCAL = f"127.0.0.1:{LOCAL_PORT}"
FIRST_PORT = 8443  # one that an ordinary user may bind
# From these the gateway's WireGuard sees the clients.
SOURCES = ipaddress.ip_network("127.64.0.0/10")


def is_source(endpoint):
    return ipaddress.ip_address(endpoint.rsplit(":", 1)[0].strip("[]")) in SOURCES


def make_certificate(folder):
    """Returns the paths of the certificate for the gateway's addresses, and of its key."""
    certificate, key = os.path.join(folder, "ws.pem"), os.path.join(folder, "ws.key")
    if not os.path.exists(certificate):
        names = ",".join(f"IP:{outer_address(1, version)}" for version in (4, 6))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            key, "-out", certificate, "-days", "2", "-subj", "/CN=gateway", "-addext", f"subjectAltName={names}")
        os.chmod(key, 0o644)
    return certificate, key


class Ingress:
    """An ingress on all addresses of the gateway, and the clients' ends that a scenario starts."""

    def __init__(self, jitwg, target_port, port=FIRST_PORT, tls=True):
        self._jitwg = jitwg
        self.port = port
        self.certificate, key = make_certificate(jitwg.run) if tls else ("", "")
        security = ["--tls-cert", self.certificate, "--tls-key", key] if tls else ["--plain"]
        log = jitwg.log_path("ws-ingress" if port == FIRST_PORT else f"ws-ingress-{port}")
        self._ingress = Program("jitwg-ws-ingress", ["ip", "netns", "exec", GATEWAY] + ORDINARY_USER + [
            jitwg.path("jitwg-ws-ingress"), "--listen", f"0.0.0.0:{port}", "--listen", f"[::]:{port}", *security, "--target",
            f"127.0.0.1:{target_port}", "--max-connections", "1500", "--drain-grace", "0s"], log)
        self._ends = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for program in self._ends + [self._ingress]:
            program.stop()

    def start(self):
        before = self._ingress.log().count("ws_ingress_started") if self._ingress.started else 0
        self._ingress.start()
        wait_until(lambda: self._ingress.log().count("ws_ingress_started") >= before + 2 or not self._ingress.running, 15,
                   "the ingress listens")
        assert self._ingress.running, f"the ingress ended at once: {self._ingress.log()[-2000:]}"

    def kill(self):
        self._ingress.kill()

    def begin(self, ns, outer=4, local_port=LOCAL_PORT, options=()):
        """Starts the client's end in a namespace, and waits for nothing."""
        address = outer_address(1, outer)
        url = f"wss://[{address}]:{self.port}" if outer == 6 else f"wss://{address}:{self.port}"
        end = Program("jitwgctl ws-connect", ["ip", "netns", "exec", ns] + ORDINARY_USER + [
            self._jitwg.path("jitwgctl"), "ws-connect", url, "--ca-file", self.certificate, "--listen",
            f"127.0.0.1:{local_port}", *options], self._jitwg.log_path(f"ws-connect-{ns}-{local_port}"))
        end.start()
        self._ends.append(end)
        return end

    def connect(self, client, outer=4, options=()):
        """Starts the client's end, at which its WireGuard's endpoint is LOCAL."""
        end = self.begin(client.ns, outer, options=options)
        await_connected(end)
        return end

    def finish(self):
        """Ends both sides as an operator does; returns the ingress's counters."""
        for end in self._ends:
            code = end.stop()
            assert code == 0, f"ws-connect ended with {code}: {end.log()[-2000:]}"
        code = self._ingress.stop()
        assert code == 0, f"the ingress ended with {code}: {self._ingress.log()[-2000:]}"
        words = re.findall(r"ws_ingress_status (.*)", self._ingress.log())[-1].split()
        return {name: int(value) for name, value in (word.split("=") for word in words)}


def await_connected(end):
    wait_until(lambda: "ws_connected" in end.log() or not end.running, 20, "the client's end is connected")
    assert end.running, f"ws-connect ended at once: {end.log()[-2000:]}"


class Carrier:
    """Takes every client's datagrams to the gateway: an ingress for each port of its WireGuard, an end for each client."""

    def __init__(self, jitwg):
        self._jitwg = jitwg
        self._ingresses = {}
        self._ends = {}

    def _ingress(self, port):
        if port not in self._ingresses:
            self._ingresses[port] = Ingress(self._jitwg, port, FIRST_PORT + len(self._ingresses))
            self._ingresses[port].start()
        return self._ingresses[port]

    def endpoint(self, ns, port, outer, who=""):
        """Where a WireGuard in `ns` finds the gateway's at `port`. Each of several there says who it is, and they are
        awaited together by await_ends()."""
        key = (ns, port, outer, who)
        if key not in self._ends:
            local_port = LOCAL_PORT + len(self._ends)
            self._ends[key] = local_port, self._ingress(port).begin(ns, outer, local_port)
            if not who:
                await_connected(self._ends[key][1])
        return f"127.0.0.1:{self._ends[key][0]}"

    def await_ends(self):
        for _, end in self._ends.values():
            await_connected(end)

    def is_source(self, endpoint):
        return is_source(endpoint)

    def close(self):
        for ingress in self._ingresses.values():
            ingress.__exit__()
        self._ingresses.clear()
        self._ends.clear()
