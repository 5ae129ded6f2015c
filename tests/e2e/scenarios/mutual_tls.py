"""Sniffer, provisioner and jitwgctl over TCP, with certificates of `jitwgctl certs init`."""

import json
import os

from programs import NOBODY, ORDINARY_USER, Program
from registry import scenario
from scenarios.privileges import replaced
from scenarios.startup import IN_GATEWAY
from shell import run, wait_until
from status import Status

SNIFFER, ADMIN = "127.0.0.1:7000", "127.0.0.1:7001"


class Certificates:
    """The files of `jitwgctl certs init`, those of the provisioner and of callers given to their user."""

    def __init__(self, jitwg):
        self._folder = os.path.join(jitwg.run, "certs")
        run(jitwg.path("jitwgctl"), "certs", "init", self._folder, "--name", "127.0.0.1", "--client",
            "operator,stranger")
        os.chmod(self._folder, 0o755)
        os.chmod(f"{self._folder}/ca.pem", 0o644)
        for name in ("provisioner", "operator", "stranger"):
            for kind in ("pem", "key"):
                os.chown(f"{self._folder}/{name}.{kind}", NOBODY, NOBODY)

    def of(self, name):
        return ["--tls-ca", f"{self._folder}/ca.pem", "--tls-cert", f"{self._folder}/{name}.pem",
                "--tls-key", f"{self._folder}/{name}.key"]


@scenario("sniffer_and_provisioner_over_tcp_with_mutual_tls_let_a_client_in")
def over_tcp(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    certificates = Certificates(env.jitwg)
    caller = IN_GATEWAY + ORDINARY_USER

    def ask(name, *words):
        return run(*caller, env.jitwg.path("jitwgctl"), "--sniffer", SNIFFER, "--admin", ADMIN, *words,
                   *certificates.of(name), check=False, timeout=30)

    sniffer = Program("jitwg-sniffer", IN_GATEWAY + replaced(env.jitwg.sniffer_command([gateway]), "--listen", SNIFFER) +
                      certificates.of("sniffer") + ["--tls-client-name", "provisioner,operator"],
                      env.jitwg.log_path("sniffer"))
    provisioner = Program("jitwg-provisioner", caller + replaced(replaced(
        env.jitwg.provisioner_command(), "--sniffer", SNIFFER), "--admin-listen", ADMIN) +
        certificates.of("provisioner") + ["--tls-client-name", "operator"], env.jitwg.log_path("provisioner"))
    env.jitwg.sniffer, env.jitwg.provisioner = sniffer, provisioner
    sniffer.start()
    provisioner.start()

    def connected():
        assert sniffer.running and provisioner.running, sniffer.log()[-2000:] + provisioner.log()[-2000:]
        done = ask("operator", "--json", "status")
        return done.returncode == 0 and Status(json.loads(done.stdout)).sniffer_connected
    wait_until(connected, 30, "the provisioner speaks with the sniffer over TCP", interval=0.5)
    assert client.ping(4, 20.0), "the client does not get in"
    refused = ask("stranger", "peers")
    assert refused.returncode != 0 and "'stranger'" in refused.stderr, refused.stderr
    plain = run(*caller, env.jitwg.path("jitwgctl"), "--sniffer", SNIFFER, "peers", check=False, timeout=30)
    assert plain.returncode != 0 and "mutual TLS" in plain.stderr, plain.stderr
