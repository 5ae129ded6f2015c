"""Makes and opens WireGuard handshake initiations (Noise IKpsk2, WireGuard paper section 5.4.2), independently of the
project's C++: true ones, forged ones, and ones with any time stamp."""

import hashlib
import hmac
import os
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

LENGTH = 148
RESPONSE_LENGTH = 92
_NONCE = bytes(12)


def _hash(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def _kdf2(key, data):
    secret = hmac.new(key, data, hashlib.blake2s).digest()
    first = hmac.new(secret, b"\1", hashlib.blake2s).digest()
    return first, hmac.new(secret, first + b"\2", hashlib.blake2s).digest()


def _dh(private, public):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def public_of(private):
    """The public key (32 bytes) of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_private():
    """A fresh private key, 32 bytes."""
    return X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def _start(responder_public):
    chaining = _hash(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    return chaining, _hash(_hash(chaining, b"WireGuard v1 zx2c4 Jason@zx2c4.com"), responder_public)


def mac1(responder_public, head):
    return hashlib.blake2s(head, digest_size=16, key=_hash(b"mac1----", responder_public)).digest()


def tai64n(unix_seconds=None):
    """A TAI64N stamp of 12 bytes; now, when no time is given."""
    moment = time.time() if unix_seconds is None else unix_seconds
    return struct.pack(">QI", 0x400000000000000A + int(moment), int(moment % 1 * 1e9) & ~0xFFFFFF)


def make(responder_public, private, stamp=None, claim=None, sender=None):
    """148 bytes of initiation to `responder_public` by the holder of `private`. With `claim` the packet names that
    public key instead of the caller's own: valid in all but the time stamp's proof, as anyone can make it who knows
    the gateway's public key."""
    chaining, digest = _start(responder_public)
    ephemeral = new_private()
    e = public_of(ephemeral)
    digest = _hash(digest, e)
    chaining, _ = _kdf2(chaining, e)
    chaining, key = _kdf2(chaining, _dh(ephemeral, responder_public))
    sealed_key = ChaCha20Poly1305(key).encrypt(_NONCE, claim or public_of(private), digest)
    digest = _hash(digest, sealed_key)
    chaining, key = _kdf2(chaining, _dh(private, responder_public))
    sealed_stamp = ChaCha20Poly1305(key).encrypt(_NONCE, stamp or tai64n(), digest)
    head = b"\1\0\0\0" + (sender or os.urandom(4)) + e + sealed_key + sealed_stamp
    return head + mac1(responder_public, head) + bytes(16)


def consume(responder_private, packet):
    """Opens an initiation: (verdict, initiator's public key or None, stamp or None)."""
    public = public_of(responder_private)
    if len(packet) != LENGTH or packet[:4] != b"\1\0\0\0":
        return "not_an_initiation", None, None
    if mac1(public, packet[:116]) != packet[116:132]:
        return "bad_mac1", None, None
    chaining, digest = _start(public)
    digest = _hash(digest, packet[8:40])
    chaining, _ = _kdf2(chaining, packet[8:40])
    try:
        chaining, key = _kdf2(chaining, _dh(responder_private, packet[8:40]))
        static = ChaCha20Poly1305(key).decrypt(_NONCE, packet[40:88], digest)
    except (InvalidTag, ValueError):
        return "bad_static", None, None
    digest = _hash(digest, packet[40:88])
    try:
        chaining, key = _kdf2(chaining, _dh(responder_private, static))
        return "authenticated", static, ChaCha20Poly1305(key).decrypt(_NONCE, packet[88:116], digest)
    except (InvalidTag, ValueError):
        return "bad_timestamp", static, None
