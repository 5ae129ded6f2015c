"""Running commands, entering network namespaces, waiting for conditions: what every other file here stands on.
It must not know WireGuard or jitwg."""

import contextlib
import ctypes
import os
import subprocess
import time

CLONE_NEWNET = 0x40000000
NETNS_FOLDER = "/run/netns"

# A virtual machine that translates instructions is slower: run.py raises this there.
time_scale = 1.0


class CommandFailed(Exception):
    """A command ended with an exit code that the caller did not expect."""


def run(*command, ns=None, stdin=None, check=True, timeout=30.0):
    """Runs a command to its end, in a network namespace when `ns` is given. Returns its CompletedProcess (text)."""
    line = [str(word) for word in command]
    # The child inherits the thread's namespace: one process less than `ip netns exec`, which is dear in a virtual
    # machine. (/sys still shows the outer network; what reads it is started by `ip netns exec`.)
    with in_netns(ns) if ns else contextlib.nullcontext():
        done = subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=timeout * time_scale)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(line)}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def ip_batch(lines, ns=None):
    """One ip(8) process for many settings: starting a process is dear in a virtual machine."""
    where = ["-n", ns] if ns else []
    run("ip", *where, "-batch", "-", stdin="\n".join(lines) + "\n", timeout=60)


@contextlib.contextmanager
def in_netns(ns):
    """Moves the calling thread into a namespace; sockets opened inside stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"{NETNS_FOLDER}/{ns}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {ns}")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


def wait_until(condition, seconds, what, interval=0.05):
    """Polls until condition() is true and returns its value. AssertionError naming `what` when time is up."""
    end = time.monotonic() + seconds * time_scale
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still not so after {seconds * time_scale:.0f} s: {what}")
        time.sleep(interval)


def stays(condition, seconds, what, interval=0.1):
    """Asserts that condition() holds all through a stretch of time."""
    end = time.monotonic() + seconds * time_scale
    while time.monotonic() < end:
        assert condition(), f"did not stay so: {what}"
        time.sleep(interval)


def stop(process, seconds=5.0):
    """Ends a child: politely, then not. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds * time_scale)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
