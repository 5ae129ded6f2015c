#!/usr/bin/env python3
"""`jitwgctl ws-connect` against the running ingress and against servers that are none. Arguments: the two programs."""

import signal
import socket
import sys
import threading
import time
import unittest

from ingress import PATIENCE, Ingress, Process

PROGRAM, CTL = sys.argv[1:3]


class Connect(Process):
    """A running `jitwgctl ws-connect` and the WireGuard in front of it, which is a UDP socket."""

    def __init__(self, url, *flags):
        super().__init__([CTL, "ws-connect", url, "--listen", "127.0.0.1:0", *flags])
        self.wireguard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wireguard.settimeout(PATIENCE)

    def __enter__(self):
        port = int(self.await_line(r"ws_connect_started listen=127.0.0.1:(\d+)").group(1))
        self.wireguard.connect(("127.0.0.1", port))
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        self.wireguard.close()


class Carries(unittest.TestCase):
    def check(self, tls, *flags):
        with Ingress(PROGRAM, tls=tls) as ingress:
            url = f"wss://localhost:{ingress.port}" if tls else f"ws://127.0.0.1:{ingress.port}/"
            ca = ["--ca-file", ingress.certificate] if tls else []
            with Connect(url, *ca, *flags) as client:
                client.wireguard.send(b"sent before it is connected")
                first, sender = ingress.gateway.recvfrom(65536)
                self.assertEqual(first, b"sent before it is connected")
                for size in (1, 148, 1452, 1996, 9216):
                    client.wireguard.send(b"u" * size)
                    self.assertEqual(ingress.gateway.recvfrom(65536)[0], b"u" * size)
                    ingress.gateway.sendto(b"d" * size, sender)
                    self.assertEqual(client.wireguard.recv(65536), b"d" * size)
                variant = "upgraded_records" if "--deployed" in flags else "upgraded_datagrams"
                self.assertEqual(ingress.status()[variant], 1)
                self.assertEqual(client.stop(), 0)
                ingress.await_count("closed_by_peer", 1)

    def test_the_clean_variant_plain(self):
        self.check(False)

    def test_the_clean_variant_over_tls(self):
        self.check(True)

    def test_the_deployed_variant_plain(self):
        self.check(False, "--deployed")

    def test_the_deployed_variant_over_tls(self):
        self.check(True, "--deployed")

    def test_it_lives_on_keepalives(self):
        with Ingress(PROGRAM, "--idle-timeout", "2s") as ingress:
            with Connect(f"ws://127.0.0.1:{ingress.port}", "--deployed") as client:
                client.wireguard.send(b"hello")
                _, sender = ingress.gateway.recvfrom(100)
                time.sleep(3.5)
                ingress.gateway.sendto(b"still there", sender)
                self.assertEqual(client.wireguard.recv(100), b"still there")
                self.assertNotIn("ws_disconnected", client.log())

    def test_answers_go_to_who_sent_last(self):
        with Ingress(PROGRAM) as ingress, Connect(f"ws://127.0.0.1:{ingress.port}") as client:
            client.wireguard.send(b"old port")
            sender = ingress.gateway.recvfrom(100)[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
                again.settimeout(PATIENCE)
                again.sendto(b"new port", client.wireguard.getpeername())
                self.assertEqual(ingress.gateway.recvfrom(100)[0], b"new port")
                ingress.gateway.sendto(b"answer", sender)
                self.assertEqual(again.recv(100), b"answer")


class Reconnects(unittest.TestCase):
    def test_after_the_ingress_was_killed(self):
        with Ingress(PROGRAM) as first:
            client = Connect(f"ws://127.0.0.1:{first.port}")
            with client:
                client.wireguard.send(b"one")
                self.assertEqual(first.gateway.recvfrom(100)[0], b"one")
                first.stop(signal.SIGKILL)
                client.await_line("ws_disconnected")
                for number in range(5):
                    client.wireguard.send(b"old %d" % number)
                with Ingress(PROGRAM, port=first.port) as second:
                    # Of what waited only the newest goes.
                    self.assertEqual(second.gateway.recvfrom(100)[0], b"old 4")
                    client.wireguard.send(b"two")
                    self.assertEqual(second.gateway.recvfrom(100)[0], b"two")

    def test_pauses_grow_to_five_seconds_at_most_and_it_ends_while_it_waits(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            with Connect("ws://127.0.0.1:%d" % nobody.getsockname()[1]) as client:
                pauses = [client.await_line(r"ws_disconnected error=.* again_in=(\S+)", n).group(1) for n in (1, 2, 3)]
                self.assertEqual(pauses, ["250ms", "500ms", "1s"])
                self.assertEqual(client.stop(), 0)


def serve_once(answer):
    """A TCP server that reads a request, says this, and hangs up: (port, thread)."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


class Refuses(unittest.TestCase):
    def test_servers_that_speak_something_else(self):
        for answer, part in ((b"HTTP/1.1 404 Not Found\r\n\r\n", "404"), (b"SSH-2.0-x\r\n\r\n", "no HTTP"),
                             (b"", "hangs up"), (b"x" * 10000, "no HTTP"),
                             (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n", "another request")):
            port, thread = serve_once(answer)
            with Connect(f"ws://127.0.0.1:{port}") as client:
                self.assertIn(part, client.await_line("ws_disconnected (.*)").group(1))
            thread.join()

    def test_a_certificate_of_somebody_else(self):
        with Ingress(PROGRAM, tls=True) as ingress:
            for url, ca in ((f"wss://localhost:{ingress.port}", []),
                            (f"wss://127.0.0.2:{ingress.port}", ["--ca-file", ingress.certificate])):
                with Connect(url, *ca) as client:
                    client.await_line("ws_disconnected .*(certificate|connect)")
                    self.assertNotIn("ws_connected", client.log())

    def refused(self, *words):
        process = Process([CTL, "ws-connect", *words])
        self.assertEqual(process.finish(), 2)
        return process.log()

    def test_wrong_command_lines(self):
        self.assertIn("no URL", self.refused("gateway.example.org"))
        self.assertIn("loopback", self.refused("ws://gateway", "--listen", "0.0.0.0:51821"))
        self.assertIn("/nowhere", self.refused("wss://gateway", "--ca-file", "/nowhere/ca.pem"))

    def test_a_port_that_is_taken(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            process = Process([CTL, "ws-connect", "ws://127.0.0.1:1", "--listen", "127.0.0.1:%d" % taken.getsockname()[1]])
            self.assertEqual(process.finish(), 1)
            self.assertIn("cannot bind", process.log())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], warnings="ignore")
