"""Clients that come, stay for a moment and go, again and again, while a test does its worst to the gateway. It must not
know jitwg's programs."""

import asyncio
import collections
import os
import random
import threading
import time

from crowd import RETRY, Caller, UdpLine
from shell import in_netns

STAY = 1.0  # seconds in the tunnel
GIVE_UP = 90.0  # seconds after which a visit counts as failed
JUST_BEFORE = 2.0  # seconds: what was sent then may have died with a fault

Visit = collections.namedtuple("Visit", "tries put_off answered_at")


class Visitor(Caller):
    """One client that comes more than once, each time from a new socket."""

    def __init__(self, gateway_key, source, target):
        super().__init__(gateway_key, None, os.urandom(32))
        self._addresses = (source, target)

    @property
    def psk(self):
        return self._psk

    async def visit(self):
        """Returns its Visit."""
        self.session, self._handshake, self._waits = None, None, False
        self.tries, self.put_off = [], 0
        self._line = UdpLine(*self._addresses)
        try:
            await asyncio.wait_for(self.run(), GIVE_UP)
            answered_at = time.monotonic()
            await asyncio.sleep(STAY)
            return Visit(self.tries, self.put_off, answered_at)
        except asyncio.TimeoutError:
            return Visit(self.tries, self.put_off, None)
        finally:
            self._line.close()


class Visits:
    """Lets visitors come `rate` times a second, in a namespace, on a thread of its own, until leave()."""

    def __init__(self, ns, visitors, rate, seed):
        self.done = []
        self.stalls = []  # stretches of time in which this machine had no time for the visitors
        self._ns, self._rate, self._random = ns, rate, random.Random(seed)
        self._away, self._inside = list(visitors), set()
        self._leaving = threading.Event()
        self._problem = None
        self._thread = threading.Thread(target=self._main, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._leaving.set()

    def leave(self, seconds):
        """Nobody new comes; waits for those who are here. Returns all visits."""
        self._leaving.set()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{len(self._inside)} visitors neither came in nor gave up"
        assert self._problem is None, f"the visitors ended: {self._problem!r}"
        return self.done

    def check(self):
        assert self._problem is None, f"the visitors ended: {self._problem!r}"

    def _main(self):
        try:
            with in_netns(self._ns):
                asyncio.new_event_loop().run_until_complete(self._all())
        except Exception as error:  # told by check() and leave()
            self._problem = error

    async def _all(self):
        due = time.monotonic()
        while not self._leaving.is_set():
            due += 1 / self._rate
            late = time.monotonic() - due
            if late > 0.5:
                self.stalls.append((due, time.monotonic()))
                due = time.monotonic()
            await asyncio.sleep(max(0.0, -late))
            if self._away:
                visitor = self._away.pop(self._random.randrange(len(self._away)))
                self._inside.add(asyncio.ensure_future(self._one(visitor)))
        while self._inside:
            await asyncio.wait(self._inside)

    async def _one(self, visitor):
        self.done.append(await visitor.visit())
        self._away.append(visitor)
        self._inside.discard(asyncio.current_task())


def undisturbed_tries(visit, stretches):
    """How often the visitor called while everything ran."""
    return sum(all(not begin - JUST_BEFORE < moment < end for begin, end in stretches) for moment in visit.tries)


def outside_too_long(visits, stretches, stalls):
    """The visits that needed more than one retry while everything ran, or never came in."""
    # Where this machine stood still, an answer may have come too late.
    stretches = stretches + [(begin - RETRY, end) for begin, end in stalls]
    return [visit for visit in visits
            if visit.answered_at is None or undisturbed_tries(visit, stretches) - visit.put_off > 2]
