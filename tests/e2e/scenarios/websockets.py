"""WireGuard over WebSockets: the just-in-time path works for it with nothing special."""

import os
import socket
import threading

import shell
from registry import scenario
from shell import in_netns, stays, wait_until
from websocket import LOCAL, Ingress, is_source
from world import GATEWAY, inner_address

CARRIED = "its clients come over WebSockets already"


def source_of(gateway, client):
    """The address from which the gateway sees a client."""
    return gateway.peers()[client.keys.public].endpoint.rsplit(":", 1)[0]


def gets_in(env, outer, options, counter):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, endpoint=LOCAL)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    with Ingress(env.jitwg, gateway.port) as ingress:
        ingress.connect(client, outer, options)
        assert not gateway.peers(), "the gateway shall start empty"
        assert client.ping(4, 20.0), "no answer through the tunnel over inner IPv4"
        assert client.ping(6, 5.0), "no answer through the tunnel over inner IPv6"
        assert is_source(gateway.peers()[client.keys.public].endpoint), gateway.peers()
        status = env.jitwg.status()
        assert status.decisions("installed") == 1 and status.initiations("authenticated") >= 1, status.tree
        counters = ingress.finish()
        assert counters[counter] == 1 and counters["datagrams_in"] >= 3, counters
        assert not any(name.startswith(("dropped", "fault", "source_failed")) for name in counters), counters


scenario("registered_key_gets_in_over_websockets", udp_only=CARRIED, outer=4, options=(),
         counter="upgraded_datagrams")(gets_in)
scenario("registered_key_gets_in_over_websockets_and_ipv6", udp_only=CARRIED, outer=6, options=(),
         counter="upgraded_datagrams")(gets_in)
scenario("registered_key_gets_in_over_websockets_as_deployed", udp_only=CARRIED, same_on_any_kernel=True, outer=4,
         options=("--deployed",), counter="upgraded_records")(gets_in)


@scenario("first_initiation_over_websockets_is_given_again_and_completes", chooses="reinject", udp_only=CARRIED)
def first_initiation(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, endpoint=LOCAL)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=("--completion", "reinject"))
    with Ingress(env.jitwg, gateway.port) as ingress:
        ingress.connect(client)
        assert client.ping(4, 20.0), "no answer through the tunnel"
        status = env.jitwg.status()
        assert status.initiations("authenticated") == 1, f"it took more than one: {status.tree}"
        ingress.finish()


def through_the_tunnel(client, data, to_gateway):
    """Sends data over TCP inside the tunnel, one way: what came out."""
    inner = inner_address(client.network, 1, 4)
    with in_netns(GATEWAY):
        listener = socket.create_server((inner, 0))
    with in_netns(client.ns):
        near = socket.create_connection(listener.getsockname(), 30)
    far = listener.accept()[0]
    sender, receiver = (near, far) if to_gateway else (far, near)
    with listener, near, far:
        receiver.settimeout(60 * shell.time_scale)

        def send():
            sender.sendall(data)
            sender.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send)
        thread.start()
        received = b"".join(iter(lambda: receiver.recv(65536), b""))
        thread.join()
    return received


@scenario("much_data_over_websockets_arrives_unharmed", limit=120, udp_only=CARRIED, same_on_any_kernel=True)
def much_data(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, endpoint=LOCAL)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    data = os.urandom(2_000_000)
    with Ingress(env.jitwg, gateway.port) as ingress:
        ingress.connect(client)
        assert client.ping(4, 20.0), "no answer through the tunnel"
        for to_gateway in (True, False):
            assert through_the_tunnel(client, data, to_gateway) == data, "it came out different"
        counters = ingress.finish()
        # WireGuard took the datagrams as they were, however they were handed over.
        assert min(counters["bytes_in"], counters["bytes_out"]) > len(data), counters
        assert not any(name.startswith(("dropped_not_sent", "fault")) for name in counters), counters


@scenario("unknown_key_stays_out_over_websockets", udp_only=CARRIED, same_on_any_kernel=True)
def stays_out(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, endpoint=LOCAL)
    env.jitwg.start(gateway)
    with Ingress(env.jitwg, gateway.port) as ingress:
        ingress.connect(client)
        assert not client.ping(wait=1.0), "a client that nobody registered got an answer"
        wait_until(lambda: env.jitwg.status().decisions("unknown_key") >= 1, 10, "the unknown key was refused")
        stays(lambda: not gateway.peers(), 2, "no peer on the gateway")
        ingress.finish()


@scenario("websocket_clients_of_two_addresses_are_two_sources", udp_only=CARRIED, same_on_any_kernel=True)
def two_sources(env):
    gateway = env.world.add_interface()
    clients = [env.world.add_client() for _ in range(2)]
    env.jitwg.start(gateway)
    with Ingress(env.jitwg, gateway.port) as ingress:
        for client in clients:
            client.point_at(gateway, endpoint=LOCAL)
            env.jitwg.register(client)
            ingress.connect(client)
            assert client.ping(4, 20.0), "no answer through the tunnel"
        sources = {source_of(gateway, client) for client in clients}
        assert len(sources) == 2 and all(is_source(source) for source in sources), sources
        ingress.finish()


@scenario("tunnels_over_websockets_come_back_after_the_ingress_was_killed", limit=90, udp_only=CARRIED)
def ingress_killed(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, endpoint=LOCAL)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    with Ingress(env.jitwg, gateway.port) as ingress:
        end = ingress.connect(client)
        assert client.ping(4, 20.0), "no answer through the tunnel"
        before = gateway.peers()[client.keys.public].endpoint
        ingress.kill()
        wait_until(lambda: "ws_disconnected" in end.log(), 10, "the client's end has noticed")
        ingress.start()
        # The session lives on: the gateway sees the client come from another port.
        assert client.ping(4, 30.0), "no answer through the tunnel after the ingress is back"
        assert gateway.peers()[client.keys.public].endpoint != before
        assert env.jitwg.status().decisions("installed") == 1
        ingress.finish()
