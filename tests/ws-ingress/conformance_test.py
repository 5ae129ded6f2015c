#!/usr/bin/env python3
"""The framing cases of conformance.js against the running ingress, by a generic WebSocket client library and raw sockets.
Arguments: the program, and jitwgctl (not used here)."""

import json
import os
import subprocess
import sys
import threading
import unittest

from ingress import Ingress

PROGRAM = sys.argv[1]
LEAST = 50
HERE = os.path.dirname(os.path.abspath(__file__))


def echo(gateway):
    """Sends every datagram back, until the empty one."""
    while True:
        data, sender = gateway.recvfrom(65536)
        if not data:
            return
        gateway.sendto(data, sender)


class Conformance(unittest.TestCase):
    def test_every_case_has_its_outcome(self):
        with Ingress(PROGRAM, "--max-connections-per-source", "200") as ingress:
            ingress.gateway.settimeout(None)
            echoing = threading.Thread(target=echo, args=(ingress.gateway,))
            echoing.start()
            try:
                # Debian's own path for libraries: a node from elsewhere does not know it.
                done = subprocess.run(["node", os.path.join(HERE, "conformance.js"), str(ingress.port)], text=True,
                                      capture_output=True, timeout=150, check=False,
                                      env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
            finally:
                ingress.gateway.sendto(b"", ingress.gateway.getsockname())
                echoing.join()
            self.assertEqual(done.returncode, 0, done.stderr)
            results = [json.loads(line) for line in done.stdout.splitlines()]
            failed = [f"{result['name']}: {result['problem']}" for result in results if result["problem"]]
            self.assertGreaterEqual(len(results), LEAST)
            self.assertFalse(failed, "\n".join(failed))
            self.assertIsNone(ingress.process.poll(), ingress.log())
            print(f"{len(results)} cases passed")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], warnings="ignore")
