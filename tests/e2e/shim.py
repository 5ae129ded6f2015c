"""The test's side of fault_shim.cc: one page of memory for each daemon that has the library, by which its disk is slow or
its netlink calls fail for a while. It must not know jitwg's programs."""

import contextlib
import mmap
import os
import struct

_SIZE = 4096
_SYNC_DELAY, _WRITE_DELAY, _NETLINK_FAILS, _SLOWED, _FAILED = (4 * number for number in range(5))


class Shim:
    """What one daemon is started with, and what disturbs it then."""

    def __init__(self, library, page):
        self._library, self._path = library, page
        with open(page, "w+b") as file:
            file.write(bytes(_SIZE))
            file.flush()
            os.fchmod(file.fileno(), 0o666)
            self._page = mmap.mmap(file.fileno(), _SIZE)

    def environment(self):
        """Words for env(1)."""
        return [f"LD_PRELOAD={self._library}", f"FAULT_PAGE={self._path}"]

    def _set(self, place, value):
        struct.pack_into("=I", self._page, place, value)

    def _get(self, place):
        return struct.unpack_from("=I", self._page, place)[0]

    @contextlib.contextmanager
    def slow_disk(self, sync_ms, write_ms):
        """Each fsync and fdatasync, and each write to a file, takes so much longer. Yields a function that tells how many
        calls did."""
        before = self._get(_SLOWED)
        self._set(_SYNC_DELAY, sync_ms)
        self._set(_WRITE_DELAY, write_ms)
        try:
            yield lambda: self._get(_SLOWED) - before
        finally:
            self._set(_SYNC_DELAY, 0)
            self._set(_WRITE_DELAY, 0)

    @contextlib.contextmanager
    def netlink_fails(self):
        """Each message to the kernel is answered with ENOBUFS or EBUSY in turn. Yields a function that tells how many were."""
        before = self._get(_FAILED)
        self._set(_NETLINK_FAILS, 1)
        try:
            yield lambda: self._get(_FAILED) - before
        finally:
            self._set(_NETLINK_FAILS, 0)
