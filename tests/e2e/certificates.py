"""Certificates of `jitwgctl certs init` for a test that lets them expire: short ones are signed by the same authority. It must
not know which program has which."""

import datetime
import os
import shutil

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from scenarios.mutual_tls import Certificates


class MortalCertificates(Certificates):
    """Each can be replaced by one that ends when it is told to, and put back. The key stays."""

    def _path(self, name, kind="pem"):
        return f"{self._folder}/{name}.{kind}"

    def let_end(self, name, seconds):
        """From now on it is one that is over after so many seconds; negative: is over already."""
        with open(self._path(name), "rb") as file:
            good = x509.load_pem_x509_certificate(file.read())
        with open(self._path("ca", "key"), "rb") as file:
            authority = load_pem_private_key(file.read(), None)
        shutil.copy2(self._path(name), self._path(name, "good"))
        end = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
        builder = (x509.CertificateBuilder().subject_name(good.subject).issuer_name(good.issuer).public_key(good.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(end - datetime.timedelta(days=1))
                   .not_valid_after(end))
        for extension in good.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        self._replace(name, builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))

    def mend(self, name):
        with open(self._path(name, "good"), "rb") as file:
            self._replace(name, file.read())

    def _replace(self, name, content):
        path, draft = self._path(name), self._path(name, "draft")
        facts = os.stat(path)
        with open(draft, "wb") as file:
            file.write(content)
        os.chmod(draft, facts.st_mode)
        os.chown(draft, facts.st_uid, facts.st_gid)
        os.rename(draft, path)
