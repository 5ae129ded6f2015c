"""The gateway that chaos.py disturbs: its daemons carry the fault shim, speak over a Unix socket or over TCP with mutual TLS, and
may tell everything that gRPC traces."""

import os
import socket

from certificates import MortalCertificates
from programs import GATEWAY, ORDINARY_USER, SNIFFER_RIGHTS, Gateway, Program
from scenarios.startup import IN_GATEWAY
from shell import in_netns, run, wait_until
from shim import Shim

TCP = ("127.0.0.1", 7000)
TRACED = ["GRPC_VERBOSITY=debug", "GRPC_TRACE=all"]


class ChaosGateway(Gateway):
    """`library` is the fault shim."""
    library = None

    def __init__(self, binaries, folder):
        super().__init__(binaries, folder)
        self.shims = {name: Shim(self.library, os.path.join(self.run, f"fault-page-{name}"))
                      for name in ("sniffer", "provisioner")}
        self.certificates = None  # with them the daemons speak over TCP
        self._over_unix = self.sniffer_socket

    def use_tls(self):
        """From the next start on."""
        self.certificates = MortalCertificates(self)
        self.sniffer_socket = f"{TCP[0]}:{TCP[1]}"

    def use_unix(self):
        self.certificates, self.sniffer_socket = None, self._over_unix

    def _credentials(self, name):
        return self.certificates.of(name) if self.certificates else []

    def start(self, *interfaces, sniffer=(), provisioner=(), traced=False):
        """Traced: into logs of their own."""
        loud, suffix = (["--log-level", "trace"], "-traced") if traced else ([], "")
        callers = ["--tls-client-name", "provisioner,operator"] if self.certificates else []

        def program(name, user, command, extra):
            environment = ["env"] + self.shims[name].environment() + (TRACED if traced else [])
            return Program(f"jitwg-{name}", IN_GATEWAY + user + environment + command + self._credentials(name) + extra + loud,
                           self.log_path(name + suffix))
        self.sniffer = program("sniffer", SNIFFER_RIGHTS, self.sniffer_command(interfaces, sniffer), callers)
        self.provisioner = program("provisioner", ORDINARY_USER,
                                   self.provisioner_command(["--evict-interval", "1s", *provisioner]), [])
        self.start_sniffer()
        self.start_provisioner()

    def _sniffer_listens(self):
        family, address = ((socket.AF_INET, TCP) if self.certificates else
                           (socket.AF_UNIX, self.sniffer_socket.removeprefix("unix:")))
        with in_netns(GATEWAY), socket.socket(family) as attempt:
            return attempt.connect_ex(address) == 0

    def start_sniffer(self):
        self.sniffer.start()
        wait_until(lambda: not self.sniffer.running or self._sniffer_listens(), 15, "the sniffer's socket opens")
        assert self.sniffer.running, f"the sniffer ended at once: {self.sniffer.log()[-2000:]}"

    def start_provisioner_alone(self):
        """Without waiting until it speaks with the sniffer."""
        self.provisioner.start()
        wait_until(lambda: not self.provisioner.running or self.admin_answers(), 15, "the provisioner's socket opens")
        assert self.provisioner.running, f"the provisioner ended at once: {self.provisioner.log()[-2000:]}"

    def ctl(self, *words, check=True, registry=None):
        return run(*IN_GATEWAY, *ORDINARY_USER, self.path("jitwgctl"), "--sniffer", self.sniffer_socket, "--admin",
                   self.admin_socket, "--registry", registry or self.registry, *self._credentials("operator"), *words,
                   check=check, timeout=20)
