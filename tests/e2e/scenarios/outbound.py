"""Outbound just-in-time: a packet that the gateway has for a peer that is not in."""

import errno
import json
import socket
import time

import shell
from registry import scenario
from scenarios.interfaces import add_by_hand
from shell import in_netns, ip_batch, run, stays, wait_until
from world import GATEWAY, inner_address

OUTBOUND = ("--outbound",)
# A reason for netns_only.
DECIDED = "it is about what provisioner and registry decide; the kernel is asked for nothing that the others do not"


def call(client, inner=4, wait=3.0):
    """True when the client answers a ping of the gateway within `wait` seconds. The first one is lost with the peer that is
    not in, and ping ends when WireGuard says so: another one follows."""
    target = inner_address(client.network, client.number, inner)
    end = time.monotonic() + wait * shell.time_scale
    while run("ping", f"-{inner}", "-n", "-c", "1", "-W", "1", target, ns=GATEWAY, check=False).returncode != 0:
        if time.monotonic() >= end:
            return False
        time.sleep(0.2)
    return True


def send(address, port=9):
    """One packet of the gateway, and nobody waits for an answer. The kernel's WireGuard tells whoever asks that nobody has
    the address; another one says nothing."""
    with in_netns(GATEWAY), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                                          socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"?", (address, port))
        except OSError as error:
            if error.errno not in (errno.ENOKEY, errno.EHOSTUNREACH, errno.EDESTADDRREQ):
                raise


def packets(env, result):
    return env.jitwg.status().tree["sniffer"]["outbound"]["packets"][result]


def demands(env, result):
    return env.jitwg.status().tree["provisioner"]["outbound"][result]


def last_decision(env, client):
    lines = env.jitwg.ctl("--json", "decisions", "--key", client.keys.public).stdout.splitlines()
    return json.loads(lines[-1])


def evict(env, gateway, client):
    """Takes the peer out once the gateway has listed it with its handshake, which is when its endpoint is known."""
    wait_until(lambda: gateway.peers()[client.keys.public].connected, 10, "the handshake is complete on the gateway")
    env.jitwg.ctl("peers")
    env.jitwg.ctl("evict", client.keys.public)
    assert client.keys.public not in gateway.peers()


def client_that_was_in(env, sniffer=OUTBOUND, provisioner=(), outer=4):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, outer)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=sniffer, provisioner=provisioner)
    assert client.ping(4, 20.0), "no answer through the tunnel"
    evict(env, gateway, client)
    return gateway, client


@scenario("outbound_packet_brings_an_evicted_peer_back_over_ipv4", outer=4, inner=4)
@scenario("outbound_packet_brings_an_evicted_peer_back_over_ipv6", outer=6, inner=6)
def brought_back(env, outer, inner):
    gateway, client = client_that_was_in(env, outer=outer)
    assert call(client, inner, 15.0), "the gateway's packets did not bring the peer in"
    peer = gateway.peers()[client.keys.public]
    assert peer.connected and env.world.came_over(peer.endpoint, outer), peer
    assert peer.keepalive == "off", f"the one keepalive that calls the client stayed: {peer.keepalive}"
    decision = last_decision(env, client)
    assert decision["verdict"] == "installed" and decision["source"] is None, decision
    assert decision["destination"] == inner_address(client.network, client.number, inner), decision
    assert "outbound" in decision["detail"], decision
    assert client.ping(4, 5.0) and call(client, 4, 5.0), "the tunnel does not work in both directions"


@scenario("outbound_is_off_unless_asked_for")
def off_by_default(env):
    gateway, client = client_that_was_in(env, sniffer=())
    assert not call(client, 4, 2.0)
    stays(lambda: not gateway.peers(), 1, "no peer on the gateway")
    tree = env.jitwg.status().tree
    assert tree["sniffer"]["outbound"] is None and tree["provisioner"]["outbound"]["received"] == 0, tree


@scenario("outbound_packet_for_an_address_of_nobody_leaves_no_peer")
def nobodys_address(env):
    gateway = env.world.add_interface()
    env.jitwg.start(gateway, sniffer=OUTBOUND)
    for _ in range(50):
        send("10.8.77.1")
        send("fd08::77")
    wait_until(lambda: env.jitwg.status().decisions("unknown_address") == 2, 10, "both addresses were looked up")
    assert packets(env, "repeated") > 0 and demands(env, "looked_up") == 2, env.jitwg.status().tree
    assert not gateway.peers()


@scenario("outbound_packet_brings_no_revoked_peer_back", netns_only=DECIDED)
def revoked(env):
    gateway, client = client_that_was_in(env)
    env.jitwg.revoke(client.keys.public)
    assert not call(client, 4, 2.0), "a revoked peer answers"
    stays(lambda: not gateway.peers(), 1, "no peer on the gateway")
    assert env.jitwg.status().decisions("installed") == 1


@scenario("outbound_packet_for_a_hand_made_peer_asks_for_nobody")
def foreign_peer(env):
    gateway, mine = env.world.add_interface(), env.world.add_client()
    mine.point_at(gateway)
    add_by_hand(gateway, mine)
    # Registered as well, to tempt.
    env.jitwg.register(mine)
    env.jitwg.start(gateway, sniffer=OUTBOUND)
    send(inner_address(0, mine.number, 4))
    assert mine.ping(4, 10.0) and call(mine, 4, 5.0), "the hand-made peer does not work"
    wait_until(lambda: packets(env, "covered") >= 1, 10, "the tap saw the packets")
    assert packets(env, "asked") == 0 and demands(env, "received") == 0, env.jitwg.status().tree


@scenario("outbound_packet_for_a_peer_that_was_never_seen_installs_nothing", netns_only=DECIDED)
def never_seen(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=OUTBOUND)
    assert not call(client, 4, 2.0)
    assert last_decision(env, client)["verdict"] == "no_endpoint"
    assert not gateway.peers()
    # Nor does that keep the client out.
    assert client.ping(4, 20.0), "no answer through the tunnel"


@scenario("outbound_call_to_a_client_that_is_off_ends_and_is_not_repeated_at_once", limit=90,
          not_with={"retry": "its peers have two seconds to finish, and the client's next try comes after five"})
def switched_off(env):
    gateway, client = client_that_was_in(env, provisioner=("--unfinished-timeout", "2s"))
    ip_batch(["link set eth0 down"], client.ns)
    target = inner_address(0, client.number, 4)
    # More than one: the first may come just after the tap had looked at that destination.
    wait_until(lambda: send(target) or client.keys.public in gateway.peers(), 10, "the peer is called", interval=0.2)
    assert not gateway.peers()[client.keys.public].connected
    wait_until(lambda: not gateway.peers(), 15, "the peer that did not answer was removed")
    wait_until(lambda: env.jitwg.status().evictions("unfinished") == 1, 5, "the removal is counted")
    for _ in range(4):
        send(target)
        time.sleep(0.6)
    wait_until(lambda: demands(env, "backed_off") >= 2, 10, "packets for it are backed off")
    assert not gateway.peers() and env.jitwg.status().decisions("installed") == 2, env.jitwg.status().tree
    # It comes by itself whenever it likes.
    ip_batch(["link set eth0 up"], client.ns)
    client.reset_session()
    assert client.ping(4, 20.0), "the client does not get in after the calls in vain"


@scenario("outbound_flood_of_destinations_is_bounded_and_passes", limit=90, netns_only=DECIDED)
def flood(env):
    gateway, client = client_that_was_in(env, sniffer=(*OUTBOUND, "--outbound-rate", "20"))
    begin = time.monotonic()
    with in_netns(GATEWAY), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(20000):
            sender.sendto(b"?", (f"10.8.{100 + number // 250}.{1 + number % 250}", 9))
    wait_until(lambda: sum(packets(env, name) for name in ("asked", "rate_limited", "repeated")) > 0, 10, "they were seen")
    asked, spent = packets(env, "asked"), time.monotonic() - begin
    assert asked <= 20 + 20 * spent, f"{asked} demands in {spent:.1f} s"
    assert demands(env, "looked_up") <= asked and packets(env, "rate_limited") > 0, env.jitwg.status().tree
    assert not gateway.peers()
    assert call(client, 4, 15.0), "after a flood a registered peer is not brought in"


@scenario("outbound_call_after_a_restart_uses_where_the_registry_saw_the_peer", limit=90, netns_only=DECIDED,
          udp_only="nobody but WireGuard itself may name a loopback address, which a client over WebSockets has")
def after_restart(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=OUTBOUND, provisioner=("--report-interval", "300ms"))
    assert client.ping(4, 20.0), "no answer through the tunnel"
    wait_until(lambda: client.keys.public[:8] in env.jitwg.ctl("--json", "peers").stdout, 10, "the peer is listed")
    time.sleep(3 * shell.time_scale)  # a list, then a report
    evict(env, gateway, client)
    assert env.jitwg.sniffer.stop() == 0
    env.jitwg.start_sniffer()
    env.jitwg.await_connected()
    assert env.jitwg.status().tree["sniffer"]["outbound"]["endpoints"] == 0
    assert call(client, 4, 15.0), "the peer was not brought in from the registry's sighting"
    assert client.keys.public in gateway.peers()


@scenario("outbound_tap_follows_an_interface_that_is_made_anew", limit=90,
          udp_only="the new interface calls from a port that the clients' connections do not lead to")
def recreated(env):
    gateway, client = client_that_was_in(env)
    env.world.recreate_interface(gateway, port=51830)
    client.point_at(gateway)
    wait_until(lambda: call(client, 4, 1.0), 30, "the peer was brought in on the new interface")
    assert client.keys.public in gateway.peers()
