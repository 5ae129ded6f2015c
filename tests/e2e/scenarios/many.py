"""Many clients at once."""

import base64
import concurrent.futures
import time

import initiation
import wg
from registry import scenario
from shell import ip_batch, run, wait_until
from world import host_prefixes, inner_address, inner_prefix

CLIENTS = 100
FIRST_HOST = 300
PING_ALL = """
for number in $(seq 1 {count}); do
  ping -4 -n -c 1 -W {wait} -I m$number {target} >/dev/null || echo m$number &
done
wait
"""


def new_keys_without_wg():
    """A hundred processes less than wg(8) would take."""
    private = initiation.new_private()
    return wg.Keys(*(base64.b64encode(key).decode() for key in (private, initiation.public_of(private))))


def prepare(env, gateway):
    """A hundred WireGuard interfaces on one host, all configured and down. Returns their keys by number."""
    env.world.add_host("crowd", 5)
    numbers = range(1, CLIENTS + 1)
    env.world.backend.create_many("crowd", [f"m{number}" for number in numbers])
    keys = {number: new_keys_without_wg() for number in numbers}
    endpoints = {number: env.world.endpoint("crowd", gateway.port, 4, who=f"m{number}") for number in numbers}
    if env.world.carrier:
        env.world.carrier.await_ends()
    for number in numbers:
        wg.configure("crowd", f"m{number}", "private-key", "/dev/stdin", "peer", gateway.keys.public, "endpoint",
                     endpoints[number], "allowed-ips", inner_prefix(0, 4),
                     "persistent-keepalive", "25", secrets=[keys[number].private])
    in_groups([f"addr add {inner_address(0, FIRST_HOST + number, 4)}/32 dev m{number}" for number in numbers])
    return keys


def in_groups(commands, size=20):
    """Each wireguard-go hears of every interface's changes, and ends when more come than its socket holds (ENOBUFS)."""
    for first in range(0, len(commands), size):
        ip_batch(commands[first:first + size], "crowd")
        time.sleep(0.2)


@scenario("hundred_clients_at_once_all_connect", limit=180, alone=True)
def hundred_clients(env):
    gateway = env.world.add_interface()
    keys = prepare(env, gateway)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: env.jitwg.add_peer(keys[number].public, host_prefixes(0, FIRST_HOST + number)),
                      keys))
    env.jitwg.start(gateway, provisioner=("--unfinished-timeout", "60s"))
    # With a keepalive set, an interface calls its peer the moment it comes up.
    in_groups([f"link set m{number} up" for number in keys])

    def all_connected():
        found = gateway.peers()
        return all(pair.public in found and found[pair.public].connected for pair in keys.values())
    wait_until(all_connected, 60, "all hundred have completed their handshake", interval=0.5)
    found = gateway.peers()
    for number, pair in keys.items():
        expected = frozenset(host_prefixes(0, FIRST_HOST + number).split(","))
        assert found[pair.public].allowed_ips == expected, f"client {number} got other addresses"
    script = PING_ALL.format(count=CLIENTS, wait=20, target=inner_address(0, 1, 4))
    silent = run("sh", "-c", script, ns="crowd", timeout=60).stdout.split()
    assert not silent, f"no answer through the tunnels of {silent}"
    status = env.jitwg.status()
    assert status.decisions("installed") == CLIENTS, status.tree
