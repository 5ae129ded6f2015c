"""Peers that leave: idle, revoked; and that come back."""

from registry import scenario
from shell import stays, wait_until


@scenario("idle_peer_leaves_and_its_client_comes_back_by_itself", limit=90)
def idle_peer(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, provisioner=("--idle-timeout", "4s", "--unfinished-timeout", "10s"))
    assert client.ping(4, 20.0), "no answer through the tunnel"
    assert set(gateway.peers()) == {client.keys.public}
    wait_until(lambda: not gateway.peers(), 20, "the idle peer was removed", interval=0.2)
    assert env.jitwg.status().evictions("idle") >= 1
    # The client still believes in its old session: it notices after about 15 s without an answer.
    wait_until(lambda: client.ping(4, 1.0), 45, "the client got its tunnel again")
    assert client.keys.public in gateway.peers()
    assert env.jitwg.status().decisions("installed") >= 2


@scenario("revoked_key_is_removed_and_stays_out")
def revoked_key(env):
    gateway, client, other = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    for each in (client, other):
        each.point_at(gateway)
        env.jitwg.register(each)
    env.jitwg.start(gateway)
    assert client.ping(4, 20.0) and other.ping(4, 20.0), "no answer through the tunnel"
    env.jitwg.revoke(client.keys.public)
    wait_until(lambda: client.keys.public not in gateway.peers(), 20, "the revoked peer was removed", interval=0.2)
    client.reset_session()
    assert not client.ping(wait=2.0), "a revoked key got in again"
    stays(lambda: client.keys.public not in gateway.peers(), 2, "the revoked peer stays away")
    assert other.ping(4, 5.0), "another client lost its tunnel by the revocation"
    assert env.jitwg.status().evictions("revoked") >= 1
