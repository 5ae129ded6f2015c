#!/usr/bin/env python3
"""Plays systemd for one program in a chroot: it must tell that it serves, that it is alive, and that it stops. Arguments: the
chroot, the program, its arguments."""

import os
import signal
import socket
import subprocess
import sys

PATIENCE = 30.0


def main():
    root, command = sys.argv[1], sys.argv[2:]
    path = "/run/notify-test"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(root + path)
        os.chmod(root + path, 0o666)
        notified.settimeout(PATIENCE)
        environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000", "PATH": "/usr/sbin:/usr/bin"}
        process = subprocess.Popen(["chroot", "--userspec=nobody:nogroup", root, *command], env=environment)
        try:
            told = [notified.recv(256).decode() for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            while told[-1] != "STOPPING=1":
                told.append(notified.recv(256).decode())
            code = process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            os.unlink(root + path)
    beats = told[1:-1]
    if told[0] != "READY=1" or not beats or set(beats) != {"WATCHDOG=1"} or code != 0:
        print(f"told {told}, exit code {code}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
