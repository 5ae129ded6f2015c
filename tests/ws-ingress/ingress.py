"""The running jitwg-ws-ingress, a UDP socket in the place of WireGuard, and WebSocket clients that may misbehave: what the
tests of the program share."""

import base64
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

PATIENCE = 20.0
MAGIC = bytes.fromhex("2faced77")
SUBPROTOCOL = "jitwg.v1"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def record(datagram):
    """One record of the deployed protocol."""
    return struct.pack(">I", len(datagram)) + datagram


def frame(opcode, payload=b"", fin=True, mask=b"\1\2\3\4", rsv=0, length=None, length_bytes=None):
    """A frame as a client sends it, with any lie about it."""
    size = len(payload) if length is None else length
    extra = length_bytes if length_bytes is not None else 0 if size < 126 else 2 if size < 65536 else 8
    short = {0: size, 2: 126, 8: 127}[extra]
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | short])
    head += size.to_bytes(extra, "big") if extra else b""
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + (mask or b"") + payload


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still not so: {what}")
        time.sleep(0.02)


def make_certificate(folder, name, host="localhost"):
    """A self-signed certificate for `host` and 127.0.0.1: (certificate, key)."""
    certificate, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{host},IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


class Process:
    """A program and what it says on standard error."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def await_line(self, pattern, count=1):
        """The match of the count-th line that has the pattern; fails when the program ends without."""
        def found():
            matches = [match for match in (re.search(pattern, line) for line in list(self.lines)) if match]
            if len(matches) >= count:
                return matches[count - 1]
            assert self.process.poll() is None or self._reader.is_alive(), f"ended without {pattern}: {self.log()}"
            return None
        return wait_until(found, f"a line with {pattern} in: {self.log()}")

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.finish()

    def finish(self):
        try:
            return self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self._reader.join()


class Ingress(Process):
    """The program, listening on a port of the kernel's choice unless one is given, with `self.gateway` as its target."""

    def __init__(self, program, *flags, tls=False, target=None, port=0):
        self.folder = tempfile.mkdtemp(prefix="jitwg-ws-")
        self.gateway = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.gateway.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.gateway.bind(("127.0.0.1", 0))
        self.gateway.settimeout(PATIENCE)
        self.tls = tls
        ways = ["--plain"]
        if tls:
            self.certificate, self.key = make_certificate(self.folder, "server")
            ways = ["--tls-cert", self.certificate, "--tls-key", self.key]
        target = target or "127.0.0.1:%d" % self.gateway.getsockname()[1]
        if "--max-connections" not in flags:
            flags += ("--max-connections", "200")
        super().__init__([program, "--listen", f"127.0.0.1:{port}", "--target", target, *ways, *flags])
        try:
            self.port = int(self.await_line(r"ws_ingress_started .*listen=127.0.0.1:(\d+)").group(1))
        except BaseException:
            self.__exit__()
            raise
        self._statuses = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        self.gateway.close()
        shutil.rmtree(self.folder)

    def status(self):
        """All counters that are not 0, and `open`."""
        self._statuses += 1
        self.process.send_signal(signal.SIGUSR1)
        text = self.await_line("ws_ingress_status (.*)", self._statuses).group(1)
        return {name: int(value) for name, value in (word.split("=") for word in text.split())}

    def await_count(self, name, value):
        wait_until(lambda: self.status().get(name, 0) >= value, f"{name} reaches {value}")

    def connect(self, host="localhost", certificate=None):
        """A TCP connection, with TLS where the ingress has it."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        if not self.tls:
            return connection
        context = ssl.create_default_context(cafile=certificate or self.certificate)
        return context.wrap_socket(connection, server_hostname=host)

    def open(self, subprotocol=None, **options):
        return Client(self.connect(), subprotocol=subprotocol, **options)

    def deployed(self):
        return self.open()

    def clean(self):
        return self.open(SUBPROTOCOL)


def request(path="/", method="GET", version="HTTP/1.1", subprotocol=None, extra=(), without=()):
    """An upgrade as deployed clients write it."""
    fields = [("Host", "gateway.example.org"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
              ("Sec-Websocket-Version", "13"), ("Sec-Websocket-Key", base64.b64encode(os.urandom(16)).decode())]
    if subprotocol:
        fields.append(("Sec-Websocket-Protocol", subprotocol))
    lines = [f"{name}: {value}" for name, value in fields if name not in without] + list(extra)
    return (f"{method} {path} {version}\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n").encode()


class Client:
    """An open WebSocket whose frames the test writes itself."""

    def __init__(self, connection, path="/", subprotocol=None, extra=()):
        self.socket = connection
        self._rest = b""
        self.socket.sendall(request(path, subprotocol=subprotocol, extra=extra))
        self.head = self._read_head()

    def _read_head(self):
        while b"\r\n\r\n" not in self._rest:
            data = self.socket.recv(4096)
            assert data, f"hung up after {self._rest!r}"
            self._rest += data
        head, self._rest = self._rest.split(b"\r\n\r\n", 1)
        return head.decode()

    @property
    def status(self):
        return int(self.head.split()[1])

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def _take(self, count):
        while len(self._rest) < count:
            data = self.socket.recv(65536)
            if not data:
                return None
            self._rest += data
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def receive(self):
        """The next frame as (opcode, payload); None at the end of the connection."""
        head = self._take(2)
        if head is None:
            return None
        assert head[0] & 0x80 and not head[1] & 0x80, "a server sends whole, unmasked frames here"
        length = head[1]
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8), "big")
        return head[0] & 0x0F, self._take(length)

    def close_code(self):
        """Reads to the end. The code of the close frame (None: it had none); fails when there was no close frame."""
        code = ()
        while True:
            got = self.receive()
            if got is None:
                assert code != (), "the connection ended without a close frame"
                return code
            if got[0] == CLOSE:
                code = int.from_bytes(got[1][:2], "big") if got[1] else None

    def close(self):
        self.socket.close()


def read_to_the_end(connection):
    """What comes until the other end hangs up, politely or not."""
    said = b""
    try:
        while data := connection.recv(1000):
            said += data
    except ConnectionResetError:
        pass
    return said


def memory_of(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True
