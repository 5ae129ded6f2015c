"""Completion `hold`: the client's own first packet waits in the kernel until its peer is in."""

import wg
from registry import scenario
from scenarios.admission import assert_tunnel
from scenarios.interfaces import add_by_hand
from shell import run, wait_until
from world import GATEWAY

HOLD = ("--completion", "hold")


def tables():
    return run("nft", "list", "tables", ns=GATEWAY).stdout


def first_packet(env, outer, with_psk):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, outer, wg.new_psk() if with_psk else None)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=HOLD)
    assert "inet jitwg_" in tables(), tables()
    assert_tunnel(env, gateway, client, outer)
    status = env.jitwg.status()
    assert status.initiations("authenticated") == 1, f"the first packet was not the one that completed: {status.tree}"
    assert env.jitwg.sniffer.stop() == 0
    assert tables() == "", f"left behind: {tables()}"
    assert client.ping(4, 5.0), "the tunnel broke with the sniffer's stop"
    env.jitwg.start_sniffer()


scenario("held_first_packet_completes_over_ipv4", chooses="hold", outer=4, with_psk=True)(first_packet)
scenario("held_first_packet_completes_over_ipv6", chooses="hold", outer=6, with_psk=False)(first_packet)


@scenario("held_packets_go_on_when_nobody_decides", chooses="hold", limit=90)
def nobody_decides(env):
    gateway, known, stranger = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    known.point_at(gateway)
    stranger.point_at(gateway)
    add_by_hand(gateway, known)
    env.jitwg.start(gateway, sniffer=HOLD)
    env.jitwg.provisioner.kill()
    # The stranger is proved, and waits for a decision that never comes; a peer that is there waits for nobody.
    assert not stranger.ping(4, 1.0), "a client that nobody registered got an answer"
    assert known.ping(4, 5.0), "a hand-made peer does not get in without the provisioner"
    env.jitwg.sniffer.kill()
    assert tables() == "", f"a killed sniffer left behind: {tables()}"
    known.reset_session()
    assert known.ping(4, 5.0), "initiations do not pass after the sniffer's death"
    env.jitwg.start_sniffer()
    env.jitwg.start_provisioner()
    env.jitwg.register(stranger)
    wait_until(lambda: stranger.ping(4, 1.0), 20, "the client of a new registration is in")
