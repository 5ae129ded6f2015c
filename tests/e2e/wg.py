"""Keys and the state of WireGuard interfaces as wg(8) tells it: the witness that is independent of jitwg."""

import base64
import dataclasses

from shell import run


@dataclasses.dataclass(frozen=True)
class Keys:
    """One WireGuard key pair, base64 as wg(8) writes it."""
    private: str
    public: str


@dataclasses.dataclass(frozen=True)
class Peer:
    """One peer of an interface, as `wg show IF dump` prints it."""
    public_key: str
    has_psk: bool
    endpoint: str
    allowed_ips: frozenset
    latest_handshake: int
    rx: int
    tx: int
    keepalive: str

    @property
    def connected(self):
        return self.latest_handshake != 0


def new_keys():
    private = run("wg", "genkey").stdout.strip()
    return Keys(private, public_of(private))


def public_of(private):
    return run("wg", "pubkey", stdin=private + "\n").stdout.strip()


def new_psk():
    return run("wg", "genpsk").stdout.strip()


def raw(key):
    return base64.b64decode(key, validate=True)


def peers(ns, interface):
    """The interface's peers by public key. Userspace WireGuard is asked by the same command."""
    found = {}
    for line in run("wg", "show", interface, "dump", ns=ns).stdout.splitlines()[1:]:
        key, psk, endpoint, allowed, handshake, received, sent, keepalive = line.split("\t")
        found[key] = Peer(key, psk != "(none)", endpoint,
                          frozenset(allowed.split(",")) if allowed != "(none)" else frozenset(),
                          int(handshake), int(received), int(sent), keepalive)
    return found


def configure(ns, interface, *words, secrets=()):
    """`wg set`; each secret is handed over on standard input, so at most one of them is passed as /dev/stdin."""
    assert len(secrets) <= 1
    run("wg", "set", interface, *words, ns=ns, stdin="".join(secret + "\n" for secret in secrets) or None)
