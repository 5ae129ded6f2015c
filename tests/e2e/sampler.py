"""Looks at processes every few seconds: memory, descriptors, threads, and the files of their state folders. It must not know what
they are."""

import os
import threading
import time

INTERVAL = 2.0  # seconds


def _status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.split(":", 1) for line in file)


def look(pids, folder):
    """Sums over the processes; the folder's files in KiB."""
    facts = [_status(pid) for pid in pids]

    def total(name):
        return sum(int(one[name].split()[0]) for one in facts)
    return {"rss_kib": total("VmRSS"), "anonymous_kib": total("RssAnon"), "threads": total("Threads"),
            "descriptors": sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids),
            "files_kib": {name: os.stat(os.path.join(folder, name)).st_size / 1024 for name in sorted(os.listdir(folder))
                          if os.path.isfile(os.path.join(folder, name))}}


class Sampler:
    """`programs` maps names to (process numbers, state folder)."""

    def __init__(self, programs):
        self.samples, self.phase = [], "start"
        self._programs, self._ended, self._problem = programs, threading.Event(), None
        self._thread = threading.Thread(target=self._main, daemon=True)

    def _main(self):
        begin = time.monotonic()
        try:
            while not self._ended.wait(INTERVAL):
                sample = {"seconds": round(time.monotonic() - begin, 2), "phase": self.phase}
                for name, (pids, folder) in self._programs.items():
                    sample[name] = look(pids, folder)
                self.samples.append(sample)
        except (OSError, KeyError, ValueError) as error:  # told at the end
            self._problem = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        assert self._problem is None, f"sampling ended: {self._problem!r}"
