"""Chromium without a window, told what to do by its DevTools protocol over a pair of pipes: no driver, no port. Collects
what the browser complained of and which addresses it asked."""

import base64
import json
import os
import select
import subprocess
import time

from observed import GATEWAY, wait_until

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
           "--hide-scrollbars", "--window-size=1180,1100", "--remote-debugging-pipe"]


class Chromium:
    """One page of one browser."""

    def __init__(self, folder):
        self.complaints, self.requests = [], []
        self._events, self._rest, self._number = [], b"", 0
        self._session = None
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # The protocol's pipes are descriptors 3 and 4, whatever is open besides.
        command = ["ip", "netns", "exec", GATEWAY, "chromium", *OPTIONS, f"--user-data-dir={folder}/chromium", "about:blank"]
        line = f"exec 3<&{commands} 4>&{answers}; exec \"$@\""
        self._log = open(os.path.join(folder, "chromium.log"), "ab")
        self._process = subprocess.Popen(["bash", "-c", line, "chromium", *command], pass_fds=(commands, answers),
                                         stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                         env={**os.environ, "HOME": folder})
        os.close(commands)
        os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(domain + ".enable")

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._log.close()

    def _next(self, seconds):
        """One message; None when none came in time."""
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._read, 1 << 16)
            assert data, "Chromium ended: see chromium.log"
            self._rest += data
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, message):
        self._events.append(message["method"])
        if message["method"] == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(message["params"]["exceptionDetails"]))
        elif message["method"] == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])

    def call(self, method, **parameters):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(60)
            assert answer is not None, f"no answer to {method}"
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if "method" in answer:
                self._note(answer)

    def open(self, url):
        """Returns when the page has loaded."""
        self._events.clear()
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self._events:
            message = self._next(60)
            assert message is not None, f"{url} did not load"
            if "method" in message:
                self._note(message)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def await_true(self, expression, what):
        wait_until(lambda: self.evaluate(expression), 30, what, interval=0.2)

    def html(self):
        """The document as it is, also where no script may run."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        return self.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
