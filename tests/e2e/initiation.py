"""Makes and opens WireGuard handshake initiations (Noise IKpsk2, WireGuard paper section 5.4.2), independently of the
project's C++: true ones, forged ones, and ones with any time stamp. And the client's part of the rest of a handshake."""

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


def begin(responder_public, private, stamp=None, claim=None, sender=None, psk=None):
    """148 bytes of initiation to `responder_public` by the holder of `private`, and what finishes that handshake. With
    `claim` the packet names that public key instead of the caller's own: valid in all but the time stamp's proof, as
    anyone can make it who knows the gateway's public key."""
    chaining, digest = _start(responder_public)
    ephemeral, sender = new_private(), sender or os.urandom(4)
    e = public_of(ephemeral)
    digest = _hash(digest, e)
    chaining, _ = _kdf2(chaining, e)
    chaining, key = _kdf2(chaining, _dh(ephemeral, responder_public))
    sealed_key = ChaCha20Poly1305(key).encrypt(_NONCE, claim or public_of(private), digest)
    digest = _hash(digest, sealed_key)
    chaining, key = _kdf2(chaining, _dh(private, responder_public))
    sealed_stamp = ChaCha20Poly1305(key).encrypt(_NONCE, stamp or tai64n(), digest)
    head = b"\1\0\0\0" + sender + e + sealed_key + sealed_stamp
    packet = head + mac1(responder_public, head) + bytes(16)
    return packet, Handshake(sender, (ephemeral, private), chaining, _hash(digest, sealed_stamp), psk or bytes(32))


def make(*arguments, **options):
    """The packet alone of begin()."""
    return begin(*arguments, **options)[0]


class Handshake:
    """A handshake that waits for its response. Without a preshared key it is made of zeros."""

    def __init__(self, sender, secrets, chaining, digest, psk):
        self._sender, self._secrets, self._psk = sender, secrets, psk
        self._chaining, self._digest = chaining, digest

    def finish(self, packet):
        """The session of a response (paper section 5.4.3), or None when the packet is not the one that is awaited."""
        if len(packet) != RESPONSE_LENGTH or packet[:4] != b"\2\0\0\0" or packet[8:12] != self._sender:
            return None
        e = packet[12:44]
        digest, (chaining, _) = _hash(self._digest, e), _kdf2(self._chaining, e)
        for secret in self._secrets:
            chaining, _ = _kdf2(chaining, _dh(secret, e))
        root = hmac.new(chaining, self._psk, hashlib.blake2s).digest()
        outputs = [b""]
        for number in range(1, 4):
            outputs.append(hmac.new(root, outputs[-1] + bytes([number]), hashlib.blake2s).digest())
        digest = _hash(digest, outputs[2])
        try:
            ChaCha20Poly1305(outputs[3]).decrypt(_NONCE, packet[44:60], digest)
        except InvalidTag:
            return None
        return Session(packet[4:8], _kdf2(outputs[1], b"")[0])


class Session:
    """The sending half of a session."""

    def __init__(self, receiver, key):
        self._receiver, self._cipher, self._counter = receiver, ChaCha20Poly1305(key), 0

    def keepalive(self):
        """The next keepalive of the session, 32 bytes: the data packet that tells the gateway it is complete."""
        counter = struct.pack("<Q", self._counter)
        self._counter += 1
        return b"\4\0\0\0" + self._receiver + counter + self._cipher.encrypt(bytes(4) + counter, b"", b"")


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
