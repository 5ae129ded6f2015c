"""Looks for secrets where none may be: in logs, in what programs printed, in core files and in other files. It must not
know what the secrets are for."""

import base64
import os

LARGEST_FILE = 1 << 30


def forms(secret):
    """The bytes of a secret as something might have written them: raw, hexadecimal (with spaces, too, as dumps of what is sent
    have it), base64 in both alphabets, and escaped as protobuf's text has it."""
    standard = base64.b64encode(secret)
    spaced = secret.hex(" ").encode()
    hexadecimal = secret.hex().encode()
    return {secret, hexadecimal, hexadecimal.upper(), spaced, spaced.upper(), _escaped(secret), standard.rstrip(b"="),
            base64.urlsafe_b64encode(secret).rstrip(b"=")}


def _escaped(secret):
    named = {10: b"\\n", 13: b"\\r", 9: b"\\t", 34: b'\\"', 39: b"\\'", 92: b"\\\\"}
    return b"".join(named.get(byte, bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte) for byte in secret)


def scan(folders, secrets, left_out=()):
    """`secrets` maps names to bytes. Returns what was found, as (name, path), and how many files and bytes were read. The
    folders in `left_out` may hold them."""
    wanted = {form: name for name, secret in secrets.items() for form in forms(secret)}
    found, files, size = [], 0, 0
    for path in _files(folders, left_out):
        assert os.path.getsize(path) <= LARGEST_FILE, f"{path} is too large to be looked through"
        with open(path, "rb") as file:
            data = file.read()
        files, size = files + 1, size + len(data)
        found += [(name, path) for form, name in wanted.items() if form in data]
    return found, files, size


def _files(folders, left_out):
    for folder in folders:
        for parent, names, files in os.walk(folder):
            names[:] = [name for name in names if os.path.join(parent, name) not in left_out]
            yield from (path for path in (os.path.join(parent, name) for name in files)
                        if os.path.isfile(path) and not os.path.islink(path))
