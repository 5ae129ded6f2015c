"""The harness proves itself with plain WireGuard, without jitwg: a peer that was installed by hand connects, and the
packets that the hostile scenarios will make are packets that WireGuard believes."""

import json
import os
import socket

import initiation
import wg
from registry import NO_CLIENT, scenario
from world import GATEWAY

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "vectors", "initiations.json")
VERDICTS = {
    "derived-good": "authenticated", "forged-static-no-ss": "bad_timestamp", "mac1-bitflip": "bad_mac1",
    "reserved-nonzero": "not_an_initiation", "static-bitflip-mac1-stale": "bad_mac1",
    "static-bitflip-mac1-fixed": "bad_static", "timestamp-bitflip-mac1-fixed": "bad_timestamp",
    "ephemeral-zero-point": "bad_static", "mac2-garbage": "authenticated",
    "sender-index-changed-mac1-stale": "bad_mac1", "sender-index-changed-mac1-fixed": "authenticated",
    "truncated-147": "not_an_initiation", "trailing-149": "not_an_initiation",
    "initiator-is-gateway-itself": "authenticated",
}


@scenario("harness_preinstalled_peer_connects_ipv4", needs_programs=False, outer=4, with_psk=False)
@scenario("harness_preinstalled_peer_connects_ipv4_psk", needs_programs=False, outer=4, with_psk=True)
@scenario("harness_preinstalled_peer_connects_ipv6", needs_programs=False, outer=6, with_psk=False)
@scenario("harness_preinstalled_peer_connects_ipv6_psk", needs_programs=False, outer=6, with_psk=True)
def preinstalled_peer(env, outer, with_psk):
    gateway, client = env.world.add_interface(), env.world.add_client()
    psk = wg.new_psk() if with_psk else None
    client.point_at(gateway, outer, psk)
    assert not client.ping(wait=1.0), "a client that nobody installed got through: the harness proves nothing"
    wg.configure(GATEWAY, gateway.name, "peer", client.keys.public, "allowed-ips", client.prefixes,
                 *(["preshared-key", "/dev/stdin"] if psk else []), secrets=[psk] if psk else [])
    client.reset_session()
    assert client.ping(4, 5.0), "no answer through the tunnel over inner IPv4"
    assert client.ping(6, 5.0), "no answer through the tunnel over inner IPv6"
    peer = gateway.peers()[client.keys.public]
    assert peer.connected and peer.has_psk == with_psk
    assert env.world.came_over(peer.endpoint, outer), f"the outer packets went another way: {peer.endpoint}"


@scenario("harness_packet_maker_agrees_with_the_vectors", needs_programs=False, udp_only=NO_CLIENT)
def packet_maker_vectors(env):
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    assert len(vectors) >= 14
    for vector in vectors:
        packet = bytes.fromhex(vector["packet"])
        verdict, key, stamp = initiation.consume(wg.raw(vector["responder_private"]), packet)
        assert verdict == VERDICTS[vector["name"]], f"{vector['name']}: {verdict}"
        if "initiator" in vector:
            assert key == wg.raw(vector["initiator"]), vector["name"]
        if "tai64n" in vector:
            assert stamp.hex() == vector["tai64n"], vector["name"]


@scenario("harness_made_initiation_is_answered_and_forged_is_not", needs_programs=False)
def packet_maker_live(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    wg.configure(GATEWAY, gateway.name, "peer", client.keys.public, "allowed-ips", client.prefixes)
    gateway_key, caller = wg.raw(gateway.keys.public), client.caller(gateway)
    caller.settimeout(2.0)
    attacker = wg.raw(wg.new_keys().private)
    caller.send(initiation.make(gateway_key, attacker, claim=wg.raw(client.keys.public)))
    try:
        caller.recv(2048)
        raise AssertionError("WireGuard answered a forged initiation")
    except socket.timeout:
        pass
    caller.send(initiation.make(gateway_key, wg.raw(client.keys.private)))
    answer = caller.recv(2048)
    assert answer[:4] == b"\2\0\0\0" and len(answer) == initiation.RESPONSE_LENGTH, answer.hex()
