"""Wrong input at start and on the command line: refused with one line for each fault that names it, and a non-zero
exit code."""

import os
import re
import sqlite3
import time

import programs
from programs import NOBODY, ORDINARY_USER, SNIFFER_RIGHTS
from registry import NO_CLIENT, scenario
from shell import run
from world import GATEWAY

INFO = re.compile(r"\d{4}-\d\d-\d\dT\S+ info ")
IN_GATEWAY = ["ip", "netns", "exec", GATEWAY]


def of_a_sanitizer(line):
    """Its builds say that they have no filter of system calls."""
    return programs.sanitizer and "system_calls_not_limited why=\"a sanitizer's build\"" in line


def check_refusal(command, faults):
    """Returns what is wrong with a refusal: [] when it is as it should be. `faults`: for each expected line, the
    words that it must hold."""
    begin = time.monotonic()
    done = run(*command, check=False, timeout=15)
    # What a program did before it met the fault is no complaint.
    said = [line for line in (done.stderr + done.stdout).splitlines()
            if line.strip() and not INFO.match(line) and not of_a_sanitizer(line)]
    wrong = []
    if done.returncode == 0:
        wrong.append("exit code 0")
    if len(said) != len(faults):
        wrong.append(f"{len(said)} lines instead of {len(faults)}")
    for words in faults:
        if not any(all(word.lower() in line.lower() for word in words) for line in said):
            wrong.append(f"no line holds {words}")
    return [f"{'; '.join(wrong)} (after {time.monotonic() - begin:.1f} s): {said[:4]}"] if wrong else []


def check_all(cases):
    """cases: (what it is about, command, faults). All are tried before the scenario fails."""
    wrong = []
    for about, command, faults in cases:
        wrong += [f"{about}: {problem}" for problem in check_refusal(command, faults)]
    assert not wrong, "\n" + "\n".join(wrong)


@scenario("sniffer_refuses_wrong_configuration_in_one_line_per_fault", udp_only=NO_CLIENT, same_on_any_kernel=True)
def sniffer_configuration(env):
    gateway = env.world.add_interface()
    binary = IN_GATEWAY + SNIFFER_RIGHTS + [env.jitwg.path("jitwg-sniffer")]
    common = ["--listen", env.jitwg.sniffer_socket, "--state-dir", f"{env.jitwg.run}/sniffer"]
    allow = ["--allow", "wg0=10.8.0.0/16"]
    check_all([
        ("no such interface", binary + common + ["--interface", "nosuch0", "--allow", "nosuch0=10.8.0.0/16"],
         [["nosuch0"]]),
        ("not a WireGuard interface", binary + common + ["--interface", "eth0", "--allow", "eth0=10.8.0.0/16"],
         [["eth0", "WireGuard"]]),
        ("capture interface that is not there", binary + common + ["--interface", "wg0", "--capture", "nosuch1"] +
         allow, [["nosuch1"]]),
        ("prefix that is no prefix", binary + common + ["--interface", "wg0", "--allow", "wg0=10.8.0.0/99"],
         [["--allow", "10.8.0.0", "99"]]),
        ("two faults at once", binary + common + ["--interface", "wg0", "--backend", "magic", "--socket-mode", "9999"] +
         allow, [["backend", "magic"], ["socket-mode", "9999"]]),
        ("unknown option", binary + common + ["--interface", "wg0", "--nosuch-option", "1"] + allow,
         [["nosuch-option"]]),
        ("unknown group", binary + common + ["--interface", "wg0", "--socket-group", "nosuchgroup"] + allow,
         [["nosuchgroup"]]),
        ("config file that is not there", binary + common + ["--interface", "wg0", "--config", "/nosuch.toml"] + allow,
         [["/nosuch.toml"]]),
    ])
    good = env.jitwg.sniffer_command([gateway], ["--check-config"])
    assert run(*good, check=False).returncode == 0, "--check-config refuses a good configuration"


@scenario("sniffer_without_its_capabilities_refuses_to_start", udp_only=NO_CLIENT)
def sniffer_capabilities(env):
    gateway = env.world.add_interface()
    os.chmod(env.jitwg.run, 0o777)
    os.chown(f"{env.jitwg.run}/sniffer", NOBODY, NOBODY)
    # With `hold` alone CAP_NET_RAW is not needed.
    sniffer = env.jitwg.sniffer_command([gateway], ["--completion", "auto"])
    no_raw = [word.replace(",+net_raw", "") for word in SNIFFER_RIGHTS]
    no_admin = [word.replace("+net_admin,", "") for word in SNIFFER_RIGHTS]
    check_all([
        ("ordinary user", IN_GATEWAY + ORDINARY_USER + sniffer, [["CAP_NET_ADMIN", "CAP_NET_RAW"]]),
        ("root without CAP_NET_RAW", IN_GATEWAY + no_raw + sniffer, [["CAP_NET_RAW"]]),
        ("root without CAP_NET_ADMIN", IN_GATEWAY + no_admin + sniffer, [["CAP_NET_ADMIN"]]),
    ])


def with_own_state(command, folder, owner):
    """The same command with another state folder, so that the socket is its only fault."""
    os.makedirs(folder + "-2")
    os.chown(folder + "-2", owner, owner)
    return [folder + "-2" if word == folder else word for word in command]


@scenario("programs_refuse_a_socket_path_that_is_taken", udp_only=NO_CLIENT, same_on_any_kernel=True)
def socket_taken(env):
    gateway = env.world.add_interface()
    env.jitwg.start(gateway)
    file = os.path.join(env.jitwg.run, "registry", "a-file")
    with open(file, "w", encoding="ascii") as taken:
        taken.write("somebody's data\n")
    sniffer = IN_GATEWAY + SNIFFER_RIGHTS
    path = env.jitwg.sniffer_socket.removeprefix("unix:")
    second = with_own_state(env.jitwg.sniffer_command([gateway]), f"{env.jitwg.run}/sniffer", 0)
    provisioner = with_own_state(env.jitwg.provisioner_command(), f"{env.jitwg.run}/provisioner", NOBODY)
    check_all([
        ("socket of a running sniffer", sniffer + second, [[path]]),
        ("a file where the sniffer's socket should be", sniffer + [
            word.replace(env.jitwg.sniffer_socket, f"unix:{file}") for word in second],
         [[file]]),
        ("socket of a running provisioner", ORDINARY_USER + provisioner,
         [[env.jitwg.admin_socket.removeprefix("unix:")]]),
        ("a file where the provisioner's socket should be", ORDINARY_USER + [
            word.replace(env.jitwg.admin_socket, f"unix:{file}") for word in provisioner], [[file]]),
    ])
    with open(file, encoding="ascii") as taken:
        assert taken.read() == "somebody's data\n", "the file in the socket's place was destroyed"
    assert env.jitwg.status().sniffer_connected, "the running pair was disturbed"


@scenario("provisioner_and_jitwgctl_refuse_an_unusable_registry", udp_only=NO_CLIENT, same_on_any_kernel=True)
def unusable_registry(env):
    registry = env.jitwg.registry.removeprefix("sqlite:")
    folder = os.path.dirname(registry)
    env.jitwg.ctl("peer", "list")
    newer, garbage, secret = (os.path.join(folder, name) for name in ("newer.db", "garbage.db", "secret.db"))
    with sqlite3.connect(registry) as good:
        version, owner = (good.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    with sqlite3.connect(newer) as database:
        database.execute(f"PRAGMA application_id = {owner}")
        database.execute(f"PRAGMA user_version = {version + 1000}")
    database.close()
    for path in (garbage, secret):
        with open(path, "wb") as file:
            file.write(b"this is not a database at all, whatever it is called\n" * 100)
    os.chmod(secret, 0o000)
    for path in (newer, garbage):
        os.chown(path, NOBODY, NOBODY)
    assert version > 0, "the registry has no schema version: this scenario must learn where it is"
    cases = []
    for about, path, words in (("newer schema", newer, [newer, "newer"]), ("garbage", garbage, [garbage]),
                               ("unreadable", secret, [secret]), ("no such folder", "/nosuch/r.db", ["/nosuch/r.db"])):
        replaced = [word.replace(env.jitwg.registry, f"sqlite:{path}") for word in env.jitwg.provisioner_command()]
        cases.append((f"provisioner, {about}", ORDINARY_USER + replaced, [words]))
        cases.append((f"jitwgctl, {about}", ORDINARY_USER + [env.jitwg.path("jitwgctl"), "--registry",
                                                             f"sqlite:{path}", "peer", "list"], [words]))
    check_all(cases)


@scenario("jitwgctl_refuses_keys_and_prefixes_that_are_none", udp_only=NO_CLIENT, same_on_any_kernel=True)
def wrong_peers(env):
    command = ORDINARY_USER + [env.jitwg.path("jitwgctl"), "--registry", env.jitwg.registry, "peer"]
    env.jitwg.ctl("peer", "list")  # makes the registry, and says so once
    key = "Igge9KzRytKNwrgkzDE/8hrLu6Ly0OqVdvOPWhA5KR4="
    check_all([
        ("short key", command + ["add", "--public-key", "c2hvcnQ=", "--allowed-ips", "10.8.0.2/32"], [["c2hvcnQ="]]),
        ("no base64", command + ["add", "--public-key", "not a key", "--allowed-ips", "10.8.0.2/32"],
         [["not a key"]]),
        ("no prefix", command + ["add", "--public-key", key, "--allowed-ips", "10.8.0.300/32"], [["10.8.0.300/32"]]),
        ("host bits", command + ["add", "--public-key", key, "--allowed-ips", "10.8.0.2/24"], [["10.8.0.2/24"]]),
        ("psk file that is not there", command + ["add", "--public-key", key, "--allowed-ips", "10.8.0.2/32",
                                                  "--psk-file", "/nosuch-psk"], [["/nosuch-psk"]]),
        ("no such peer", command + ["revoke", key], [[key]]),
    ])
    assert key not in env.jitwg.ctl("peer", "list").stdout, "a refused peer was registered"
