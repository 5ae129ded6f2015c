#!/usr/bin/env python3
"""`jitwgctl decode` must agree with tshark on every initiation of a capture of 1,000 that wireguard-go made, and on forged ones.

Neither wireguard-go nor tshark shares code with us. Runs in network, mount and process namespaces of its own, which end with
it. Needs root. Arguments: the program jitwgctl, and optionally how many initiations.
"""

import base64
import collections
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

INSIDE = "JITWG_TEST_INSIDE_NAMESPACES"
INTERFACE = "wgo0"
UAPI = f"/run/wireguard/{INTERFACE}.sock"
TAI_OFFSET = 0x400000000000000A

# What both decoders say about one frame. `claimed`: the static key opened but the time stamp did not.
Seen = collections.namedtuple("Seen", "sender addressed key claimed tai64n")


def enter_namespaces():
    missing = [tool for tool in ("wireguard-go", "wg", "ip", "unshare", "tshark", "tcpdump") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}; run scripts/setup test")
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run ctest as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"still not so after {seconds} s: {what}")
        time.sleep(0.01)


class Initiator:
    """wireguard-go, given a new key and the responder as a new peer for each initiation, over its UAPI socket."""

    def __init__(self):
        self.process = subprocess.Popen(["wireguard-go", "-f", INTERFACE], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(UAPI), "wireguard-go's UAPI socket (is /dev/net/tun there?)")
        run("ip", "link", "set", INTERFACE, "up")

    def call(self, responder_hex, endpoint):
        request = (f"set=1\nprivate_key={os.urandom(32).hex()}\nreplace_peers=true\npublic_key={responder_hex}\n"
                   f"endpoint={endpoint}\npersistent_keepalive_interval=25\n\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as uapi:
            uapi.settimeout(10)
            uapi.connect(UAPI)
            uapi.sendall(request.encode())
            # It keeps the connection open for the next request.
            answer = uapi.makefile().readline()
        if answer != "errno=0\n":
            sys.exit(f"wireguard-go refused its configuration: {answer!r}")


class Capture:
    """tcpdump on the loopback, where the initiations travel."""

    def __init__(self, path, port):
        self.path = path
        command = ["tcpdump", "-i", "lo", "-s", "256", "-B", "16384", "-U", "-Z", "root", "-w", path, "udp", "dst", "port",
                   str(port)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # It says "listening on" when the socket is open.
        for line in self.process.stderr:
            if "listening on" in line:
                return
        sys.exit("tcpdump did not start")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.stderr.read()
        self.process.wait()


def with_mac1(packet, responder):
    key = hashlib.blake2s(b"mac1----" + responder).digest()
    return packet[:116] + hashlib.blake2s(packet[:116], key=key, digest_size=16).digest() + packet[132:]


def flip(packet, at):
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1:]


def forgeries(packet, responder):
    """Variants of a good packet, each broken in one way; the last one only in what nobody signs."""
    return [flip(packet, 120),                                    # mac1
            flip(packet, 20),                                     # ephemeral, mac1 no longer fits
            with_mac1(flip(packet, 20), responder),               # another ephemeral: the static key does not open
            with_mac1(flip(packet, 50), responder),               # the sealed static key
            with_mac1(flip(packet, 90), responder),               # the sealed time stamp: claimed, not proved
            with_mac1(packet, os.urandom(32)),                    # for somebody else
            packet[:132] + os.urandom(16)]                        # mac2


def make_capture(path, responder, count):
    """Returns how many packets it holds: `count` of wireguard-go, over both families in turn, and the forged ones."""
    sinks = {}
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        sink = socket.socket(family, socket.SOCK_DGRAM)
        sink.settimeout(10)
        sink.bind((host, sinks[socket.AF_INET].getsockname()[1] if sinks else 0))
        sinks[family] = sink
    port = sinks[socket.AF_INET].getsockname()[1]
    capture, initiator = Capture(path, port), Initiator()
    for number in range(count):
        family, host = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "[::1]"))[number % 2]
        initiator.call(responder.hex(), f"{host}:{port}")
        packet = sinks[family].recv(2000)
    initiator.process.terminate()
    forged = forgeries(packet, responder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for variant in forged:
            sender.sendto(variant, ("127.0.0.1", port))
            # tcpdump must see the last one before it is told to stop.
            sinks[socket.AF_INET].recv(2000)
    expected = count + len(forged)
    # File header; per packet its record header, Ethernet, IP, UDP and payload. Every second one of wireguard-go is IPv6.
    size = 24 + expected * (16 + 14 + 20 + 8 + 148) + count // 2 * 20
    wait_until(lambda: os.path.getsize(path) >= size, "tcpdump has written everything")
    capture.stop()
    return expected, port


def ask_tshark(path, port, key_log):
    fields = ["frame.number", "wg.sender", "wg.receiver_pubkey", "wg.static", "wg.timestamp.tai64_label",
              "wg.timestamp.nanoseconds"]
    lines = run("tshark", "-n", "-r", path, "-d", f"udp.port=={port},wg", "-o", f"wg.keylog_file:{key_log}",
                "-Y", "wg.type == 1", "-T", "fields", "-E", "separator=;", *[f"-e{field}" for field in fields])
    seen = {}
    for line in lines.splitlines():
        frame, sender, addressed, static, label, nanoseconds = line.split(";")
        tai64n = f"{int(label):016x}{int(nanoseconds):08x}" if label else ""
        seen[int(frame)] = Seen(int(sender, 0), bool(addressed), static if label else "", "" if label else static, tai64n)
    return seen


def ask_jitwgctl(program, path, key_file):
    seen = {}
    for line in run(program, "decode", path, "--private-key-file", key_file, "--json").splitlines():
        row = json.loads(line)
        seen[row["frame"]] = Seen(row["sender_index"], row["verdict"] != "bad_mac1", row.get("public_key", ""),
                                  row.get("claimed_public_key", ""), row.get("tai64n", ""))
        if (row["verdict"] == "authentic") != bool(seen[row["frame"]].key):
            sys.exit(f"a verdict that contradicts its key: {line}")
        check_utc(row)
    return seen


def check_utc(row):
    """The readable time stamp says the same as its hexadecimal digits."""
    if "tai64n" not in row:
        return
    seconds, nanoseconds = int(row["tai64n"][:16], 16) - TAI_OFFSET, int(row["tai64n"][16:], 16)
    expected = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"
    if row["timestamp"] != expected:
        sys.exit(f"timestamp {row['timestamp']} is not {expected}")


def compare(ours, theirs, count, expected):
    different = [frame for frame in sorted(ours.keys() | theirs.keys()) if ours.get(frame) != theirs.get(frame)]
    for frame in different[:5]:
        print(f"frame {frame}: jitwgctl {ours.get(frame)}\n{'':12} tshark   {theirs.get(frame)}")
    if different:
        sys.exit(f"{len(different)} of {expected} initiations decoded differently")
    if len(ours) != expected:
        sys.exit(f"{len(ours)} initiations decoded, {expected} were sent")
    keys = {seen.key for frame, seen in ours.items() if frame <= count}
    if "" in keys or len(keys) != count:
        sys.exit(f"{len(keys - {''})} proved keys in {count} initiations of as many clients")
    outcomes = [(seen.addressed, bool(seen.claimed), bool(seen.key)) for frame, seen in sorted(ours.items()) if frame > count]
    wanted = [(False, False, False)] * 2 + [(True, False, False)] * 2 + [(True, True, False), (False, False, False),
                                                                        (True, False, True)]
    if outcomes != wanted:
        sys.exit(f"forged initiations: {outcomes}, expected {wanted}")


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    # wireguard-go's socket lies in /run/wireguard, whatever the network namespace.
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    with tempfile.TemporaryDirectory() as folder:
        private = run("wg", "genkey").strip()
        responder = base64.b64decode(run("wg", "pubkey", stdin=private))
        key_file, key_log, path = (os.path.join(folder, name) for name in ("key", "keylog", "initiations.pcap"))
        with open(os.open(key_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(private + "\n")
        with open(key_log, "w", encoding="ascii") as file:
            file.write(f"LOCAL_STATIC_PRIVATE_KEY = {private}\n")
        expected, port = make_capture(path, responder, count)
        compare(ask_jitwgctl(program, path, key_file), ask_tshark(path, port, key_log), count, expected)
    print(f"jitwgctl decode and tshark agree on {count} initiations of wireguard-go and {expected - count} forged ones")


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    main()
