"""The interface that `jitwgctl gateway up` makes out of the sniffer's own file."""

import json
import os
import stat

import wg
from registry import scenario
from shell import run
from world import GATEWAY, GatewayInterface, inner_address, inner_prefix

CONFIGURATION = """
interface = "wg0"
allow = ["wg0={prefix4}", "wg0={prefix6}"]
# The next ones are for jitwgctl gateway alone.
address = ["{address4}/24", "{address6}/128"]
listen-port = 51877
mtu = 1380
private-key-file = "{key}"
"""


def gateway_command(env, word, configuration, check=True):
    return run("ip", "netns", "exec", GATEWAY, env.jitwg.path("jitwgctl"), "--json", "gateway", word, "--config",
               configuration, check=check, timeout=30)


@scenario("interface_made_by_gateway_up_serves_a_client", limit=90)
def made_by_gateway_up(env):
    key, configuration = f"{env.jitwg.run}/wg0.key", f"{env.jitwg.run}/sniffer.toml"
    with open(configuration, "w", encoding="ascii") as file:
        # The address's network is smaller than the prefix: its route comes from the prefix.
        file.write(CONFIGURATION.format(prefix4=inner_prefix(0, 4), prefix6=inner_prefix(0, 6), key=key,
                                        address4=inner_address(0, 1, 4), address6=inner_address(0, 1, 6)))
    up = gateway_command(env, "up", configuration)
    shown = json.loads(up.stdout)
    assert shown["as_configured"] and shown["backend"] == env.world.backend.name, up.stdout + up.stderr
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600, "the key file is not its owner's alone"
    with open(key, encoding="ascii") as file:
        private = file.read().strip()
    gateway = GatewayInterface("wg0", 0, 51877, wg.Keys(private, wg.public_of(private)))
    assert shown["public_key"] == gateway.keys.public and not gateway.peers()

    client = env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(sniffer=("--config", configuration))
    assert client.ping(4, 20.0) and client.ping(6, 5.0), "no answer through the tunnel"

    # Once more: nothing to do, and nobody is disturbed.
    before = gateway.peers()[client.keys.public].latest_handshake
    again = gateway_command(env, "up", configuration)
    assert not again.stderr, f"a second time it did something: {again.stderr}"
    assert gateway.peers()[client.keys.public].latest_handshake == before and client.ping(4, 5.0)

    run("ip", "-n", GATEWAY, "link", "set", "wg0", "mtu", "1300")
    differs = gateway_command(env, "show", configuration, check=False)
    assert differs.returncode == 1 and "MTU is 1300" in json.loads(differs.stdout)["differences"][0], differs.stdout
    gateway_command(env, "up", configuration)
    gateway_command(env, "down", configuration)
    assert run("ip", "-n", GATEWAY, "link", "show", "wg0", check=False).returncode != 0, "wg0 is still there"
    assert os.path.exists(key), "the key went with the interface"
