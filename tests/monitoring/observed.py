"""A gateway in namespaces of its own, with every program serving its numbers, one client that is in and one that stays out:
what the tests of metrics, rules, dashboard and page look at. The parts are those of the end-to-end tests."""

import contextlib
import os
import sys
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.dont_write_bytecode = True

from programs import NOBODY, ORDINARY_USER, SNIFFER_RIGHTS, Program  # noqa: E402  (after the path is set)
from registry import Variant  # noqa: E402
from runner import Environment  # noqa: E402
from shell import in_netns, run, wait_until  # noqa: E402
from world import GATEWAY  # noqa: E402

# In the gateway's own namespace, where nobody else listens.
PORTS = {"jitwg-sniffer": 9586, "jitwg-provisioner": 9587, "jitwg-ws-ingress": 9588, "jitwg-peer-api": 9589}
# What a browser would run if anybody forgot to escape it.
HOSTILE_NAME = "<img src=x onerror=\"window.owned=1\"><b>laptop</b>&amp;'"


def fetch(url, headers=None, method="GET", body=None):
    """From inside the gateway's namespace: status, headers, text."""
    request = urllib.request.Request(url, headers=headers or {}, method=method, data=body)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with in_netns(GATEWAY):
        try:
            answer = opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode()


def scrape(program):
    """The program's numbers, as Prometheus gets them."""
    status, headers, text = fetch(f"http://127.0.0.1:{PORTS[program]}/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), (status, headers)
    return text


def value(text, series):
    """Of one line, named with its labels; None when there is no such line."""
    lines = [line for line in text.splitlines() if line.startswith(series + " ")]
    assert len(lines) <= 1, lines
    return float(lines[0].rsplit(" ", 1)[1]) if lines else None


class Observed:
    """The world, and the two clients."""

    def __init__(self, env):
        self.env = env
        self.gateway = env.world.add_interface()
        self.client, self.stranger = env.world.add_client(), env.world.add_client()
        self.jitwg = env.jitwg
        listen = f"127.0.0.1:{PORTS['jitwg-ws-ingress']}"
        ingress = Program("jitwg-ws-ingress", ["ip", "netns", "exec", GATEWAY] + ORDINARY_USER + [
            env.jitwg.path("jitwg-ws-ingress"), "--listen", "127.0.0.1:8443", "--plain", "--target", "127.0.0.1:51820",
            "--max-connections", "100", "--metrics-listen", listen], env.jitwg.log_path("ws-ingress"))
        self.others = [ingress, self._make_api()]

    def _make_api(self):
        """Beside the same registry."""
        tokens = os.path.join(self.jitwg.run, "provisioner", "tokens")
        with open(os.open(tokens, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write("admin " + "f" * 48 + "\n")
        os.chown(tokens, NOBODY, NOBODY)
        return Program("jitwg-peer-api", ["ip", "netns", "exec", GATEWAY] + ORDINARY_USER + [
            self.jitwg.path("jitwg-peer-api"), "--listen", "127.0.0.1:8080", "--registry", self.jitwg.registry, "--token-file",
            tokens, "--metrics-listen", f"127.0.0.1:{PORTS['jitwg-peer-api']}"], self.jitwg.log_path("peer-api"))

    def _start_daemons(self):
        """Both in the gateway's namespace, so that what they serve meets nobody of this machine."""
        jitwg, there = self.jitwg, ["ip", "netns", "exec", GATEWAY]
        serve = {program: ("--metrics-listen", f"127.0.0.1:{port}") for program, port in PORTS.items()}
        jitwg.sniffer = Program("jitwg-sniffer", there + SNIFFER_RIGHTS + jitwg.sniffer_command(
            [self.gateway], serve["jitwg-sniffer"]), jitwg.log_path("sniffer"))
        jitwg.provisioner = Program("jitwg-provisioner", there + ORDINARY_USER + jitwg.provisioner_command(
            ("--cache", "on", "--gateway", "gw<1>", "--evict-interval", "1s", *serve["jitwg-provisioner"])),
            jitwg.log_path("provisioner"))
        jitwg.start_sniffer()
        jitwg.start_provisioner()

    def start(self):
        """Returns when the one client is in, the other refused, and both are counted."""
        self.client.point_at(self.gateway)
        self.stranger.point_at(self.gateway)
        self.jitwg.add_peer(self.client.keys.public, self.client.prefixes, extra=("--name", HOSTILE_NAME))
        self._start_daemons()
        for program in self.others:
            program.start()
        assert self.client.ping(4, 20.0), "no answer through the tunnel"
        self.stranger.poke()
        live = 'jitwg_kernel_peers{interface="wg0",state="live"}'

        def counted():
            text = scrape("jitwg-provisioner")
            return value(text, live) == 1 and value(text, 'jitwg_provisioner_decisions_total{verdict="unknown_key"}')
        wait_until(counted, 20, "one live peer and one refusal are counted", interval=0.2)
        for program in self.others:
            wait_until(lambda program=program: "metrics_started" in program.log(), 10, f"{program.name} serves its numbers")
        assert fetch("http://127.0.0.1:8080/healthz")[0] == 200 and fetch("http://127.0.0.1:8080/v1/peers")[0] == 401


@contextlib.contextmanager
def observed(binaries, results):
    """The gateway, observed; all of it is gone afterwards."""
    os.makedirs(results, exist_ok=True)
    env = Environment(Variant("netns"), binaries, results)
    there = None
    try:
        env.world.build()
        there = Observed(env)
        there.start()
        yield there
    finally:
        if there:
            for program in there.others:
                program.stop()
        env.close()


__all__ = ["GATEWAY", "HOSTILE_NAME", "PORTS", "ROOT", "Program", "fetch", "observed", "run", "scrape", "value", "wait_until"]
