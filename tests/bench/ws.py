#!/usr/bin/python3
"""WebSocket ingress: throughput of one connection beside bare TLS relays in the same run, interleaved; then a crowd of
clients with datagrams both ways. Arguments: the release build's folder, the JSON file to write, options."""

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

RATIOS = (("upload, TLS to UDP", "upload-ingress", "upload-udp-relay"),
          ("upload, TLS to TCP", "upload-ingress", "upload-tcp-relay"),
          ("download, UDP to TLS", "download-ingress", "download-relay"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=400, help="of payload in one upload")
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

    def _ingress(self, gateway):
        return self._start(
            [self._path("bin", "jitwg-ws-ingress"), "--listen", "127.0.0.1:0", "--tls-cert", self.certificate, "--tls-key",
             self.key, "--target", f"127.0.0.1:{gateway}", "--max-connections", str(self.options.clients + 100),
             "--idle-timeout", "10m"],
            r"listen=127.0.0.1:(\d+)", "stderr")

    def _relay(self, mode, gateway):
        return self._start([self._path("bench", "ws_relay"), "--tls-cert", self.certificate, "--tls-key", self.key, "--mode",
                            mode, "--target", f"127.0.0.1:{gateway}"], r"listen=(\d+)", "stdout")

    def load(self, name):
        """Runs one load against a fresh program: its outcome, with the ingress's counters."""
        gateway = free_udp_port()
        relays = {"upload-udp-relay": "udp", "upload-tcp-relay": "tcp", "download-relay": "from-udp"}
        process, port = self._relay(relays[name], gateway) if name in relays else self._ingress(gateway)
        try:
            done = subprocess.run(
                [self._path("bench", "ws_load"), name, "--ca-file", self.certificate, "--port", str(port), "--gateway-port",
                 str(gateway), "--megabytes", str(self.options.megabytes), "--clients", str(self.options.clients),
                 "--datagrams-each", str(self.options.datagrams_each)], check=True, stdout=subprocess.PIPE, text=True)
            outcome = json.loads(done.stdout)
        finally:
            process.send_signal(signal.SIGKILL if name in relays else signal.SIGTERM)
            log = process.communicate()[1] or ""
        counters = re.findall(r"ws_ingress_status (.*)", log)
        if counters:
            outcome["counters"] = {name: int(value) for name, value in
                                   (word.split("=") for word in counters[-1].split())}
        return outcome


def throughput(bench, rounds):
    names = sorted({name for _, *pair in RATIOS for name in pair})
    results = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            results[name].append(bench.load(name))
    medians = {name: statistics.median(one["megabytes_per_second"] for one in results[name]) for name in names}
    print(f"\none connection, 1452-byte datagrams, TLS, {rounds} rounds interleaved, MB/s of payload (median)")
    print(f"{'':24}{'ingress':>10}{'bare relay':>12}{'ratio':>8}")
    ratios = {}
    for title, ingress, relay in RATIOS:
        ratios[title] = medians[ingress] / medians[relay]
        print(f"{title:24}{medians[ingress]:>10.0f}{medians[relay]:>12.0f}{ratios[title]:>8.2f}")
    return {"rounds": results, "medians": medians, "ratios": ratios}


def crowd(bench):
    outcome = bench.load("crowd")
    counters = outcome["counters"]
    lost = sum(counters.get(name, 0) for name in ("dropped_client_slow", "dropped_too_big", "dropped_not_sent",
                                                  "source_failed"))
    print(f"\n{outcome['connected']} clients at once, each 148 bytes answered by 92, then datagrams both ways")
    print(f"  connected in {outcome['connect_seconds']:.1f} s, datagrams in {outcome['datagram_seconds']:.1f} s, finished "
          f"{outcome['finished']}, sent again {outcome['sent_again']}")
    print(f"  ingress: {counters.get('datagrams_in', 0)} datagrams in, {counters.get('datagrams_out', 0)} out, lost {lost}; "
          f"{outcome['gateway_sources']} sources at the gateway")
    return {**outcome, "lost_in_ingress": lost}


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="jitwg-ws-bench-")
    try:
        bench = Bench(options, folder)
        speed, many = throughput(bench, options.rounds), crowd(bench)
    finally:
        shutil.rmtree(folder)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"throughput": speed, "crowd": many}, file, indent=1)
    udp, tcp, down = (speed["ratios"][title] for title, _, _ in RATIOS)
    print(f"RESULT ws throughput_ratio={udp:.3f} tcp_relay_ratio={tcp:.3f} download_ratio={down:.3f} "
          f"upload_mb_s={speed['medians']['upload-ingress']:.0f} clients={many['connected']} finished={many['finished']} "
          f"lost_in_ingress={many['lost_in_ingress']} sent_again={many['sent_again']} sources={many['gateway_sources']}")


if __name__ == "__main__":
    main()
