"""Runs the real jitwg-peer-api in a folder of its own, on a port that the kernel chooses, and talks to it."""

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

ADMIN = "admin-token-of-the-tests"
GATEWAY = "gateway-token-of-the-tests"
SERVER_KEY = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
PATIENCE = 30


class Api:
    """A running server; use it in a with statement."""

    def __init__(self, program, *flags, registry=None):
        self.folder = tempfile.mkdtemp(prefix="jitwg-api-")
        self.tokens = os.path.join(self.folder, "tokens")
        with open(os.open(self.tokens, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(f"admin {ADMIN}\ngateway {GATEWAY}\n")
        self.command = [program, "--registry", registry or f"sqlite:{self.folder}/registry.db", "--token-file", self.tokens,
                        "--listen", "127.0.0.1:0", "--wireguard-endpoint", "default=vpn.example.org:51820",
                        "--wireguard-public-key", f"default={SERVER_KEY}", *flags]
        self.process = None
        self.port = None
        self.tls = None

    def __enter__(self):
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log, cwd=self.folder)
        end = time.monotonic() + PATIENCE
        while self.port is None:
            found = re.search(r"peer_api_started .* listen=\S+:(\d+) ", self.log())
            if found:
                self.port = int(found.group(1))
            elif self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server did not start:\n{self.log()}")
            else:
                time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def connect(self):
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.tls)

    def call(self, method, target, body=None, token=ADMIN, headers=None):
        """(status, content type, text or bytes) of one call; a body that is no string is sent as JSON."""
        fields = dict(headers or {})
        if token:
            fields.setdefault("Authorization", f"Bearer {token}")
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection = self.connect()
        try:
            connection.request(method, target, body, fields)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        kind = (answer.getheader("Content-Type") or "").split(";")[0]
        return answer.status, kind, raw if kind.startswith("image/png") else raw.decode()

    def json(self, method, target, body=None, token=ADMIN):
        status, _, text = self.call(method, target, body, token)
        return status, json.loads(text) if text else None


def trust(certificate):
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context
