"""Programs that die at the worst moment: the tunnel comes up all the same, and what they knew is not lost."""

import contextlib
import subprocess

from registry import scenario
from shell import stop, wait_until
from world import inner_address, read_initiation


@contextlib.contextmanager
def calling(client):
    """The client sends a packet a second into its tunnel, as a user who waits does."""
    process = subprocess.Popen(["ip", "netns", "exec", client.ns, "ping", "-n", "-i", "1", inner_address(
        client.network, 1, 4)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        stop(process)


def connected(gateway, client):
    peer = gateway.peers().get(client.keys.public)
    return peer is not None and peer.connected and client.gateway_peer().connected


def one_in_one_coming(env):
    """A gateway with one connected client, and a second that is registered and silent."""
    gateway, first, second = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    for client in (first, second):
        client.point_at(gateway)
        env.jitwg.register(client)
    env.jitwg.start(gateway)
    assert first.ping(4, 20.0), "no answer through the tunnel"
    return gateway, first, second


def assert_all_well(env, gateway, first, second):
    """After a restart: both connected, the new one answered, and the old one is still jitwg's to remove."""
    wait_until(lambda: connected(gateway, second), 30, "the client that called meanwhile is connected", interval=0.2)
    assert second.ping(4, 5.0) and first.ping(4, 5.0), "no answer through the tunnel"
    env.jitwg.revoke(first.keys.public)
    wait_until(lambda: first.keys.public not in gateway.peers(), 20, "a peer from before the restart can be removed",
               interval=0.2)
    assert second.keys.public in gateway.peers()


@scenario("sniffer_killed_and_restarted_while_a_client_connects", limit=90)
def sniffer_killed(env):
    gateway, first, second = one_in_one_coming(env)
    tap = second.tap()
    env.jitwg.sniffer.kill()
    with calling(second):
        read_initiation(tap)
        assert first.ping(4, 5.0), "a live tunnel broke with the sniffer's death"
        env.jitwg.start_sniffer()
        assert_all_well(env, gateway, first, second)
    assert env.jitwg.provisioner.running, "the provisioner died with the sniffer"


@scenario("sniffer_killed_at_the_first_packet_of_a_client", limit=90)
def sniffer_killed_in_flight(env):
    gateway, first, second = one_in_one_coming(env)
    tap = second.tap()
    with calling(second):
        read_initiation(tap)
        env.jitwg.sniffer.kill()
        env.jitwg.start_sniffer()
        assert_all_well(env, gateway, first, second)


@scenario("provisioner_killed_and_restarted_while_a_client_connects", limit=90)
def provisioner_killed(env):
    gateway, first, second = one_in_one_coming(env)
    tap = second.tap()
    env.jitwg.provisioner.kill()
    with calling(second):
        read_initiation(tap)
        assert first.ping(4, 5.0), "a live tunnel broke with the provisioner's death"
        assert env.jitwg.sniffer.running, "the sniffer died with the provisioner"
        env.jitwg.start_provisioner()
        assert_all_well(env, gateway, first, second)


@scenario("provisioner_killed_at_the_first_packet_of_a_client", limit=90)
def provisioner_killed_in_flight(env):
    gateway, first, second = one_in_one_coming(env)
    tap = second.tap()
    with calling(second):
        read_initiation(tap)
        env.jitwg.provisioner.kill()
        env.jitwg.start_provisioner()
        assert_all_well(env, gateway, first, second)


@scenario("provisioner_that_comes_before_its_sniffer_waits_for_it", limit=60)
def provisioner_first(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway)
    env.jitwg.provisioner.stop()
    env.jitwg.sniffer.stop()
    env.jitwg.provisioner.start()
    wait_until(env.jitwg.admin_answers, 10, "the provisioner's admin socket opens without a sniffer")
    env.jitwg.start_sniffer()
    env.jitwg.await_connected()
    assert client.ping(4, 20.0), "no answer through the tunnel"
