#!/usr/bin/env python3
"""jitwg-ws-ingress from outside: datagrams both ways in both variants, TLS and its reload, limits, time-outs, drain.
Arguments: the program, and jitwgctl (not used here)."""

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest

from ingress import (BINARY, CLOSE, MAGIC, PATIENCE, PING, PONG, SUBPROTOCOL, TEXT, Ingress, frame, make_certificate,
                     memory_of, read_to_the_end, record, refuses, request, wait_until)

PROGRAM = sys.argv[1]


class Datagrams(unittest.TestCase):
    def check_deployed(self, tls):
        with Ingress(PROGRAM, tls=tls) as ingress:
            client = ingress.deployed()
            self.assertEqual(client.status, 101)
            self.assertNotIn("protocol", client.head.lower().replace("switching protocols", ""))
            # Older clients: length and payload in messages of their own.
            client.send(frame(TEXT, MAGIC), frame(TEXT, struct.pack(">I", 4)), frame(TEXT, b"\xff\xfe\x00\x80"))
            first, sender = ingress.gateway.recvfrom(65536)
            self.assertEqual(first, b"\xff\xfe\x00\x80")
            # Newer ones: together; keepalives in between.
            client.send(frame(TEXT, record(b"x" * 1996)), frame(TEXT, record(b"")), frame(TEXT, record(b"b") + record(b"c")))
            self.assertEqual([ingress.gateway.recvfrom(65536)[0] for _ in range(3)], [b"x" * 1996, b"b", b"c"])
            ingress.gateway.sendto(b"\x80\x81answer", sender)
            ingress.gateway.sendto(b"y" * 1452, sender)
            self.assertEqual(client.receive(), (TEXT, record(b"\x80\x81answer")))
            self.assertEqual(client.receive(), (TEXT, record(b"y" * 1452)))
            self.assertEqual(ingress.status()["upgraded_records"], 1)

    def test_the_deployed_protocol_plain(self):
        self.check_deployed(tls=False)

    def test_the_deployed_protocol_over_tls(self):
        self.check_deployed(tls=True)

    def check_clean(self, tls):
        with Ingress(PROGRAM, tls=tls) as ingress:
            client = ingress.clean()
            self.assertIn(f"Sec-WebSocket-Protocol: {SUBPROTOCOL}", client.head)
            client.send(frame(BINARY, b"one"), frame(BINARY, b"tw", fin=False), frame(PING, b"?"), frame(0, b"o"))
            first, sender = ingress.gateway.recvfrom(65536)
            self.assertEqual((first, ingress.gateway.recvfrom(65536)[0]), (b"one", b"two"))
            self.assertEqual(client.receive(), (PONG, b"?"))
            for size in (1, 125, 126, 1452, 9216):
                ingress.gateway.sendto(b"z" * size, sender)
                self.assertEqual(client.receive(), (BINARY, b"z" * size))
            self.assertEqual(ingress.status()["datagrams_out"], 5)

    def test_the_clean_variant_plain(self):
        self.check_clean(tls=False)

    def test_the_clean_variant_over_tls(self):
        self.check_clean(tls=True)

    def test_frames_behind_the_upgrade_in_one_packet(self):
        with Ingress(PROGRAM) as ingress:
            connection = ingress.connect()
            connection.sendall(request() + frame(TEXT, MAGIC + record(b"early"))[:9])
            connection.sendall(frame(TEXT, MAGIC + record(b"early"))[9:])
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"early")

    def test_nothing_reaches_a_client_before_its_first_datagram(self):
        with Ingress(PROGRAM) as ingress:
            client = ingress.deployed()
            client.send(frame(TEXT, MAGIC + record(b"")), frame(PING, b"1"))
            self.assertEqual(client.receive(), (PONG, b"1"))
            # No socket is there that anybody could send to.
            sockets = [os.readlink(f"/proc/{ingress.process.pid}/fd/{fd}") for fd in
                       os.listdir(f"/proc/{ingress.process.pid}/fd")]
            inodes = {name[8:-1] for name in sockets if name.startswith("socket:")}
            with open("/proc/net/udp", encoding="ascii") as table:
                self.assertFalse(inodes & {line.split()[9] for line in table.readlines()[1:]})

    def test_a_datagram_that_is_too_long_for_a_record_is_counted_and_dropped(self):
        with Ingress(PROGRAM) as ingress:
            client = ingress.clean()
            client.send(frame(BINARY, b"hello"))
            sender = ingress.gateway.recvfrom(100)[1]
            ingress.gateway.sendto(b"x" * 9217, sender)
            ingress.gateway.sendto(b"fits", sender)
            self.assertEqual(client.receive(), (BINARY, b"fits"))
            self.assertEqual(ingress.status()["dropped_too_big"], 1)

    def test_nobody_listens_at_the_target_yet(self):
        with Ingress(PROGRAM) as ingress:
            client = ingress.clean()
            port = ingress.gateway.getsockname()[1]
            ingress.gateway.close()
            for _ in range(3):
                client.send(frame(BINARY, b"lost"), frame(PING, b""))
                self.assertEqual(client.receive(), (PONG, b""))
            ingress.gateway = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ingress.gateway.bind(("127.0.0.1", port))
            ingress.gateway.settimeout(PATIENCE)
            client.send(frame(BINARY, b"found"))
            data, sender = ingress.gateway.recvfrom(100)
            self.assertEqual(data, b"found")
            ingress.gateway.sendto(b"back", sender)
            self.assertEqual(client.receive(), (BINARY, b"back"))


class Sources(unittest.TestCase):
    def sender_of(self, ingress, **options):
        client = ingress.open(SUBPROTOCOL, **options)
        client.send(frame(BINARY, b"who am I"))
        return ingress.gateway.recvfrom(100)[1]

    def test_clients_from_one_address_share_a_source_and_from_two_do_not(self):
        with Ingress(PROGRAM, "--trusted-proxy", "127.0.0.1/32") as ingress:
            senders = [self.sender_of(ingress, extra=[f"X-Forwarded-For: {address}"]) for address in
                       ("192.0.2.1", "192.0.2.1", "192.0.2.2", "203.0.113.1, 192.0.2.2", "2001:db8::1", "2001:db8::2")]
            hosts = [host for host, _ in senders]
            self.assertEqual(len(set(senders)), 6)
            self.assertEqual(hosts[0], hosts[1])
            self.assertEqual(hosts[2], hosts[3])
            self.assertEqual(hosts[4], hosts[5])
            self.assertEqual(len({hosts[0], hosts[2], hosts[4]}), 3)
            for host in hosts:
                self.assertIn(int(host.split(".")[1]), range(64, 128))

    def test_the_header_counts_only_from_a_trusted_proxy(self):
        with Ingress(PROGRAM) as ingress:
            hosts = {self.sender_of(ingress, extra=[f"X-Forwarded-For: 192.0.2.{i}"])[0] for i in range(5)}
            self.assertEqual(len(hosts), 1)

    def test_a_trusted_proxy_must_say_who_calls(self):
        with Ingress(PROGRAM, "--trusted-proxy", "127.0.0.1/32") as ingress:
            self.assertEqual(ingress.open().status, 400)
            self.assertEqual(ingress.open(extra=["X-Forwarded-For: unknown"]).status, 400)

    def test_no_source_prefix(self):
        with Ingress(PROGRAM, "--source-prefix", "none") as ingress:
            self.assertEqual(self.sender_of(ingress)[0], "127.0.0.1")

    def refuse(self, *flags):
        done = subprocess.run([PROGRAM, "--listen", "127.0.0.1:0", "--plain", "--max-connections", "10", *flags],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_a_prefix_that_cannot_be_used_is_told_at_the_start(self):
        text = self.refuse("--source-prefix", "192.0.2.0/24")
        self.assertIn("192.0.2.1", text)
        self.assertIn("--source-prefix", text)
        self.assertIn("cannot", self.refuse("--target", "192.0.2.77:51820"))


class Tls(unittest.TestCase):
    def served(self, ingress, certificate):
        """True when a handshake that trusts only `certificate` succeeds."""
        try:
            ingress.connect(certificate=certificate).close()
            return True
        except ssl.SSLError:
            return False

    def test_a_new_certificate_is_taken_without_touching_connections(self):
        with Ingress(PROGRAM, tls=True) as ingress:
            client = ingress.clean()
            first = os.path.join(ingress.folder, "first.pem")
            shutil.copy(ingress.certificate, first)
            self.assertTrue(self.served(ingress, first))
            new, key = make_certificate(ingress.folder, "new")
            os.replace(key, ingress.key)
            shutil.copy(new, ingress.certificate + ".part")
            os.replace(ingress.certificate + ".part", ingress.certificate)
            ingress.await_line("certificate_reloaded")
            self.assertTrue(self.served(ingress, new))
            self.assertFalse(self.served(ingress, first))
            client.send(frame(BINARY, b"still here"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"still here")

    def test_a_bad_pair_is_refused_once_and_the_old_one_stays(self):
        with Ingress(PROGRAM, tls=True) as ingress:
            first = os.path.join(ingress.folder, "first.pem")
            shutil.copy(ingress.certificate, first)
            new, _ = make_certificate(ingress.folder, "new")
            os.replace(new, ingress.certificate)
            ingress.await_line("certificate_refused .*key values mismatch")
            # A second look, and the connection in between, change nothing.
            self.assertTrue(self.served(ingress, first))
            with open(ingress.key, "w", encoding="ascii") as file:
                file.write("no key\n")
            ingress.await_line("certificate_refused", 2)
            self.assertTrue(self.served(ingress, first))
            self.assertEqual(ingress.log().count("certificate_refused"), 2)

    def test_what_is_no_tls_is_counted(self):
        with Ingress(PROGRAM, tls=True) as ingress:
            with socket.create_connection(("127.0.0.1", ingress.port)) as plain:
                plain.settimeout(PATIENCE)
                plain.sendall(request())
                read_to_the_end(plain)
            ingress.await_count("tls_failed", 1)


class Bounds(unittest.TestCase):
    def hung_up(self, connection):
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def test_connections_in_all(self):
        with Ingress(PROGRAM, "--max-connections", "3") as ingress:
            clients = [ingress.clean() for _ in range(3)]
            self.assertTrue(self.hung_up(ingress.connect()))
            clients.pop().close()
            wait_until(lambda: ingress.status()["open"] == 2, "the place is free again")
            self.assertEqual(ingress.clean().status, 101)
            self.assertEqual(ingress.status()["refused_total_limit"], 1)

    def test_connections_of_one_source(self):
        with Ingress(PROGRAM, "--max-connections-per-source", "2", "--trusted-proxy", "127.0.0.2/32") as ingress:
            keep = [ingress.clean(), ingress.clean()]
            self.assertTrue(self.hung_up(ingress.connect()))
            self.assertEqual(ingress.status()["refused_source_limit"], 1)
            self.assertEqual(keep[0].status, 101)

    def test_connections_of_one_source_behind_a_proxy(self):
        with Ingress(PROGRAM, "--max-connections-per-source", "2", "--trusted-proxy", "127.0.0.1/32") as ingress:
            def call(address):
                return ingress.open(extra=[f"X-Forwarded-For: {address}"])
            keep = [call("192.0.2.1"), call("192.0.2.1")]
            self.assertEqual([one.status for one in keep], [101, 101])
            self.assertEqual(call("192.0.2.1").status, 503)
            self.assertEqual(call("192.0.2.2").status, 101)

    def test_slow_handshakes_end(self):
        for tls in (False, True):
            with Ingress(PROGRAM, "--handshake-timeout", "300ms", tls=tls) as ingress:
                silent = socket.create_connection(("127.0.0.1", ingress.port), timeout=PATIENCE)
                dripping = ingress.connect()
                dripping.sendall(request()[:40])
                self.assertIn(b"408", read_to_the_end(dripping))
                read_to_the_end(silent)
                self.assertEqual(ingress.status()["handshake_timeout"], 2)
                wait_until(lambda: ingress.status()["open"] == 0, "all are gone")

    def test_idle_connections_end_and_pings_keep_alive(self):
        with Ingress(PROGRAM, "--idle-timeout", "500ms") as ingress:
            idle, dripping, living = ingress.clean(), ingress.clean(), ingress.clean()
            dripping.send(frame(BINARY, b"never ends", length=1000))
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                living.send(frame(PING, b"!"))
                self.assertEqual(living.receive(), (PONG, b"!"))
                try:
                    dripping.send(b"x")
                except OSError:
                    pass
                time.sleep(0.05)
            self.assertEqual(idle.close_code(), 1001)
            self.assertEqual(ingress.status()["closed_idle"], 2)

    def test_a_client_that_does_not_read_costs_a_bounded_buffer(self):
        with Ingress(PROGRAM, "--send-buffer", "65536") as ingress:
            slow, other = ingress.clean(), ingress.clean()
            slow.send(frame(BINARY, b"me"))
            slow_sender = ingress.gateway.recvfrom(100)[1]
            other.send(frame(BINARY, b"too"))
            other_sender = ingress.gateway.recvfrom(100)[1]
            before = memory_of(ingress.process.pid)

            def flooded():
                for _ in range(200):
                    ingress.gateway.sendto(b"f" * 8192, slow_sender)
                time.sleep(0.005)
                return ingress.status().get("dropped_client_slow", 0) > 3000
            wait_until(flooded, "datagrams are dropped")
            self.assertLess(memory_of(ingress.process.pid) - before, 4 << 20)
            ingress.gateway.sendto(b"well", other_sender)
            self.assertEqual(other.receive(), (BINARY, b"well"))
            # It may still send, and gets whole frames when it reads again.
            slow.send(frame(BINARY, b"up"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"up")
            self.assertEqual(slow.receive(), (BINARY, b"f" * 8192))

    def test_a_client_that_pings_and_does_not_read_costs_one_pong(self):
        with Ingress(PROGRAM, "--send-buffer", "16384") as ingress:
            client = ingress.clean()
            before = memory_of(ingress.process.pid)
            client.socket.settimeout(PATIENCE)
            pings = frame(PING, b"p" * 125) * 500
            for _ in range(200):
                client.socket.sendall(pings)
            client.send(frame(BINARY, b"done"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"done")
            self.assertLess(memory_of(ingress.process.pid) - before, 4 << 20)

    def test_many_idle_connections_cost_little(self):
        with Ingress(PROGRAM, "--max-connections", "3000", "--max-connections-per-source", "3000") as ingress:
            before = memory_of(ingress.process.pid)
            crowd = [socket.create_connection(("127.0.0.1", ingress.port)) for _ in range(400)]
            for one in crowd:
                one.sendall(request())
            wait_until(lambda: ingress.status().get("upgraded_records", 0) == 400, "all are in")
            self.assertLess((memory_of(ingress.process.pid) - before) / 400, 20_000)
            client = ingress.clean()
            client.send(frame(BINARY, b"served"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"served")
            for one in crowd:
                one.close()
            wait_until(lambda: ingress.status()["open"] == 1, "all are gone")

    def test_more_connections_than_descriptors_is_told_at_the_start(self):
        done = subprocess.run(["prlimit", "--nofile=512:512", PROGRAM, "--listen", "127.0.0.1:0", "--plain",
                               "--max-connections", "1000"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("open files", done.stderr)


class Ends(unittest.TestCase):
    def test_sigterm_lets_connections_go_on_then_says_goodbye(self):
        with Ingress(PROGRAM, "--drain-grace", "600ms") as ingress:
            client = ingress.clean()
            ingress.process.send_signal(signal.SIGTERM)
            ingress.await_line("ws_ingress_stopping")
            wait_until(lambda: refuses(ingress.port), "no more connections are taken")
            client.send(frame(BINARY, b"grace"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"grace")
            self.assertEqual(client.close_code(), 1001)
            client.close()
            self.assertEqual(ingress.finish(), 0)
            self.assertIn("closed_draining=1", ingress.log())

    def test_sigterm_ends_at_once_when_nobody_is_there(self):
        with Ingress(PROGRAM, "--drain-grace", "1h") as ingress:
            self.assertEqual(ingress.stop(), 0)

    def test_a_second_sigterm_ends_at_once(self):
        with Ingress(PROGRAM, "--drain-grace", "1h") as ingress:
            client = ingress.clean()
            ingress.process.send_signal(signal.SIGTERM)
            ingress.await_line("ws_ingress_stopping")
            self.assertEqual(ingress.stop(), 0)
            self.assertIsNone(client.receive())

    def test_a_clients_close_is_answered(self):
        with Ingress(PROGRAM) as ingress:
            client = ingress.clean()
            client.send(frame(CLOSE, struct.pack(">H", 3001) + b"bye"))
            self.assertEqual(client.close_code(), 3001)
            client.close()
            wait_until(lambda: ingress.status()["open"] == 0, "it is gone")

    def test_a_client_that_goes_in_mid_record_touches_nobody(self):
        with Ingress(PROGRAM) as ingress:
            other = ingress.clean()
            for cut in range(1, 18):
                client = ingress.deployed()
                client.send(frame(TEXT, MAGIC + record(b"hello"))[:cut])
                client.close()
            wait_until(lambda: ingress.status()["open"] == 1, "they are gone")
            other.send(frame(BINARY, b"fine"))
            self.assertEqual(ingress.gateway.recvfrom(100)[0], b"fine")
            self.assertEqual(ingress.status()["gone_without_close"], 17)

    def test_strangers_write_no_log_lines(self):
        with Ingress(PROGRAM) as ingress:
            for _ in range(20):
                client = ingress.clean()
                client.send(frame(3, b"x"))
                self.assertEqual(client.close_code(), 1002)
                with ingress.connect() as connection:
                    connection.sendall(b"garbage\r\n\r\n")
                    connection.recv(1000)
            self.assertEqual(len(ingress.lines), 1, ingress.log())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], warnings="ignore")
