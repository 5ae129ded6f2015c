"""Peers and interfaces that people change by hand, beside jitwg and under it."""

import wg
from registry import scenario
from shell import wait_until
from world import GATEWAY


def add_by_hand(gateway, client):
    wg.configure(GATEWAY, gateway.name, "peer", client.keys.public, "allowed-ips", client.prefixes)


def fixed(gateway, client):
    """What nobody but its owner may change of a hand-made peer."""
    peer = gateway.peers()[client.keys.public]
    return peer.allowed_ips, peer.endpoint, peer.latest_handshake, peer.has_psk, peer.keepalive


@scenario("hand_made_peers_survive_everything", limit=150)
def hand_made(env):
    gateway = env.world.add_interface()
    mine, silent, guest, thief = (env.world.add_client() for _ in range(4))
    for client in (mine, silent, guest, thief):
        client.point_at(gateway)
    add_by_hand(gateway, mine)
    add_by_hand(gateway, silent)
    assert mine.ping(4, 5.0), "the hand-made peer does not even work without jitwg"
    before, before_silent = fixed(gateway, mine), fixed(gateway, silent)

    def assert_unchanged(when):
        assert fixed(gateway, mine) == before, f"{when}: {fixed(gateway, mine)} was {before}"
        assert fixed(gateway, silent) == before_silent, f"{when}: {fixed(gateway, silent)} was {before_silent}"

    env.jitwg.register(guest)
    # Asks for the address that the hand-made peer has.
    env.jitwg.add_peer(thief.keys.public, mine.prefixes)
    # The silent one is even in the registry, and then revoked there: still not jitwg's to remove.
    env.jitwg.add_peer(silent.keys.public, silent.prefixes)
    env.jitwg.start(gateway, provisioner=("--idle-timeout", "4s", "--unfinished-timeout", "8s"))
    assert_unchanged("start and reconciliation")
    assert guest.ping(4, 20.0), "no answer through the tunnel"
    assert not thief.ping(4, 1.0), "a client got in with another's address"
    assert_unchanged("theft of its address")
    env.jitwg.revoke(silent.keys.public)
    wait_until(lambda: guest.keys.public not in gateway.peers(), 25, "the guest was evicted", interval=0.2)
    assert_unchanged("eviction of others, revocation")
    env.jitwg.sniffer.kill()
    env.jitwg.provisioner.kill()
    assert_unchanged("death of both programs")
    env.jitwg.start_sniffer()
    env.jitwg.start_provisioner()
    guest.reset_session()
    assert guest.ping(4, 20.0), "no answer through the tunnel"
    env.jitwg.revoke(guest.keys.public)
    wait_until(lambda: guest.keys.public not in gateway.peers(), 25, "the guest was removed", interval=0.2)
    assert_unchanged("restart, revocation of others")
    assert thief.keys.public not in gateway.peers(), "the refused peer was left half installed"
    assert mine.ping(4, 5.0), "the hand-made peer does not answer any more"


@scenario("interface_recreated_with_new_key_and_port_is_noticed", limit=90)
def recreated(env):
    gateway, client, later = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    assert client.ping(4, 20.0), "no answer through the tunnel"
    old_key = gateway.keys.public
    env.world.recreate_interface(gateway, port=51830)
    assert gateway.keys.public != old_key and not gateway.peers()
    later.point_at(gateway, outer=6)
    env.jitwg.register(later)
    wait_until(lambda: later.ping(6, 1.0), 30, "a client of the new key gets its tunnel")
    wg.configure(client.ns, client.interface, "peer", old_key, "remove")
    client.point_at(gateway)
    assert client.ping(4, 20.0), "the earlier client gets no tunnel with the new key"
    assert set(gateway.peers()) == {client.keys.public, later.keys.public}


@scenario("interface_rekeyed_and_moved_in_place_is_noticed", limit=90)
def rekeyed(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    env.jitwg.start(gateway)
    gateway.keys, gateway.port = wg.new_keys(), 51840
    env.world.configure_interface(gateway)
    client.point_at(gateway)
    env.jitwg.register(client)
    wait_until(lambda: client.ping(4, 1.0), 30, "a client of the new key gets its tunnel")
