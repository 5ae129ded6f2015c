"""What strangers on the network may try: forged and replayed initiations, garbage."""

import initiation
import programs
import wg
from registry import scenario
from shell import stays, wait_until
from world import read_initiation

FORGERIES = 20


@scenario("forged_static_key_causes_no_lookup_and_no_peer")
def forged_static_key(env):
    gateway, victim, stranger = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    victim.point_at(gateway)
    env.jitwg.register(victim)
    env.jitwg.start(gateway)
    gateway_key, attacker = wg.raw(gateway.keys.public), wg.raw(wg.new_keys().private)
    sender = stranger.caller(gateway)
    for _ in range(FORGERIES):
        packet = initiation.make(gateway_key, attacker, claim=wg.raw(victim.keys.public))
        assert initiation.consume(wg.raw(gateway.keys.private), packet)[:2] == (
            "bad_timestamp", wg.raw(victim.keys.public)), "the forgery is not the one this scenario is about"
        sender.send(packet)
    wait_until(lambda: env.jitwg.status().refused_initiations() >= FORGERIES, 10, "the sniffer counted the forgeries")
    stays(lambda: not gateway.peers(), 1, "no peer on the gateway")
    status = env.jitwg.status()
    assert status.lookups == 0 and status.all_decisions() == 0, status.tree
    assert status.initiations("authenticated") == 0, status.tree
    assert victim.ping(4, 20.0), "the true owner of the key does not get in"


@scenario("initiation_with_a_wrong_mac1_or_to_another_key_is_only_counted")
def garbage(env):
    gateway, stranger = env.world.add_interface(), env.world.add_client()
    env.jitwg.start(gateway)
    private, sender = wg.raw(wg.new_keys().private), stranger.caller(gateway, outer=6)
    to_others = initiation.make(wg.raw(wg.new_keys().public), private)
    broken = bytearray(initiation.make(wg.raw(gateway.keys.public), private))
    broken[120] ^= 1
    for packet in (to_others, bytes(broken), b"\1\0\0\0" + bytes(144)):
        sender.send(packet)
    wait_until(lambda: env.jitwg.status().refused_initiations() >= 3, 10, "the sniffer counted them")
    status = env.jitwg.status()
    assert status.lookups == 0 and status.initiations("authenticated") == 0, status.tree
    assert not gateway.peers()


def refusals(env):
    """Replays may be refused by the sniffer (which remembers a while) or by the provisioner (which never forgets)."""
    status = env.jitwg.status()
    return status.refused_initiations() + status.decisions("replay")


def replay(env, gateway, stranger, packet):
    """Sends a captured initiation from another address, and asserts that it was seen, refused, and left no peer."""
    before = refusals(env)
    stranger.send(packet)
    wait_until(lambda: refusals(env) > before, 10, "the replay was refused")
    stays(lambda: not gateway.peers(), 1, "no peer on the gateway")


def captured(tap, gateway):
    """With `initiate` the gateway calls too: take the first that is addressed to the gateway."""
    return read_initiation(tap, lambda packet: initiation.consume(wg.raw(gateway.keys.private), packet)[0] ==
                           "authenticated")


@scenario("captured_initiation_replayed_against_a_live_peer_moves_nothing")
def replay_against_live_peer(env):
    # With `initiate` WireGuard itself has consumed no initiation of the client's, and answers the first replay of the
    # one that called jitwg; nothing in jitwg sees or changes that.
    gateway, client, other = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, provisioner=("--completion", "retry") if programs.completion == "initiate" else ())
    tap, stranger = client.tap(), other.caller(gateway)
    assert client.ping(4, 20.0), "no answer through the tunnel"
    packet, before = captured(tap, gateway), gateway.peers()[client.keys.public]
    stranger.send(packet)
    stays(lambda: gateway.peers()[client.keys.public].endpoint == before.endpoint, 2, "the live peer's endpoint")
    assert client.ping(4, 5.0), "the live tunnel broke"


@scenario("captured_initiation_replayed_after_eviction_is_refused", limit=90)
def replay_after_eviction(env):
    gateway, client, other = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, provisioner=("--idle-timeout", "4s", "--unfinished-timeout", "10s"))
    tap, stranger = client.tap(), other.caller(gateway)
    assert client.ping(4, 20.0), "no answer through the tunnel"
    packet = captured(tap, gateway)
    wait_until(lambda: not gateway.peers(), 20, "the idle peer was removed", interval=0.2)
    replay(env, gateway, stranger, packet)
    # The memory outlives both programs.
    env.jitwg.sniffer.kill()
    env.jitwg.provisioner.kill()
    env.jitwg.start_sniffer()
    env.jitwg.start_provisioner()
    replay(env, gateway, stranger, packet)
    assert env.jitwg.status().decisions("replay") >= 1
    client.reset_session()
    assert client.ping(4, 20.0), "the true owner of the key does not get in again"
