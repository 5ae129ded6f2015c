#!/usr/bin/python3
"""WebSocket ingress: throughput of one connection beside bare TLS relays in the same run, interleaved; then a crowd of
clients, each with a WireGuard tunnel of its own to a just-in-time gateway. Arguments: the release build's folder, the JSON file
to write, options. Needs root, for namespaces of its own."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile

import report
import ws_gateway

# Name of a load -> its relay's mode (None: the ingress) and what else ws_load is told.
LOADS = {
    "upload-udp-relay": ("udp", "upload-udp-relay", ()),
    "upload-ingress": (None, "upload-ingress", ()),
    "upload-tcp-relay": ("tcp", "upload-tcp-relay", ()),
    "upload-ingress-segments": (None, "upload-ingress", ("--segmented-sink",)),
    "download-ingress": (None, "download-ingress", ()),
    "download-relay": ("from-udp", "download-relay", ()),
}
RATIOS = (("upload | TLS to TCP", "tcp", "upload-ingress", "upload-tcp-relay"),
          ("upload, segments taken whole | TLS to TCP", "tcp_segments", "upload-ingress-segments", "upload-tcp-relay"),
          ("upload | TLS to UDP", "udp", "upload-ingress", "upload-udp-relay"),
          ("download | UDP to TLS", "download", "download-ingress", "download-relay"))
# What the ingress counts when it loses something or a client breaks its rules.
LOSSES = re.compile("dropped_|fault_|source_failed|accept_failed|refused_|tls_failed|handshake_timeout|gone_|closed_idle")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("json")
    parser.add_argument("--rounds", type=int, default=7, help="of the throughput's loads")
    parser.add_argument("--megabytes", type=int, default=250, help="of payload in one upload")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--datagrams-each", type=int, default=100)
    return parser.parse_args()


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Bench:
    """The programs under test and the load against them."""

    def __init__(self, options, folder):
        self.options = options
        self.certificate, self.key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, capture_output=True)

    def _path(self, *parts):
        return os.path.join(self.options.build, *parts)

    def _start(self, command, pattern, stream):
        process = subprocess.Popen(command, text=True, **{stream: subprocess.PIPE})
        line = getattr(process, stream).readline()
        found = re.search(pattern, line)
        if not found:
            raise SystemExit(f"{command[0]} does not start: {line}")
        return process, int(found.group(1))

    def ingress(self, gateway):
        return self._start(
            [self._path("bin", "jitwg-ws-ingress"), "--listen", "127.0.0.1:0", "--tls-cert", self.certificate, "--tls-key",
             self.key, "--target", f"127.0.0.1:{gateway}", "--max-connections", str(self.options.clients + 100),
             "--idle-timeout", "10m"],
            r"listen=127.0.0.1:(\d+)", "stderr")

    def _relay(self, mode, gateway):
        return self._start([self._path("bench", "ws_relay"), "--tls-cert", self.certificate, "--tls-key", self.key, "--mode",
                            mode, "--target", f"127.0.0.1:{gateway}"], r"listen=(\d+)", "stdout")

    def load(self, *words):
        """Runs ws_load to its end: its outcome."""
        done = subprocess.run([self._path("bench", "ws_load"), *words, "--ca-file", self.certificate, "--clients",
                               str(self.options.clients), "--datagrams-each", str(self.options.datagrams_each)],
                              check=True, stdout=subprocess.PIPE, text=True, timeout=400)
        return json.loads(done.stdout)

    def one_connection(self, name):
        """Runs one load against a fresh program, in MB/s."""
        mode, load, words = LOADS[name]
        gateway = free_udp_port()
        process, port = self._relay(mode, gateway) if mode else self.ingress(gateway)
        try:
            outcome = self.load(load, "--port", str(port), "--gateway-port", str(gateway), "--megabytes",
                                str(self.options.megabytes), *words)
            return {**outcome, "cpu_seconds_per_gigabyte": cpu_seconds(process.pid) * 1000 / outcome["megabytes"]}
        finally:
            process.kill()
            process.communicate()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(bench, rounds):
    results = {name: [] for name in LOADS}
    for _ in range(rounds):
        for name in LOADS:
            results[name].append(bench.one_connection(name))

    def median(name, value):
        return statistics.median(one[value] for one in results[name])
    print(f"\none connection, 1452-byte datagrams, TLS, {rounds} rounds interleaved; medians, and the median of the rounds' ratios")
    print(f"{'':44}{'MB/s of payload':>20}{'':8}{'CPU s for a GB':>18}")
    print(f"{'ingress | relay':44}{'ingress':>11}{'relay':>9}{'ratio':>8}{'ingress':>10}{'relay':>8}")
    ratios = {}
    for title, key, ingress, relay in RATIOS:
        pairs = zip(results[ingress], results[relay])
        ratios[key] = statistics.median(one["megabytes_per_second"] / other["megabytes_per_second"] for one, other in pairs)
        speed, cpu = "megabytes_per_second", "cpu_seconds_per_gigabyte"
        print(f"{title:44}{median(ingress, speed):>11.0f}{median(relay, speed):>9.0f}{ratios[key]:>8.2f}"
              f"{median(ingress, cpu):>10.2f}{median(relay, cpu):>8.2f}", flush=True)
    return {"rounds": results, "ratios": ratios, "upload_mb_s": median("upload-ingress", "megabytes_per_second")}


def stopped(process):
    """Ends the ingress as an operator does: its counters."""
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=60)[1]
    words = re.findall(r"ws_ingress_status (.*)", log)[-1].split()
    return {name: int(value) for name, value in (word.split("=") for word in words)}


def crowd(bench, folder):
    gateway = ws_gateway.JustInTimeGateway(bench.options.build, folder)
    try:
        bench.load("register", "--registry", gateway.registry)
        gateway.start_jitwg()
        overflows, before = ws_gateway.udp_overflows(), gateway.peers()[0]
        process, port = bench.ingress(ws_gateway.PORT)
        try:
            outcome = bench.load("crowd", "--port", str(port), "--gateway-key", gateway.public_key)
            counters = stopped(process)
        finally:
            process.kill()
        outcome["peers_before"], (outcome["peers_after"], outcome["sessions_after"]) = before, gateway.peers()
    finally:
        gateway.close()
    outcome["udp_overflows"] = ws_gateway.udp_overflows() - overflows
    outcome["counters"] = counters
    # What went into one end and did not come out of the other, and all that the ingress itself says it lost.
    outcome["lost_in_ingress"] = (outcome["sent"] - counters.get("datagrams_in", 0) + counters.get("datagrams_out", 0) -
                                  outcome["received"] + sum(count for name, count in counters.items() if LOSSES.match(name)))
    return outcome


def show_crowd(crowd_outcome):
    print("\n{connected} clients at once, each with a WireGuard handshake and its pings through the ingress\n"
          "  peers in WireGuard: {peers_before} before, {peers_after} after, {sessions_after} with a session\n"
          "  connected in {connect_seconds:.1f} s; handshakes: {established} in {handshake_seconds:.1f} s, "
          "{handshake_p50_ms:.1f} ms (median), {handshake_p99_ms:.1f} ms (p99), sent again {initiations_again}\n"
          "  all pings answered: {finished} clients in {datagram_seconds:.1f} s, {ping_p50_ms:.1f} ms (median), "
          "{ping_p99_ms:.1f} ms (p99)\n"
          "  clients sent {sent} datagrams and received {received}; lost in the ingress {lost_in_ingress}, "
          "pings without an answer {pings_unanswered}, full UDP sockets {udp_overflows}".format(**crowd_outcome))
    print("  ingress: " + " ".join(f"{name}={count}" for name, count in crowd_outcome["counters"].items()))


def main():
    options = arguments()
    ws_gateway.enter_namespaces()
    ws_gateway.prepare()
    folder = tempfile.mkdtemp(prefix="jitwg-ws-bench-")
    try:
        bench = Bench(options, folder)
        speed = throughput(bench, options.rounds)
        many = crowd(bench, folder)
    finally:
        shutil.rmtree(folder)
    show_crowd(many)
    report.write_json(options.json, {"throughput": speed, "crowd": many})
    print(report.result_line("ws", {
        **{f"{key}_ratio": ratio for key, ratio in speed["ratios"].items()}, "upload_mb_s": round(speed["upload_mb_s"]),
        "clients": many["connected"], "handshakes": many["established"], **{name: many[name] for name in (
            "finished", "sent", "received", "lost_in_ingress", "pings_unanswered", "udp_overflows")}}))


if __name__ == "__main__":
    main()
