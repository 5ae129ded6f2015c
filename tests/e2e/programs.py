"""Starts, stops, kills and asks the three jitwg programs with the rights that they have in production: the sniffer with
its two capabilities, provisioner and jitwgctl as an ordinary user."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess

from shell import run, stop, wait_until
from status import Status
from world import GATEWAY

RUN_FOLDER = "/run/jitwg-e2e"
NOBODY = 65534
SNIFFER_RIGHTS = ["setpriv", "--groups", str(NOBODY), "--inh-caps", "-all", "--bounding-set",
                  "-all,+net_admin,+net_raw", "--no-new-privs"]
ORDINARY_USER = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps", "-all",
                 "--bounding-set", "-all", "--no-new-privs"]
_numbers = itertools.count(1)

# How the sniffers finish first handshakes: run.py sets it; empty leaves it to the sniffer.
completion = ""
# Of the programs' build, as scripts/test-sanitized says: asan, tsan, or empty for none.
sanitizer = os.environ.get("JITWG_E2E_SANITIZER", "")


class Program:
    """One running program; its standard error goes to a log that survives restarts."""

    def __init__(self, name, command, log):
        self.name = name
        self._command = command
        self._log = log
        self._process = None

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def started(self):
        return self._process is not None

    def tree(self):
        """The process and its children."""
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children", encoding="ascii") as children:
            return [self._process.pid] + [int(child) for child in children.read().split()]

    def kill(self):
        """kill -9: nothing is tidied up."""
        self._process.kill()
        self._process.wait()

    def abort(self):
        """As if it had crashed: it would leave a core, were it allowed to."""
        self._process.send_signal(signal.SIGABRT)
        self._process.wait()

    def stop(self):
        """Returns the exit code, or None when it was not started."""
        return stop(self._process) if self._process else None

    def log(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()


class Gateway:
    """The jitwg of one gateway: one sniffer, one provisioner, a registry file."""

    def __init__(self, binaries, folder):
        self._binaries = binaries
        self._folder = folder
        self.run = os.path.join(RUN_FOLDER, str(next(_numbers)))
        self.sniffer = self.provisioner = None
        for name, owner in (("", 0), ("sniffer", 0), ("provisioner", NOBODY), ("registry", NOBODY)):
            path = os.path.join(self.run, name)
            os.makedirs(path)
            os.chown(path, owner, owner)
        self.sniffer_socket = f"unix:{self.run}/sniffer.sock"
        self.admin_socket = f"unix:{self.run}/provisioner/admin.sock"
        self.registry = f"sqlite:{self.run}/registry/registry.db"

    def path(self, program):
        return os.path.join(self._binaries, program)

    def log_path(self, name):
        return os.path.join(self._folder, name + ".log")

    def sniffer_command(self, interfaces, extra=()):
        command = [self.path("jitwg-sniffer"), "--listen", self.sniffer_socket, "--socket-mode", "0660",
                   "--socket-group", "nogroup", "--state-dir", f"{self.run}/sniffer"]
        if completion and "--completion" not in extra:
            command += ["--completion", completion]
        for interface in interfaces:
            command += ["--interface", interface.name]
            for prefix in interface.prefixes():
                command += ["--allow", f"{interface.name}={prefix}"]
        return command + list(extra)

    def provisioner_command(self, extra=()):
        return [self.path("jitwg-provisioner"), "--sniffer", self.sniffer_socket, "--registry", self.registry,
                "--state-dir", f"{self.run}/provisioner", "--admin-listen", self.admin_socket] + list(extra)

    def start(self, *interfaces, sniffer=(), provisioner=()):
        """Starts both and waits until they speak with each other. The extra words are options for each."""
        self.sniffer = Program("jitwg-sniffer", ["ip", "netns", "exec", GATEWAY] + SNIFFER_RIGHTS +
                               self.sniffer_command(interfaces, sniffer), self.log_path("sniffer"))
        options = list(provisioner)
        if "--evict-interval" not in options:
            options += ["--evict-interval", "1s"]
        self.provisioner = Program("jitwg-provisioner", ORDINARY_USER + self.provisioner_command(options),
                                   self.log_path("provisioner"))
        self.start_sniffer()
        self.start_provisioner()

    def start_sniffer(self):
        self.sniffer.start()
        wait_until(lambda: not self.sniffer.running or accepts(self.sniffer_socket), 15, "the sniffer's socket opens")
        assert self.sniffer.running, f"the sniffer ended at once: {self.sniffer.log()[-2000:]}"

    def start_provisioner(self):
        self.provisioner.start()
        self.await_connected()

    def admin_answers(self):
        return accepts(self.admin_socket)

    def await_connected(self):
        def connected():
            if not self.provisioner.running:
                return True
            return accepts(self.admin_socket) and self.status().sniffer_connected
        wait_until(connected, 20, "the provisioner is connected to the sniffer", interval=0.1)
        assert self.provisioner.running, f"the provisioner ended: {self.provisioner.log()[-2000:]}"

    def ctl(self, *words, check=True, registry=None):
        """jitwgctl as an ordinary user. Returns its CompletedProcess."""
        return run(*ORDINARY_USER, self.path("jitwgctl"), "--sniffer", self.sniffer_socket, "--admin",
                   self.admin_socket, "--registry", registry or self.registry, *words, check=check, timeout=20)

    def status(self):
        """All counters of both programs; asks again while one does not answer, as on a very busy machine."""
        def answer():
            done = self.ctl("--json", "status", check=False)
            if done.returncode != 0 and self.sniffer.running and self.provisioner.running:
                return None
            return done
        done = wait_until(answer, 15, "both programs answer `jitwgctl status`", interval=0.5)
        assert done.returncode == 0, f"jitwgctl status: exit code {done.returncode}: {done.stderr.strip()}"
        return Status(json.loads(done.stdout))

    def add_peer(self, key, prefixes, psk=None, extra=()):
        """Registers a public key, as an operator does."""
        words = ["peer", "add", "--public-key", key, "--allowed-ips", prefixes, *extra]
        if psk:
            secret = os.path.join(self.run, "registry", "psk")
            with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.write(psk + "\n")
            os.chown(secret, NOBODY, NOBODY)
            words += ["--psk-file", secret]
        return self.ctl(*words)

    def register(self, client, extra=()):
        return self.add_peer(client.keys.public, client.prefixes, client.psk, extra)

    def revoke(self, key):
        return self.ctl("peer", "revoke", key)

    def refuses_to_start(self, command, ns=None):
        """Runs a program that should refuse. Returns what it said, line by line."""
        done = run(*command, ns=ns, check=False, timeout=10)
        assert done.returncode != 0, f"started in spite of its fault: {' '.join(command)}"
        return [line for line in done.stderr.splitlines() if line.strip()]

    def finish(self):
        """The end of a scenario that went well: both still live, and end cleanly when told to."""
        for program in (self.provisioner, self.sniffer):
            if program and program.started:
                assert program.running, f"{program.name} died: {program.log()[-2000:]}"
                code = program.stop()
                assert code == 0, f"{program.name} ended with {code} when asked to end: {program.log()[-2000:]}"

    def stop(self):
        """Both end cleanly, in the middle of a scenario."""
        self.finish()
        self.sniffer = self.provisioner = None

    def close(self):
        for program in (self.provisioner, self.sniffer):
            if program:
                program.stop()
        shutil.rmtree(self.run, ignore_errors=True)


def accepts(address):
    """True when a Unix socket takes connections."""
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.connect(address.removeprefix("unix:"))
            return True
        except OSError:
            return False
