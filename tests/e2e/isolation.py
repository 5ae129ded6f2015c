"""Private mount and process namespaces for a program that makes network namespaces: all it made is gone with its last
breath, even after kill -9, and nothing collides with this machine's."""

import os
import subprocess

_MARK = "JITWG_E2E_ISOLATED"


def isolated():
    return os.environ.get(_MARK) == "1"


def isolate(arguments):
    """Runs this program again, isolated. Returns its exit code."""
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
               "--mount-proc", "--propagation", "private", "/usr/bin/python3"] + arguments
    try:
        return subprocess.run(command, env={**os.environ, _MARK: "1"}, check=False).returncode
    except KeyboardInterrupt:
        return 130


def private_folders():
    """To be called once in each mount namespace, isolated: the folders in which namespaces, sockets and state are kept."""
    assert isolated()
    for folder in ("/run/netns", "/run/wireguard", "/run/jitwg-e2e"):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "jitwg-e2e", folder], check=True)
