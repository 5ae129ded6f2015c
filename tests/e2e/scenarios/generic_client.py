"""Both servers as somebody sees them who has no .proto file: a generic gRPC client that asks the server what it offers."""

import base64
import json
import os
import socket
import subprocess

from registry import NO_CLIENT, scenario
from shell import run
from world import inner_address

BUF = "JITWG_E2E_BUF"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
HEALTH = {"Check", "Watch"}
SNIFFER = {"jitwg.v1.HandshakeEvents": {"Watch", "GetStatistics"},
           "jitwg.v1.PeerInstaller": {"InstallPeers", "RemovePeers", "ListPeers", "GetInterface"},
           "grpc.health.v1.Health": HEALTH}
PROVISIONER = {"jitwg.v1.Admin": {"Status", "Explain", "Evict", "ForgetTimestamp", "WatchDecisions"},
               "grpc.health.v1.Health": HEALTH}
# A key that nobody has, as protobuf's JSON writes bytes.
NOBODYS_KEY = "AQ" + "A" * 40 + "A="


class Server:
    """One server behind its Unix socket, through `buf curl` and nothing else."""

    def __init__(self, address):
        self._words = [os.environ[BUF], "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol",
                       "grpc-v1alpha", "--unix-socket", address.removeprefix("unix:")]

    def methods(self):
        """All that it offers but reflection itself: a set of method names for each service."""
        offered = {}
        for line in run(*self._words, "--list-methods", "http://localhost").stdout.split():
            service, method = line.rsplit("/", 1)
            if service != REFLECTION:
                offered.setdefault(service, set()).add(method)
        return offered

    def _command(self, method, request):
        return self._words + ["-d", json.dumps(request), f"http://localhost/{method}"]

    def call(self, method, request):
        return json.loads(run(*self._command(method, request)).stdout or "{}")

    def describe(self, symbol):
        """How many file descriptors it gives for a symbol."""
        answer = self.call(f"{REFLECTION}/ServerReflectionInfo", {"fileContainingSymbol": symbol})
        return len(answer["fileDescriptorResponse"]["fileDescriptorProto"])

    def refusal(self, method, request):
        """The code of a call that must fail."""
        done = run(*self._command(method, request), check=False)
        assert done.returncode != 0, f"{method} took {request}: {done.stdout}"
        return json.loads(done.stderr)["code"]

    def first_message(self, method, request):
        """The first message of a stream that has no end."""
        with subprocess.Popen(self._command(method, request), stdout=subprocess.PIPE, text=True) as stream:
            try:
                text, decoder = "", json.JSONDecoder()
                while True:
                    line = stream.stdout.readline()
                    assert line, f"{method} ended: {text}"
                    text += line
                    try:
                        return decoder.raw_decode(text.lstrip())[0]
                    except ValueError:
                        continue
            finally:
                stream.kill()


def four_bytes(address):
    """As protobuf's JSON writes bytes."""
    return base64.b64encode(socket.inet_aton(address)).decode()


def offers(server, services):
    offered = server.methods()
    assert offered == services, f"it offers {offered}"
    for service in services:
        assert server.describe(service) > 0, f"{service} is not described"
    assert server.call("grpc.health.v1.Health/Check", {})["status"] == "SERVING"
    assert server.first_message("grpc.health.v1.Health/Watch", {})["status"] == "SERVING"


@scenario("every_method_answers_a_generic_client", netns_only="it is about the servers; the kernel has no part in it",
          udp_only=NO_CLIENT)
def every_method(env):
    gateway = env.world.add_interface()
    env.jitwg.start(gateway)
    sniffer, provisioner = Server(env.jitwg.sniffer_socket), Server(env.jitwg.admin_socket)

    offers(sniffer, SNIFFER)
    assert "heartbeat" in sniffer.first_message("jitwg.v1.HandshakeEvents/Watch", {})
    assert sniffer.call("jitwg.v1.HandshakeEvents/GetStatistics", {})["snifferInstance"]
    shown, = sniffer.call("jitwg.v1.PeerInstaller/GetInterface", {})["interfaces"]
    assert shown["interface"] == "wg0" and shown["listenPort"] == gateway.port, shown
    address = inner_address(0, 9, 4)
    peer = {"publicKey": NOBODYS_KEY, "allowedIps": [{"address": four_bytes(address), "length": 32}]}
    result, = sniffer.call("jitwg.v1.PeerInstaller/InstallPeers", {"interface": "wg0", "peers": [peer]})["results"]
    assert result["outcome"] == "PEER_OUTCOME_INSTALLED", result
    listed, = sniffer.call("jitwg.v1.PeerInstaller/ListPeers", {"interface": "wg0"})["peers"]
    assert listed["publicKey"] == NOBODYS_KEY and listed["own"], listed
    code = sniffer.refusal("jitwg.v1.PeerInstaller/InstallPeers", {"interface": "wg9", "peers": [peer]})
    assert code == "not_found", code

    offers(provisioner, PROVISIONER)
    assert provisioner.call("jitwg.v1.Admin/Status", {})["snifferConnected"]
    assert "heartbeat" in provisioner.first_message("jitwg.v1.Admin/WatchDecisions", {})
    assert provisioner.call("jitwg.v1.Admin/Explain", {"publicKey": NOBODYS_KEY})["interfaces"]
    assert provisioner.call("jitwg.v1.Admin/ForgetTimestamp", {"publicKey": NOBODYS_KEY}) == {}
    assert provisioner.refusal("jitwg.v1.Admin/Evict", {}) == "invalid_argument"
    result, = provisioner.call("jitwg.v1.Admin/Evict", {"publicKey": NOBODYS_KEY})["results"]
    assert result["outcome"] == "PEER_OUTCOME_REMOVED", result
    result, = sniffer.call("jitwg.v1.PeerInstaller/RemovePeers", {"interface": "wg0", "publicKeys": [NOBODYS_KEY]})["results"]
    assert result["outcome"] != "PEER_OUTCOME_REMOVED" and not gateway.peers(), result
