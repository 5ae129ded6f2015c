"""A private PostgreSQL server and the peer API for scenarios with a control plane. Both run as an ordinary user and are
gone with the scenario."""

import base64
import http.client
import json
import os
import secrets
import socket
import urllib.parse

from programs import NOBODY, ORDINARY_USER, Program
from shell import run, wait_until

POSTGRES = "/usr/lib/postgresql/15/bin"
TOKEN_SIZE = 24


class Postgres:
    """One server on a Unix socket, with one database that jitwgctl migrated and a login for each role."""

    def __init__(self, jitwg, folder):
        self._jitwg = jitwg
        self._data = os.path.join(folder, "data")
        self._folder = folder
        os.makedirs(folder)
        os.chown(folder, NOBODY, NOBODY)
        run(*ORDINARY_USER, f"{POSTGRES}/initdb", "-D", self._data, "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8",
            "--locale=C", timeout=120)
        self._program = Program("postgres", ORDINARY_USER + [
            f"{POSTGRES}/postgres", "-D", self._data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
            "-c", "autovacuum=off"], jitwg.log_path("postgres"))

    def address(self, user, database="jitwg"):
        return f"postgres:host={self._folder} dbname={database} user={user}"

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


def close(*parts):
    for part in parts:
        if isinstance(part, PeerApi):
            part.program.stop()
        elif part is not None:
            part.stop()
