"""jitwg-ws-ingress on the gateway and `jitwgctl ws-connect` on a client, with TLS and as ordinary users."""

import os
import re

from programs import ORDINARY_USER, Program
from shell import run, wait_until
from world import GATEWAY, outer_address

LOCAL = "127.0.0.1:51821"


class Ingress:
    """The gateway's ingress on port 443 of all its addresses, and the clients' ends that a scenario starts."""

    def __init__(self, jitwg, target):
        self._jitwg = jitwg
        self._certificate, key = os.path.join(jitwg.run, "ws.pem"), os.path.join(jitwg.run, "ws.key")
        names = ",".join(f"IP:{outer_address(1, version)}" for version in (4, 6))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            key, "-out", self._certificate, "-days", "2", "-subj", "/CN=gateway", "-addext", f"subjectAltName={names}")
        os.chmod(key, 0o644)
        # A port that an ordinary user may bind.
        self._ingress = Program("jitwg-ws-ingress", ["ip", "netns", "exec", GATEWAY] + ORDINARY_USER + [
            jitwg.path("jitwg-ws-ingress"), "--listen", "0.0.0.0:8443", "--listen", "[::]:8443", "--tls-cert",
            self._certificate, "--tls-key", key, "--target", f"127.0.0.1:{target.port}", "--max-connections", "100",
            "--drain-grace", "0s"], jitwg.log_path("ws-ingress"))
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

    def connect(self, client, outer=4, options=()):
        """Starts the client's end, at which its WireGuard's endpoint is LOCAL."""
        address = outer_address(1, outer)
        url = f"wss://[{address}]:8443" if outer == 6 else f"wss://{address}:8443"
        end = Program("jitwgctl ws-connect", ["ip", "netns", "exec", client.ns] + ORDINARY_USER + [
            self._jitwg.path("jitwgctl"), "ws-connect", url, "--ca-file", self._certificate, "--listen", LOCAL, *options],
            self._jitwg.log_path(f"ws-connect-{client.ns}"))
        end.start()
        self._ends.append(end)
        wait_until(lambda: "ws_connected" in end.log() or not end.running, 20, "the client's end is connected")
        assert end.running, f"ws-connect ended at once: {end.log()[-2000:]}"
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
