"""A fleet and its database on bad days: many gateways, a database that hangs or dies, programs killed again and again.
Each ends with every allowed client connected and no other."""

import contextlib
import os
import random
import time

import wg
from control_plane import PeerApi, Postgres, url_key, with_control_plane
from programs import NOBODY
from registry import scenario
from scenarios.hostile import captured
from shell import run, stays, wait_until

GATEWAYS = 10
CLIENTS = 4
KILLS = 200
SAME = "it is about the database and the provisioner; the kernel's WireGuard adds nothing"


def connected(interface, client):
    peer = interface.peers().get(client.keys.public)
    return peer is not None and peer.connected


def call(client):
    """Makes the client send a first packet; who answers is asked elsewhere."""
    client.reset_session()
    client.poke()


@scenario("ten_gateways_on_one_database_let_in_and_revoke_alike", limit=300, netns_only=SAME)
def ten_gateways(env):
    clients = [env.world.add_client() for _ in range(CLIENTS)]
    stranger = env.world.add_client()
    with with_control_plane(env) as (postgres, api):
        interfaces = [env.world.add_interface(f"wg{number}", port=51820 + number) for number in range(GATEWAYS)]
        for number, interface in enumerate(interfaces):
            jitwg = env.jitwg if number == 0 else env.another_jitwg(f"gateway{number}")
            jitwg.registry = postgres.address("gateway")
            jitwg.start(interface, provisioner=("--gateway", f"gw-{number}", "--report-interval", "1s"))
        for client in clients:
            api.create(client.keys.public, client.prefixes)
        for interface in interfaces:
            for client in (*clients, stranger):
                client.point_at(interface)
                call(client)
            for client in clients:
                wait_until(lambda: connected(interface, client), 30, f"{client.ns} is connected to {interface.name}")
            assert stranger.keys.public not in interface.peers(), "a stranger got in"
            for client in (*clients, stranger):
                wg.configure(client.ns, client.interface, "peer", interface.keys.public, "remove")
        wait_until(lambda: len(api.expect((200,), "GET", "/v1/gateways")["gateways"]) == GATEWAYS, 20, "all have reported")
        for client in clients:
            begin = time.monotonic()
            api.patch(client.keys.public, enabled=False)
            wait_until(lambda: not any(client.keys.public in interface.peers() for interface in interfaces), 1,
                       "the revoked peer is out everywhere", interval=0.01)
            print(f"    out of all {GATEWAYS} gateways after {time.monotonic() - begin:.3f} s")
        assert not any(interface.peers() for interface in interfaces)


@scenario("database_that_hangs_keeps_nobody_out_who_is_known", limit=180, netns_only=SAME)
def database_hangs(env):
    gateway, known, fresh = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    with with_control_plane(env) as (postgres, api):
        api.create(fresh.keys.public, fresh.prefixes)
        env.jitwg.start(gateway, provisioner=("--lookup-timeout", "1s"))
        known.point_at(gateway)
        fresh.point_at(gateway)
        api.create(known.keys.public, known.prefixes)
        assert known.ping(wait=10.0)
        env.jitwg.ctl("evict", known.keys.public)
        go_on = postgres.pause()
        begin = time.monotonic()
        try:
            known.reset_session()
            assert known.ping(wait=15.0), "a known client does not get in while the database hangs"
            assert not fresh.ping(wait=2.0), "an unknown client got in while the database hangs"
            wait_until(lambda: time.monotonic() - begin > 20, 25, "twenty seconds have passed", interval=0.5)
        finally:
            go_on()
        assert fresh.ping(wait=30.0), "the database answers again, and the client is still outside"
        api.patch(known.keys.public, enabled=False)
        wait_until(lambda: known.keys.public not in gateway.peers(), 10, "notices come again")


@scenario("database_that_fails_over_to_its_standby_loses_nobody", limit=180, netns_only=SAME)
def database_fails_over(env):
    gateway, old, fresh = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    primary = standby = api = None
    try:
        primary = Postgres(env.jitwg, f"{env.jitwg.run}/primary")
        primary.prepare()
        standby = Postgres(env.jitwg, f"{env.jitwg.run}/standby", follows=primary)
        standby.start()
        api = PeerApi(env.jitwg, primary.address("api", standby))
        api.start()
        env.jitwg.registry = primary.address("gateway", standby)
        env.jitwg.start(gateway)
        old.point_at(gateway)
        fresh.point_at(gateway)
        api.create(old.keys.public, old.prefixes)
        assert old.ping(wait=10.0)
        # A standby must have what is not to be lost.
        wait_until(lambda: old.keys.public in standby.keys(), 20, "the standby has the peer")
        primary.stop()
        standby.promote()
        wait_until(lambda: api.call("POST", "/v1/peers", {"public_key": fresh.keys.public, "allowed_ips":
                                                          fresh.prefixes.split(",")})[0] in (200, 201), 30,
                   "the peer API writes to the new primary", interval=0.5)
        assert fresh.ping(wait=30.0), "created after the failover, and not in"
        api.patch(old.keys.public, enabled=False)
        wait_until(lambda: old.keys.public not in gateway.peers(), 15, "notices come from the new primary")
    finally:
        if api:
            api.program.stop()
        for server in (standby, primary):
            if server:
                server.stop()


@scenario("gateway_whose_disk_is_full_keeps_its_tunnels_and_lets_in_again_when_it_is_not", limit=120, netns_only=SAME)
def disk_full(env):
    gateway, live, late = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    state = f"{env.jitwg.run}/provisioner"
    run("mount", "-t", "tmpfs", "-o", f"size=2m,mode=0755,uid={NOBODY},gid={NOBODY}", "tmpfs", state)
    try:
        with with_control_plane(env) as (_, api):
            env.jitwg.start(gateway)
            for client in (live, late):
                client.point_at(gateway)
                api.create(client.keys.public, client.prefixes)
            assert live.ping(wait=10.0)
            with contextlib.suppress(OSError), open(f"{state}/filler", "wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 4096)
            # Whether it gets in now is the gateway's choice: what must not be is a lost time stamp.
            call(late)
            stays(lambda: live.ping(wait=1.0), 3, "the live tunnel goes on")
            os.remove(f"{state}/filler")
            assert late.ping(wait=30.0), "there is room again, and the client is outside"
            api.patch(live.keys.public, enabled=False)
            wait_until(lambda: live.keys.public not in gateway.peers(), 5, "the revoked peer is out")
            assert env.jitwg.provisioner.stop() == 0
            env.jitwg.provisioner.start()
            env.jitwg.await_connected()
            assert set(gateway.peers()) == {late.keys.public}
    finally:
        run("umount", "--lazy", state, check=False)


@scenario("provisioner_killed_two_hundred_times_forgets_nothing", limit=400, netns_only=SAME)
def killed_again_and_again(env):
    chance = random.Random(1)
    gateway, victim, stranger = env.world.add_interface(), env.world.add_client(), env.world.add_client()
    clients = [env.world.add_client() for _ in range(CLIENTS)]
    with with_control_plane(env) as (_, api):
        env.jitwg.start(gateway)
        for client in (victim, *clients):
            client.point_at(gateway)
            api.create(client.keys.public, client.prefixes)
        tap = victim.tap()
        assert victim.ping(wait=10.0)
        old = captured(tap, gateway)
        wg.configure(victim.ns, victim.interface, "peer", gateway.keys.public, "remove")
        env.jitwg.ctl("evict", victim.keys.public)
        sender = stranger.caller(gateway)
        for number in range(KILLS):
            client = chance.choice(clients)
            call(client)
            if number % 10 == 5:
                # Its own memory of initiations is gone with it: the replay reaches the provisioner.
                env.jitwg.sniffer.kill()
                env.jitwg.start_sniffer()
                env.jitwg.await_connected()
                sender.send(old)
                wait_until(lambda: env.jitwg.status().decisions("replay") == 1, 5, f"replay refused after {number} kills")
            time.sleep(chance.uniform(0, 0.15))
            env.jitwg.provisioner.kill()
            assert victim.keys.public not in gateway.peers(), f"a replay was accepted after {number} kills"
            env.jitwg.provisioner.start()
        api.patch(clients[0].keys.public, enabled=False)
        env.jitwg.await_connected()
        for client in clients[1:]:
            client.reset_session()
            assert client.ping(wait=30.0), "an allowed client is outside"
        wait_until(lambda: clients[0].keys.public not in gateway.peers(), 15, "the revoked peer is out")
        allowed = {client.keys.public for client in clients[1:]}
        stays(lambda: set(gateway.peers()) <= allowed, 2, "nobody but those allowed is in")
        log = env.jitwg.provisioner.log()
        assert "damaged" not in log and "set_aside" not in log, "a file did not survive"
        api.expect((204,), "DELETE", f"/v1/peers/{url_key(clients[1].keys.public)}")
        wait_until(lambda: clients[1].keys.public not in gateway.peers(), 5, "the deleted peer is out")
