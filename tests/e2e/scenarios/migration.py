"""A gateway whose peers were pushed becomes a just-in-time one, and goes back, step by step as docs/migrating.md says."""

import os

import wg
from registry import scenario
from shell import run, wait_until
from world import GATEWAY

# As in docs/migrating.md.
QUIET = ('select(.own | not) | select(.last_handshake == null or '
         '(.last_handshake | sub("[.][0-9]+Z"; "Z") | fromdate) < now - 180) | "peer", .public_key, "remove"')


def removal_of_quiet_peers(env):
    """Words for `wg set`."""
    listed = env.jitwg.ctl("--json", "peers", "--interface", "wg0").stdout
    return run("jq", "-r", QUIET, stdin=listed).stdout.split()


def whose(env):
    """For each peer of the interface whether it is jitwg's."""
    filtered = run("jq", "-r", r'"\(.public_key) \(.own)"', stdin=env.jitwg.ctl("--json", "peers").stdout).stdout
    return {key: own == "true" for key, own in (line.split() for line in filtered.splitlines())}


@scenario("pushed_gateway_is_migrated_and_rolled_back_without_losing_a_tunnel", limit=120)
def migrated(env):
    gateway = env.world.add_interface()
    live, quiet = env.world.add_client(), env.world.add_client()
    for client in (live, quiet):
        client.point_at(gateway, psk=wg.new_psk())
        wg.configure(GATEWAY, "wg0", "peer", client.keys.public, "allowed-ips", client.prefixes, "preshared-key",
                     "/dev/stdin", secrets=[client.psk])
    assert live.ping(4, 10.0), "the pushed peer does not work"

    # Import: twice, as an operator does who is not sure.
    pushed = os.path.join(env.jitwg.run, "registry", "pushed.conf")
    with open(os.open(pushed, os.O_WRONLY | os.O_CREAT, 0o644), "w", encoding="ascii") as file:
        file.write(run("wg", "showconf", "wg0", ns=GATEWAY).stdout)
    for outcome in ("2 new, 0 replaced, 0 there already", "0 new, 0 replaced, 2 there already"):
        assert outcome in env.jitwg.ctl("peer", "import", pushed).stdout

    # Beside the push: what it put there stays as it is.
    env.jitwg.start(gateway)
    assert whose(env) == {live.keys.public: False, quiet.keys.public: False}
    assert live.ping(4, 5.0)

    # Cut over: whoever is quiet goes, and comes back just in time; whoever is at work is not disturbed.
    removal = removal_of_quiet_peers(env)
    assert removal == ["peer", quiet.keys.public, "remove"]
    before = gateway.peers()[live.keys.public].latest_handshake
    wg.configure(GATEWAY, "wg0", *removal)
    assert quiet.ping(4, 20.0), "the migrated client got no answer"
    assert whose(env) == {live.keys.public: False, quiet.keys.public: True}
    assert live.ping(4, 5.0) and gateway.peers()[live.keys.public].latest_handshake == before

    # Roll back: the tunnels go on without jitwg, and the old list over them changes nothing for them.
    handshake = gateway.peers()[quiet.keys.public].latest_handshake
    env.jitwg.stop()
    run("wg", "addconf", "wg0", "/dev/stdin", ns=GATEWAY,
        stdin="".join(f"[Peer]\nPublicKey = {client.keys.public}\nPresharedKey = {client.psk}\n"
                      f"AllowedIPs = {client.prefixes}\n" for client in (live, quiet)))
    for client in (live, quiet):
        wait_until(lambda client=client: client.ping(4, 5.0), 10, "the tunnel goes on after the roll-back")
    assert gateway.peers()[quiet.keys.public].latest_handshake == handshake
