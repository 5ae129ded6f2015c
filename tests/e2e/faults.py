"""The faults that chaos.py injects: each disturbs the gateway or what it stands on, and mends it again. Each makes sure that it
truly struck."""

import contextlib
import dataclasses
import errno
import os
import signal
import time
import typing

import certificate_faults
import uapi_faults
from scenarios.interfaces import add_by_hand
from shell import ip_batch, wait_until
from world import GATEWAY

FROZEN = 1.5  # seconds
SLOW = 4.0  # seconds
# As a disk that is worn out or shared with a busy neighbour.
SYNC_MS, WRITE_MS = 150, 10
# How long after a fault everything must be as before, beyond what the mending itself waits for: new connections to the
# database are tried with a back-off of at most 2 s, a new interface is looked for each second.
RECOVERY = 2.0


@dataclasses.dataclass(frozen=True)
class Stage:
    """What faults act on."""
    env: typing.Any
    gateway: typing.Any
    witness: typing.Any
    postgres: typing.Any
    api: typing.Any
    state: str  # the provisioner's state folder, a file system of its own

    @staticmethod
    def said(program):
        """How long a program's log is by now."""
        return len(program.log())


def _again(stage, program, end):
    """Ends one of the two programs somehow and starts it again."""
    jitwg = stage.env.jitwg
    end(program)
    if program is jitwg.sniffer:
        jitwg.start_sniffer()
        jitwg.await_connected()
    else:
        jitwg.start_provisioner()


def _stop(program):
    code = program.stop()
    assert code == 0, f"{program.name} ended with {code} when asked to end: {program.log()[-2000:]}"


def sniffer_killed(stage):
    _again(stage, stage.env.jitwg.sniffer, lambda program: program.kill())


def provisioner_killed(stage):
    _again(stage, stage.env.jitwg.provisioner, lambda program: program.kill())


def sniffer_aborted(stage):
    _again(stage, stage.env.jitwg.sniffer, lambda program: program.abort())


def provisioner_aborted(stage):
    _again(stage, stage.env.jitwg.provisioner, lambda program: program.abort())


def sniffer_restarted(stage):
    _again(stage, stage.env.jitwg.sniffer, _stop)


def provisioner_restarted(stage):
    _again(stage, stage.env.jitwg.provisioner, _stop)


def _frozen(processes):
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        time.sleep(FROZEN)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def sniffer_frozen(stage):
    _frozen(stage.env.jitwg.sniffer.tree())


def provisioner_frozen(stage):
    _frozen(stage.env.jitwg.provisioner.tree())


def database_frozen(stage):
    go_on = stage.postgres.pause()
    try:
        time.sleep(FROZEN)
    finally:
        go_on()


def database_restarted(stage):
    stage.postgres.stop()
    stage.postgres.start()


def database_connections_reset(stage):
    stage.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                       "datname = 'jitwg'", "postgres")


def peer_api_killed(stage):
    stage.api.program.kill()
    stage.api.start()


def interface_down(stage):
    ip_batch([f"link set {stage.gateway.name} down"], GATEWAY)
    time.sleep(0.5)
    # Going down takes its addresses of IPv6 along.
    stage.env.world.configure_interface(stage.gateway)


def interface_recreated(stage):
    world = stage.env.world
    world.backend.delete(GATEWAY, stage.gateway.name)
    world.backend.create(GATEWAY, stage.gateway.name)
    world.configure_interface(stage.gateway)
    add_by_hand(stage.gateway, stage.witness)


def interface_renamed(stage):
    """As by a rule of udev that comes late, and back."""
    name = stage.gateway.name
    ip_batch([f"link set {name} down", f"link set {name} name renamed0", "link set renamed0 up"], GATEWAY)
    time.sleep(FROZEN)
    ip_batch(["link set renamed0 down", f"link set renamed0 name {name}"], GATEWAY)
    stage.env.world.configure_interface(stage.gateway)


def netlink_errors(stage):
    """ENOBUFS and EBUSY in turn for all that the sniffer says to the kernel: in the virtual machine to WireGuard, too."""
    with stage.env.jitwg.shims["sniffer"].netlink_fails() as failed:
        time.sleep(FROZEN)
        wait_until(lambda: failed() > 0, 20, "the sniffer spoke to the kernel", interval=0.2)


def wireguard_socket_gone(stage):
    with uapi_faults.away(stage.gateway.name):
        time.sleep(FROZEN)


def wireguard_refuses(stage):
    """Userspace WireGuard answers each change with an error."""
    with uapi_faults.refusing(stage.gateway.name, errno.EBUSY) as refused:
        time.sleep(FROZEN)
        wait_until(lambda: refused() > 0, 20, "a change was refused", interval=0.2)


def state_disk_slow(stage):
    """Of both daemons."""
    shims = stage.env.jitwg.shims
    with shims["sniffer"].slow_disk(SYNC_MS, WRITE_MS) as slow_there, \
            shims["provisioner"].slow_disk(SYNC_MS, WRITE_MS) as slow_here:
        time.sleep(SLOW)
        wait_until(lambda: slow_there() > 0 and slow_here() > 0, 20, "both daemons wrote to their disks", interval=0.2)


def disk_full(stage):
    filler = os.path.join(stage.state, "filler")
    try:
        with open(filler, "wb", buffering=0) as file:
            # Large pieces first, then what is left of the last one.
            for piece in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(piece))
        time.sleep(FROZEN)
    finally:
        os.unlink(filler)


def clock_stepped(stage):
    """An hour forward and back again; nobody's time stamps may count as replays for it."""
    _step(3600.0)
    try:
        time.sleep(FROZEN)
    finally:
        _step(-3600.0)


def _step(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)


# What everybody can stand, and what would change more than this test's own world where the clock is shared.
EVERYWHERE = (sniffer_killed, provisioner_killed, sniffer_aborted, provisioner_aborted, sniffer_restarted,
              provisioner_restarted, sniffer_frozen, provisioner_frozen, database_frozen, database_restarted,
              database_connections_reset, peer_api_killed, interface_down, interface_recreated, interface_renamed,
              netlink_errors, state_disk_slow, disk_full)
ONLY_AT = {"netns": (wireguard_socket_gone, wireguard_refuses), "vm": (clock_stepped,)}
# These touch nothing that a client's first handshake needs.
HARMLESS = (peer_api_killed,)


def of(place, tls):
    return EVERYWHERE + ONLY_AT[place] + (certificate_faults.ALL if tls else ())


def inject(fault, stage):
    """Returns the stretch of time in which clients may have noticed; empty for a fault that they must not notice."""
    begin = time.monotonic()
    fault(stage)
    wait_until(lambda: stage.env.jitwg.sniffer.running and stage.env.jitwg.provisioner.running, 10,
               f"both programs live after {fault.__name__}")
    stage.env.jitwg.await_connected()
    return [] if fault in HARMLESS else [(begin, time.monotonic() + RECOVERY)]
