"""The faults of chaos.py that are about certificates: for daemons that speak over TCP with mutual TLS."""

import json
import time

from shell import wait_until
from status import Status

LIFE = 6.0  # seconds; new files are in use within three
NOTICED = 3.5
OUT = 1.5


def _assert_out(jitwg):
    """A server whose certificate is over reaches nobody, jitwgctl included; a caller's is let in nowhere."""
    done = jitwg.ctl("--json", "status", check=False)
    if done.returncode == 0:
        assert not Status(json.loads(done.stdout)).sniffer_connected, "a certificate that is over lets its owner in"
    else:
        assert "certificate" in done.stderr, done.stderr


def _expired(stage, owner, other, start_other):
    """The certificate of `owner` ends while it is in use, and the other daemon has to connect anew then."""
    jitwg = stage.env.jitwg
    jitwg.certificates.let_end(owner.name.removeprefix("jitwg-"), LIFE)
    begin = time.monotonic()
    time.sleep(NOTICED)
    assert "tls_refused" not in owner.log()[stage.said(owner):], "a certificate that is not over was refused"
    time.sleep(max(0.0, begin + LIFE + 1.0 - time.monotonic()))
    other.kill()
    start_other()
    time.sleep(OUT)
    _assert_out(jitwg)
    jitwg.certificates.mend(owner.name.removeprefix("jitwg-"))


def sniffer_certificate_expired(stage):
    jitwg = stage.env.jitwg
    _expired(stage, jitwg.sniffer, jitwg.provisioner, jitwg.start_provisioner_alone)


def provisioner_certificate_expired(stage):
    jitwg = stage.env.jitwg
    _expired(stage, jitwg.provisioner, jitwg.sniffer, jitwg.start_sniffer)


def expired_certificate_brought(stage):
    """One that is over already takes the place of a good one: it is refused, and the good one stays in use."""
    jitwg = stage.env.jitwg
    said = stage.said(jitwg.sniffer)
    jitwg.certificates.let_end("sniffer", -60.0)
    try:
        wait_until(lambda: "tls_refused" in jitwg.sniffer.log()[said:], 10, "the certificate that is over is refused")
        jitwg.provisioner.kill()
        jitwg.start_provisioner()  # and connects
    finally:
        jitwg.certificates.mend("sniffer")
    # Before the next one is laid there.
    time.sleep(NOTICED)


ALL = (sniffer_certificate_expired, provisioner_certificate_expired, expired_certificate_brought)
