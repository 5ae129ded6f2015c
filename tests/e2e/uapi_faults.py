"""Puts itself between a userspace WireGuard and who configures it: the control socket is gone for a while, or refuses every
change. It must not know jitwg's programs."""

import contextlib
import os
import socket
import threading

from backends import SOCKET_FOLDER


@contextlib.contextmanager
def away(interface):
    """The control socket is not where it belongs. Meanwhile nobody may use wg(8). Yields its path and where it is."""
    path = f"{SOCKET_FOLDER}/{interface}.sock"
    aside = f"{SOCKET_FOLDER}/.{interface}.aside"
    os.rename(path, aside)  # nothing that wireguard-go watches: it goes on listening
    try:
        yield path, aside
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.rename(aside, path)


@contextlib.contextmanager
def refusing(interface, error):
    """Answers each change with an errno and passes on all else. Yields a function that tells how many it refused."""
    with away(interface) as (path, real), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        listener.settimeout(0.1)
        refuser = _Refuser(listener, real, error)
        thread = threading.Thread(target=refuser.run, daemon=True)
        thread.start()
        try:
            yield lambda: refuser.refused
        finally:
            refuser.stop.set()
            thread.join()


class _Refuser:
    def __init__(self, listener, real, error):
        self.refused, self.stop = 0, threading.Event()
        self._listener, self._real, self._error = listener, real, error

    def run(self):
        while not self.stop.is_set():
            try:
                caller, _ = self._listener.accept()
            except socket.timeout:
                continue
            with caller, contextlib.suppress(OSError):
                caller.settimeout(2.0)
                self._answer(caller)

    def _answer(self, caller):
        """One request for each connection, as jitwg and wg(8) make them."""
        request = b""
        while not request.endswith(b"\n\n"):
            more = caller.recv(65536)
            if not more:
                return
            request += more
        if request.startswith(b"set="):
            self.refused += 1
            caller.sendall(f"errno=-{self._error}\n\n".encode())
            return
        with socket.socket(socket.AF_UNIX) as real:
            real.settimeout(2.0)
            real.connect(self._real)
            real.sendall(request)
            answer = b""
            while not answer.endswith(b"\n\n"):
                more = real.recv(1 << 20)
                if not more:
                    break
                answer += more
            caller.sendall(answer)
