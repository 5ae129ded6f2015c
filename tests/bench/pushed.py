"""Peers as a control plane pushes them, and the same ones in a registry. Nobody has the keys of most; those of the clients
that call are made here. It must not know a network namespace."""

import base64
import hashlib
import os
import subprocess
import typing

import initiation

GATEWAY_ADDRESS = "10.255.0.1"
PREFIX = "10.0.0.0/8"


class PushedPeer(typing.NamedTuple):
    """Keys in base64, as wg(8) writes them. Without a private key it never calls."""
    public: str
    psk: str
    address: str
    private: str = ""


def _base64(secret):
    return base64.b64encode(secret).decode()


def peer(number, client=False):
    """The peer with this number, from 1 on; each has an address of its own."""
    private = initiation.new_private() if client else b""
    public = initiation.public_of(private) if client else hashlib.sha256(b"peer %d" % number).digest()
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return PushedPeer(_base64(public), _base64(hashlib.sha256(b"psk %d" % number).digest()), address, _base64(private))


def write_conf(path, peers):
    """The list as `wg addconf` and `jitwgctl peer import` take it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        for one in peers:
            file.write(f"[Peer]\nPublicKey = {one.public}\nPresharedKey = {one.psk}\nAllowedIPs = {one.address}/32\n")


def import_conf(build, path, registry):
    """As docs/migrating.md begins."""
    subprocess.run([os.path.join(build, "bin", "jitwgctl"), "--registry", f"sqlite:{registry}", "peer", "import", path],
                   check=True)
