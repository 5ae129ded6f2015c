"""A private PostgreSQL server and the peer API for scenarios with a control plane. Both run as an ordinary user and are
gone with the scenario."""

import base64
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import urllib.parse

from programs import NOBODY, ORDINARY_USER, Program
from shell import run, wait_until

POSTGRES = "/usr/lib/postgresql/15/bin"
TOKEN_SIZE = 24


class Postgres:
    """One server on a Unix socket, with one database that jitwgctl migrated and a login for each role."""

    def __init__(self, jitwg, folder, follows=None):
        """A new server, or one that follows another and takes no writes until it is promoted."""
        self._jitwg = jitwg
        self._data = os.path.join(folder, "data")
        self._folder = folder
        os.makedirs(folder)
        os.chown(folder, NOBODY, NOBODY)
        if follows:
            make = ["pg_basebackup", "-h", follows._folder, "-U", "owner", "-D", self._data, "-R", "-X", "stream", "-c",
                    "fast", "--no-sync"]
        else:
            make = ["initdb", "-D", self._data, "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        run(*ORDINARY_USER, f"{POSTGRES}/{make[0]}", *make[1:], timeout=120)
        self._program = Program("postgres", ORDINARY_USER + [
            f"{POSTGRES}/postgres", "-D", self._data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
            "-c", "autovacuum=off"], jitwg.log_path(os.path.basename(folder)))

    def address(self, user, *others):
        """With others: whichever of them takes writes."""
        hosts = ",".join(server._folder for server in (self, *others))
        return f"postgres:host={hosts} dbname=jitwg user={user}" + (" target_session_attrs=read-write" if others else "")

    def start(self):
        self._program.start()
        wait_until(lambda: self.sql("SELECT 1", "postgres", check=False).returncode == 0, 60, "PostgreSQL serves")

    def prepare(self):
        self.start()
        self.sql("CREATE DATABASE jitwg", "postgres")
        self._jitwg.ctl("db", "migrate", registry=self.address("owner"))
        self.sql("CREATE ROLE gateway LOGIN IN ROLE jitwg_gateway; CREATE ROLE api LOGIN IN ROLE jitwg_api")

    def sql(self, text, database="jitwg", check=True):
        return run(*ORDINARY_USER, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self._folder, "-U", "owner", "-d", database,
                   "-c", text, check=check)

    def keys(self):
        """The public keys of all peers that this server has."""
        done = run(*ORDINARY_USER, "psql", "-X", "-A", "-t", "-h", self._folder, "-U", "owner", "-d", "jitwg", "-c",
                   "SELECT encode(public_key, 'base64') FROM jitwg.peer")
        return done.stdout.split()

    def pause(self):
        """Nothing answers any more, and no connection breaks. Returns what lets it go on."""
        stopped = self._program.tree()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        return lambda: [os.kill(process, signal.SIGCONT) for process in stopped]

    def promote(self):
        run(*ORDINARY_USER, f"{POSTGRES}/pg_ctl", "-D", self._data, "-w", "promote", timeout=60)

    def stop(self):
        """As an administrator does who must have it down now."""
        if self._program.running:
            run(*ORDINARY_USER, f"{POSTGRES}/pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop", timeout=60)
        self._program.stop()


class PeerApi:
    """The running jitwg-peer-api, and a caller with an admin's token."""

    def __init__(self, jitwg, registry):
        folder = os.path.join(jitwg.run, "api")
        os.makedirs(folder)
        tokens = {role: secrets.token_hex(TOKEN_SIZE) for role in ("admin", "gateway")}
        path = os.path.join(folder, "tokens")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write("".join(f"{role} {token}\n" for role, token in tokens.items()))
        self.gateway_token_file = os.path.join(folder, "gateway-token")
        with open(os.open(self.gateway_token_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(tokens["gateway"] + "\n")
        for owned in (folder, path, self.gateway_token_file):
            os.chown(owned, NOBODY, NOBODY)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._token = tokens["admin"]
        self.program = Program("jitwg-peer-api", ORDINARY_USER + [
            jitwg.path("jitwg-peer-api"), "--registry", registry, "--listen", f"127.0.0.1:{self.port}", "--token-file", path,
            "--rate-limit", "0"], jitwg.log_path("peer-api"))

    def start(self):
        self.program.start()
        wait_until(lambda: not self.program.running or self._serves(), 30, "the peer API serves")
        assert self.program.running, f"the peer API ended at once: {self.program.log()[-2000:]}"

    def _serves(self):
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, method, path, body=None):
        """Returns the status and the JSON (None for an empty body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def expect(self, wanted, method, path, body=None):
        status, answer = self.call(method, path, body)
        assert status in wanted, f"{method} {path}: HTTP status {status}: {answer}"
        return answer

    def create(self, public_key, prefixes, **more):
        return self.expect((200, 201), "POST", "/v1/peers",
                           {"public_key": public_key, "allowed_ips": prefixes.split(","), **more})

    def patch(self, public_key, **changes):
        return self.expect((200,), "PATCH", f"/v1/peers/{url_key(public_key)}", changes)

    def show(self, public_key):
        return self.expect((200,), "GET", f"/v1/peers/{url_key(public_key)}")


def url_key(public_key):
    return urllib.parse.quote(base64.urlsafe_b64encode(base64.b64decode(public_key)).decode())


@contextlib.contextmanager
def with_control_plane(env):
    """PostgreSQL, the peer API as the role jitwg_api, and a gateway that reads as jitwg_gateway."""
    postgres = api = None
    try:
        postgres = Postgres(env.jitwg, f"{env.jitwg.run}/postgres")
        postgres.prepare()
        api = PeerApi(env.jitwg, postgres.address("api"))
        api.start()
        env.jitwg.registry = postgres.address("gateway")
        yield postgres, api
    finally:
        if api:
            api.program.stop()
        if postgres:
            postgres.stop()
