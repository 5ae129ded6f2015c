"""Who gets in and who stays out: the main job."""

import datetime
import time

import wg
from registry import scenario
from shell import stays, wait_until

QUICK = ("--idle-timeout", "300s", "--unfinished-timeout", "15s")


@scenario("unknown_key_stays_out_and_leaves_no_peer")
def unknown_key(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    env.jitwg.start(gateway)
    client.point_at(gateway)
    assert not client.ping(wait=1.0), "a client that nobody registered got an answer"
    wait_until(lambda: env.jitwg.status().decisions("unknown_key") >= 1, 10, "the unknown key was refused")
    stays(lambda: not gateway.peers(), 2, "no peer on the gateway")
    status = env.jitwg.status()
    assert status.lookups >= 1 and status.decisions("installed") == 0, status.tree


def assert_tunnel(env, gateway, client, outer, wait=20.0):
    """The client calls, gets its answer through the tunnel, and the gateway holds just the peer it should hold."""
    assert client.ping(4, wait), "no answer through the tunnel over inner IPv4"
    assert client.ping(6, 5.0), "no answer through the tunnel over inner IPv6"
    peer = gateway.peers()[client.keys.public]
    assert peer.connected, "the gateway has not seen the handshake complete"
    assert peer.has_psk == bool(client.psk)
    assert peer.allowed_ips == frozenset(client.prefixes.split(",")), peer
    assert env.world.came_over(peer.endpoint, outer), f"the outer packets went another way: {peer.endpoint}"


def registered_key(env, outer, with_psk, provisioner=()):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, outer, wg.new_psk() if with_psk else None)
    env.jitwg.register(client)
    env.jitwg.start(gateway, provisioner=(*QUICK, *provisioner))
    assert not gateway.peers(), "the gateway shall start empty"
    assert_tunnel(env, gateway, client, outer)
    # The tunnel may be up before the provisioner has heard that the peer is in.
    wait_until(lambda: env.jitwg.status().decisions("installed"), 5, "the decision is counted")
    status = env.jitwg.status()
    assert status.decisions("installed") == 1 and status.lookups >= 1, status.tree
    assert status.initiations("authenticated") >= 1, status.tree


for _outer in (4, 6):
    for _psk in (False, True):
        scenario(f"registered_key_gets_in_over_ipv{_outer}{'_with_psk' if _psk else ''}", outer=_outer,
                 with_psk=_psk)(registered_key)
scenario("registered_key_gets_in_by_retry_over_ipv4", chooses="retry", outer=4, with_psk=False,
         provisioner=("--completion", "retry"))(registered_key)
scenario("registered_key_gets_in_by_retry_over_ipv6_with_psk", chooses="retry", outer=6, with_psk=True,
         provisioner=("--completion", "retry"))(registered_key)


def first_initiation_completes(env, strategy, outer, options=()):
    """One initiation, and no other: the client's very first packet was answered."""
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, outer)
    env.jitwg.register(client)
    env.jitwg.start(gateway, sniffer=("--completion", strategy, *options))
    assert_tunnel(env, gateway, client, outer)
    status = env.jitwg.status()
    assert strategy in status.completion, status.completion
    assert status.initiations("authenticated") == 1 and status.initiations("installed") == 0, status.tree
    if strategy == "reinject":
        assert status.reinjected == 1, status.tree


for _outer in (4, 6):
    scenario(f"first_initiation_is_given_again_and_completes_over_ipv{_outer}", chooses="reinject",
             strategy="reinject", outer=_outer)(first_initiation_completes)
scenario("first_initiation_is_given_again_by_a_raw_socket_and_completes", chooses="reinject", strategy="reinject", outer=4,
         options=("--reinject", "raw"))(first_initiation_completes)


@scenario("key_registered_while_its_client_calls_gets_in_at_the_next_try")
def registered_late(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    env.jitwg.start(gateway)
    client.point_at(gateway)
    assert not client.ping(wait=1.0)
    wait_until(lambda: env.jitwg.status().decisions("unknown_key") >= 1, 10, "the unknown key was refused")
    env.jitwg.register(client)
    assert_tunnel(env, gateway, client, 4)


@scenario("expired_key_stays_out", same_on_any_kernel=True)
def expired_key(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    env.jitwg.register(client, ["--expires", moment.strftime("%Y-%m-%dT%H:%M:%SZ")])
    env.jitwg.start(gateway)
    time.sleep(max(0.0, moment.timestamp() + 1 - time.time()))
    assert not client.ping(wait=1.0), "an expired key got in"
    wait_until(lambda: env.jitwg.status().decisions("expired") >= 1, 10, "the expired key was refused")
    assert not gateway.peers()


@scenario("wrong_psk_is_removed_as_unfinished")
def wrong_psk(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway, psk=wg.new_psk())
    env.jitwg.add_peer(client.keys.public, client.prefixes, wg.new_psk())
    env.jitwg.start(gateway, provisioner=("--unfinished-timeout", "2s"))
    assert not client.ping(wait=2.0), "a client with the wrong preshared key got through"
    wait_until(lambda: env.jitwg.status().evictions("unfinished") >= 1, 15, "the unfinished peer was removed")
    wait_until(lambda: not gateway.peers(), 15, "no peer is left", interval=0.2)


@scenario("two_interfaces_with_different_keys_serve_their_own_clients")
def two_interfaces(env):
    first, second = env.world.add_interface("wg0", 0, 51820), env.world.add_interface("wg1", 1, 51821)
    one, other = env.world.add_client(), env.world.add_client()
    one.point_at(first)
    other.point_at(second)
    env.jitwg.register(one)
    env.jitwg.register(other)
    env.jitwg.start(first, second)
    assert_tunnel(env, first, one, 4)
    assert_tunnel(env, second, other, 4)
    assert set(first.peers()) == {one.keys.public} and set(second.peers()) == {other.keys.public}


@scenario("client_whose_addresses_the_called_interface_may_not_route_stays_out")
def wrong_interface(env):
    first, second = env.world.add_interface("wg0", 0, 51820), env.world.add_interface("wg1", 1, 51821)
    client = env.world.add_client()
    client.point_at(first)
    env.jitwg.register(client)
    env.jitwg.start(first, second)
    client.reset_session(second)
    assert not client.ping(wait=1.0)
    status = wait_until(lambda: refused_prefix(env), 10, "the client's addresses were refused")
    assert status.decisions("installed") == 0, status.tree
    stays(lambda: not first.peers() and not second.peers(), 2, "no peer on the gateway")


def refused_prefix(env):
    """By the provisioner's policy or by the sniffer's guard."""
    status = env.jitwg.status()
    return status if status.decisions("prefix_not_allowed") + status.decisions("install_failed") else None
