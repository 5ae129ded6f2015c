"""What the programs write down while they serve: no secret, no packet, and no line for a stranger."""

import os

import initiation
import secret_scan
import wg
from registry import NO_CLIENT, scenario
from shell import run, wait_until
from world import read_initiation

STRANGERS = 40
# A user who has nothing to do with jitwg.
SOMEBODY = ["setpriv", "--reuid", "4711", "--regid", "4711", "--clear-groups", "--inh-caps", "-all", "--bounding-set", "-all"]


def ask_everything(env, key, output):
    """What an operator can be told of a gateway and one of its peers goes to a file."""
    words = (["status"], ["peers"], ["explain", key], ["decisions"], ["peer", "list"], ["watch", "--timeout", "1s"])
    with open(output, "w", encoding="utf-8") as file:
        for command in words:
            for form in ([], ["--json"]):
                done = env.jitwg.ctl(*form, *command, check=False)
                file.write(f"--- {command} {form}\n{done.stdout}{done.stderr}")
                # One that lacks a form says so; each command has one that works.
                assert done.returncode == 0 or form, f"{command}: {done.stderr}"


@scenario("secrets_and_packets_reach_no_log_no_answer_and_no_file")
def secrets_scan(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    psk = wg.new_psk()
    client.point_at(gateway, 4, psk)
    env.jitwg.register(client)
    # Everything that a program is willing to log.
    env.jitwg.start(gateway, sniffer=("--log-level", "trace"), provisioner=("--log-level", "trace", "--cache", "on"))
    tap = client.tap()
    assert client.ping(4, 20.0), "the client does not get in"
    packet = read_initiation(tap, lambda packet: initiation.consume(wg.raw(gateway.keys.private), packet)[0] ==
                             "authenticated")
    ask_everything(env, client.keys.public, os.path.join(env.folder, "answers.txt"))
    # The key of a running program's own socket, and what it was started with, are everybody's to see.
    for program in (env.jitwg.sniffer, env.jitwg.provisioner):
        with open(f"/proc/{program.tree()[0]}/cmdline", "rb") as words, \
                open(os.path.join(env.folder, f"{program.name}-words.txt"), "wb") as file:
            file.write(words.read())
    env.jitwg.stop()
    secrets = {"the interface's private key": wg.raw(gateway.keys.private), "a preshared key": wg.raw(psk),
               "a packet": packet[8:116]}
    registry, cache = f"{env.jitwg.run}/registry", f"{env.jitwg.run}/provisioner"
    found, files, _ = secret_scan.scan([env.folder, env.jitwg.run], secrets, left_out=(registry, cache))
    assert not found and files > 4, f"{found} in {files} files"
    # These two may hold the preshared key, and nothing else; that it is found shows that the scan can find.
    for folder in (registry, cache):
        found, _, _ = secret_scan.scan([folder], secrets)
        assert {name for name, _ in found} == {"a preshared key"}, f"{folder}: {found}"
        for _, path in found:
            assert os.stat(path).st_mode & 0o077 == 0, f"{path} may be read by others"


def written(env):
    return {program.name: program.log() for program in (env.jitwg.sniffer, env.jitwg.provisioner)}


@scenario("strangers_cause_no_log_lines")
def quiet(env):
    gateway, stranger = env.world.add_interface(), env.world.add_client()
    env.jitwg.start(gateway)
    gateway_key, caller = wg.raw(gateway.keys.public), stranger.caller(gateway)
    before = written(env)
    victim = wg.raw(wg.new_keys().public)
    for number in range(STRANGERS):
        key = wg.raw(wg.new_keys().private)
        proved = initiation.make(gateway_key, key)
        forged = initiation.make(gateway_key, key, claim=victim)
        broken = proved[:120] + bytes([proved[120] ^ 1]) + proved[121:]
        for packet in (proved, proved, forged, broken, bytes(148), b"\1\0\0\0" + os.urandom(144), os.urandom(number)):
            caller.send(packet)
    wait_until(lambda: env.jitwg.status().all_decisions() >= 5, 20, "proved strangers were refused")
    wait_until(lambda: env.jitwg.status().refused_initiations() >= STRANGERS, 10, "the others were counted")
    for name, log in written(env).items():
        assert log == before[name], f"{name} wrote: {log[len(before[name]):][:500]}"
    assert not gateway.peers()


@scenario("local_users_reach_no_socket_and_read_no_file_of_the_daemons", udp_only=NO_CLIENT, same_on_any_kernel=True)
def local_users(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    env.jitwg.start(gateway, provisioner=("--cache", "on"))
    for option, other, address in (("--sniffer", "--admin", env.jitwg.sniffer_socket),
                                   ("--admin", "--sniffer", env.jitwg.admin_socket)):
        asked = run(*SOMEBODY, env.jitwg.path("jitwgctl"), option, address, other, "unix:/nosuch/s.sock", "--json",
                    "status", check=False)
        assert asked.returncode != 0 and "version" not in asked.stdout, asked.stdout
        assert run(*SOMEBODY, "test", "-w", address.removeprefix("unix:"), check=False).returncode == 1, address
    files = [os.path.join(folder, name) for folder, _, names in os.walk(env.jitwg.run) for name in names]
    kept = [path for path in files if not path.endswith(".sock")]
    assert len(kept) >= 4, f"these are not all: {kept}"
    readable = [path for path in kept if run(*SOMEBODY, "test", "-r", path, check=False).returncode == 0]
    assert not readable, f"anybody can read {readable}"
