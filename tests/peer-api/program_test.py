#!/usr/bin/env python3
"""The program jitwg-peer-api from outside: start and stop, curl, TLS, tokens, chaos, crowds, QR codes. Argument: the program."""

import concurrent.futures
import json
import os
import socket
import subprocess
import sys
import unittest

from api_program import ADMIN, GATEWAY, PATIENCE, Api, trust

PROGRAM = sys.argv.pop()


def key_of(number):
    """A public key's base64 and its form in a path."""
    import base64
    raw = number.to_bytes(31, "big") + b"\x01"
    return base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Program(unittest.TestCase):
    def refuse(self, *flags):
        """Starting with these flags fails; what it says."""
        done = subprocess.run([PROGRAM, *flags], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_a_peer_is_created_with_curl_as_the_readme_says(self):
        with Api(PROGRAM) as api:
            base = f"http://127.0.0.1:{api.port}"
            curl = ["curl", "-sS", "--fail", "-H", f"Authorization: Bearer {ADMIN}", "--json"]
            subprocess.run([*curl, '{"pools": ["10.8.0.0/24"]}', "-X", "PUT", base + "/v1/networks/default"], check=True,
                           capture_output=True, timeout=PATIENCE)
            key, segment = key_of(1)
            made = subprocess.run([*curl, json.dumps({"public_key": key, "name": "laptop"}), base + "/v1/peers"], check=True,
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual(json.loads(made.stdout)["allowed_ips"], ["10.8.0.1/32"])
            shown = subprocess.run([*curl[:-1], f"{base}/v1/peers/{segment}/config?format=wg-quick"], check=True,
                                   capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn("Address = 10.8.0.1/32", shown.stdout)

    def test_a_qr_code_reads_as_the_configuration(self):
        private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
        public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
        segment = public.rstrip("=").replace("+", "-").replace("/", "_")
        with Api(PROGRAM) as api:
            api.call("PUT", "/v1/networks/default", {"pools": ["10.8.0.0/24", "fd08::/64"]})
            api.call("POST", "/v1/peers", {"public_key": public, "generate_preshared_key": True})
            path = f"/v1/peers/{segment}/config?format="
            text = api.call("POST", path + "wg-quick", {"private_key": private})[2]
            self.assertIn(f"PrivateKey = {private}\n", text)
            image = os.path.join(api.folder, "code.png")
            with open(image, "wb") as file:
                file.write(api.call("POST", path + "qr-png", {"private_key": private})[2])
            read = subprocess.run(["zbarimg", "--raw", "-q", image], capture_output=True, text=True, check=True)
            self.assertEqual(read.stdout.strip(), text.strip())
            self.assertNotIn(private, api.log())

    def test_strangers_write_no_log_lines(self):
        with Api(PROGRAM) as api:
            before = api.log()
            for number in range(20):
                status, _, text = api.call("GET", f"/v1/peers/{number}", token=f"a-guess-of-the-token-{number}")
                self.assertEqual(status, 401)
                self.assertNotIn("a-guess", str(text))
                for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\n" + b"A" * 70000,
                                 b"POST /v1/peers HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"):
                    with socket.create_connection(("127.0.0.1", api.port), PATIENCE) as stranger:
                        try:
                            stranger.sendall(nonsense)
                        except OSError:
                            pass  # told off before the last byte
            self.assertEqual(api.call("GET", "/healthz", token="")[0], 200)
            self.assertEqual(api.log(), before)

    def test_sigterm_ends_it_also_while_gateways_wait(self):
        with Api(PROGRAM) as api:
            cursor = api.json("GET", "/internal/v1/changes", token=GATEWAY)[1]["cursor"]
            waiting = api.connect()
            waiting.request("GET", f"/internal/v1/changes?wait=25&cursor={cursor}", headers={"Authorization": f"Bearer {GATEWAY}"})
            # Its being served shows when another's change reaches it; a second call proves that the first is not in the way.
            self.assertEqual(api.call("GET", "/healthz", token=None)[0], 200)
            self.assertEqual(api.stop(), 0)
            self.assertIn("peer_api_stopping", api.log())
            waiting.close()

    def test_pollers_take_no_threads_from_others(self):
        with Api(PROGRAM, "--threads", "1", "--max-pollers", "3") as api:
            cursor = api.json("GET", "/internal/v1/changes", token=GATEWAY)[1]["cursor"]
            pollers = []
            for _ in range(3):
                poller = api.connect()
                poller.request("GET", f"/internal/v1/changes?wait=25&cursor={cursor}", headers={"Authorization": f"Bearer {GATEWAY}"})
                pollers.append(poller)
            key, _ = key_of(7)
            status, _ = api.json("POST", "/v1/peers", {"public_key": key, "allowed_ips": ["10.8.0.1/32"]})
            self.assertEqual(status, 201)
            for poller in pollers:
                self.assertEqual(json.loads(poller.getresponse().read())["keys"], [key])
                poller.close()

    def test_a_crowd_gets_each_its_own_address(self):
        with Api(PROGRAM, "--rate-limit", "0") as api:
            api.call("PUT", "/v1/networks/default", {"pools": ["10.8.0.0/16"]})

            def create(number):
                return api.json("POST", "/v1/peers", {"public_key": key_of(number)[0], "generate_preshared_key": True})

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                # Each twice: the second call must find what the first one made.
                answers = list(pool.map(create, [n // 2 + 1 for n in range(400)]))
            self.assertEqual({status for status, _ in answers}, {200, 201})
            self.assertEqual(sum(status == 201 for status, _ in answers), 200)
            self.assertEqual(len({body["allowed_ips"][0] for _, body in answers}), 200)

    def test_tls_is_served(self):
        with Api(PROGRAM) as folder:
            names = [os.path.join(folder.folder, name) for name in ("cert.pem", "key.pem")]
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                            "2", "-subj", "/CN=localhost", "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
            with Api(PROGRAM, "--tls-certificate", names[0], "--tls-key", names[1]) as api:
                plain = api.connect()
                with self.assertRaises(OSError):
                    plain.request("GET", "/healthz")
                    if not plain.getresponse().read().startswith(b"HTTP"):
                        raise OSError("hung up")
                api.tls = trust(names[0])
                self.assertEqual(api.call("GET", "/healthz", token=None)[0], 200)
                self.assertEqual(api.call("GET", "/v1/peers")[0], 200)
            self.assertIn("no PEM", self.refuse("--token-file", folder.tokens, "--registry", f"sqlite:{folder.folder}/r.db", "--listen",
                                                "127.0.0.1:0", "--tls-certificate", names[1], "--tls-key", names[0]))

    def test_what_is_unsafe_does_not_start(self):
        with Api(PROGRAM) as api:
            common = ["--registry", f"sqlite:{api.folder}/r.db", "--token-file", api.tokens]
            self.assertIn("--allow-plain", self.refuse(*common, "--listen", "0.0.0.0:0"))
            self.assertIn("--chaos-is-for-tests", self.refuse(*common, "--chaos", "fail=1"))
            os.chmod(api.tokens, 0o644)
            self.assertIn("chmod 600", self.refuse(*common, "--listen", "127.0.0.1:0"))
            self.assertIn("cannot listen", self.refuse("--registry", f"sqlite:{api.folder}/r.db", "--token-file", self.private(api),
                                                       "--listen", f"127.0.0.1:{api.port}"))

    @staticmethod
    def private(api):
        os.chmod(api.tokens, 0o600)
        return api.tokens

    def test_configuration_is_checked_without_starting(self):
        done = subprocess.run([PROGRAM, "--check-config"], capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertIn("valid", done.stdout)
        self.assertIn("no kind of registry", self.refuse("--check-config", "--registry", "carrier-pigeon:coop"))
        self.assertIn("itself", self.refuse("--check-config", "--registry", "https://api.example:8443"))

    def test_chaos_fails_by_its_rate_and_hangs_until_the_end(self):
        with Api(PROGRAM, "--chaos-is-for-tests", "--chaos", "fail=0.5,delay=1ms,seed=3", "--rate-limit", "0") as api:
            statuses = [api.call("GET", "/v1/peers")[0] for _ in range(200)]
            self.assertGreater(statuses.count(503), 50)
            self.assertGreater(statuses.count(200), 50)
            self.assertIn("chaos", api.log())
        with Api(PROGRAM, "--chaos-is-for-tests", "--chaos", "hang=1") as api:
            hanging = api.connect()
            hanging.request("GET", "/v1/peers", headers={"Authorization": f"Bearer {ADMIN}"})
            self.assertEqual(api.call("GET", "/healthz", token=None)[0], 200)
            self.assertEqual(api.stop(), 0)
            hanging.close()


if __name__ == "__main__":
    unittest.main()
