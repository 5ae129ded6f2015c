"""Runs functions in processes of their own, several at once, each with folders and a network that no other sees. It must
not know what they do."""

import ctypes
import os
import subprocess
import sys
import traceback

import isolation

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000


def _enter_private_world():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot make namespaces for a job")
    isolation.private_folders()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _start(function, output):
    """Returns the child's process number. What it prints goes to the file `output`."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with open(output, "ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        _enter_private_world()
        function()
        code = 0
    except BaseException:  # nothing of the child may go on in the parent's place
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_all(tasks, count, ended):
    """Runs tasks, pairs of a function and a file for what it prints, `count` of them at once, in this order as far as
    that allows. Calls ended(index) as each ends."""
    waiting, running = list(enumerate(tasks)), {}
    while waiting or running:
        while waiting and len(running) < count:
            index, (function, output) = waiting.pop(0)
            running[_start(function, output)] = index
        child, _ = os.wait()
        # This process is the first of its process namespace: it also buries what others left.
        if child in running:
            ended(running.pop(child))
