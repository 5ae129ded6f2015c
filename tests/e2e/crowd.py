"""A crowd of simulated WireGuard clients on one host, each with a line of its own to the gateway: UDP, or a WebSocket
that is dialled again as `jitwgctl ws-connect` does. They speak the real handshake, and try again like WireGuard.
It must not know jitwg's programs."""

import asyncio
import os
import struct
import threading
import time

import initiation
from shell import in_netns

RETRY = 5.2  # seconds, as WireGuard's REKEY_TIMEOUT and its jitter
KEEPALIVE = 10.0
FIRST_REDIAL, LAST_REDIAL = 0.25, 5.0
# The clients stand for as many machines; this one cannot do all their work within the ingress's time-out.
DIALS_AT_ONCE = 64
CALLS_AT_ONCE = 200
STALL = 0.5  # seconds
# The clients are other machines, whose clocks do not step when this one's does.
_CLOCK = time.time() - time.monotonic()
_BINARY = 0x82


class UdpLine(asyncio.DatagramProtocol):
    """A UDP socket, connected to the gateway's WireGuard."""
    is_up = True

    def __init__(self, source, target):
        self._addresses = {"local_addr": (source, 0), "remote_addr": target}
        self._transport = None

    async def open(self, received, _connected, _lost):
        self._received = received
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, **self._addresses)

    def datagram_received(self, data, _address):
        self._received(data)

    def send(self, data):
        self._transport.sendto(data)

    def close(self):
        self._transport.close()


class WebSocketLine:
    """The protocol jitwg.v1, to an ingress behind whatever ends TLS: here nothing does."""
    _dials = asyncio.Semaphore(DIALS_AT_ONCE)

    def __init__(self, source, target):
        self._source, self._target = source, target
        self._writer = self._task = None

    async def open(self, received, connected, lost):
        """`connected` is called for each connection, and `lost` when it was lost."""
        self._task = asyncio.ensure_future(self._run(received, connected, lost))

    @property
    def is_up(self):
        return self._writer is not None

    async def _run(self, received, connected, lost):
        pause = FIRST_REDIAL
        while True:
            try:
                async with self._dials:
                    reader, self._writer = await self._dial()
                pause = FIRST_REDIAL
                connected()
                while True:
                    received(await self._message(reader))
            except (OSError, EOFError):
                if self.is_up:
                    self._writer = None
                    lost()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_REDIAL)

    async def _dial(self):
        reader, writer = await asyncio.open_connection(*self._target, local_addr=(self._source, 0))
        writer.write(f"GET / HTTP/1.1\r\nHost: {self._target[0]}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                     "Sec-WebSocket-Protocol: jitwg.v1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"no upgrade: {head[:60]}")
        return reader, writer

    @staticmethod
    async def _message(reader):
        opcode, length = await reader.readexactly(2)
        if length == 126:
            length, = struct.unpack(">H", await reader.readexactly(2))
        payload = await reader.readexactly(length)
        if opcode != _BINARY:
            raise ConnectionError(f"an answer with opcode {opcode:#x}")
        return payload

    def send(self, data):
        """Nothing while there is no connection."""
        if not self.is_up:
            return
        mask = os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._writer.write(bytes([_BINARY]) + size + mask + masked)

    def close(self):
        self._task.cancel()


class Caller:
    """One client: calls until it is answered, then keeps its line."""

    def __init__(self, gateway_key, line, psk=None):
        self.private = initiation.new_private()
        self.public = initiation.public_of(self.private)
        self.tries = []  # when it sent an initiation
        self.lost = 0  # tries that died with their connection, not counted among those
        self.put_off = 0  # tries that a WireGuard under load answered with a cookie: call again
        self.session = None
        self._gateway_key, self._line, self._psk = gateway_key, line, psk
        self._handshake, self._waits, self._called = None, False, 0.0

    def _received(self, data):
        if data[:4] == b"\3\0\0\0":
            self.put_off += 1
        session = self._handshake.finish(data) if self._handshake and not self.session else None
        if session:
            self.session = session
            self.connected()
            self._answered.set()

    def connected(self):
        """Tells the gateway that the session lives, and from where; or calls, if that has waited for a connection."""
        if self.session:
            self._line.send(self.session.keepalive())
        elif self._waits:
            self._call()

    def _call(self):
        # Not made in vain: a thousand of them would keep the processor from dialling.
        self._waits = not self._line.is_up
        if not self._waits:
            packet, self._handshake = initiation.begin(self._gateway_key, self.private, psk=self._psk,
                                                        stamp=initiation.tai64n(_CLOCK + time.monotonic()))
            self._called = time.monotonic()
            self.tries.append(self._called)
            self._line.send(packet)

    def _line_lost(self):
        if not self.session and self.tries and self.tries[-1] == self._called:
            self.tries.pop()
            self.lost += 1

    async def run(self):
        self._answered = asyncio.Event()
        await self._line.open(self._received, self.connected, self._line_lost)
        self._call()
        while not self.session:
            # What had to wait for a connection is given its time from then on.
            waited = 0.0 if self._waits else time.monotonic() - self._called
            try:
                await asyncio.wait_for(self._answered.wait(), RETRY - waited)
            except asyncio.TimeoutError:
                if not self._waits and time.monotonic() - self._called >= RETRY:
                    self._call()

    def close(self):
        self._line.close()


class Crowd:
    """Runs callers in a namespace, on a thread of its own. They come spread evenly over `spread` seconds; on a machine
    that is too slow for that, as soon as others were answered."""

    def __init__(self, ns, callers, spread):
        self._callers, self._spread = callers, spread
        self._stop, self._calls = asyncio.Event(), asyncio.Semaphore(CALLS_AT_ONCE)
        self.stalls = []  # stretches of time in which this machine had no time for the crowd
        self._problem = None
        self._thread = threading.Thread(target=self._main, args=(ns,), daemon=True)

    def _main(self, ns):
        try:
            with in_netns(ns):
                self._loop = asyncio.new_event_loop()
                self._loop.run_until_complete(self._all())
        except Exception as error:  # told to the scenario by leave()
            self._problem = error

    async def _all(self):
        delays = [number * self._spread / len(self._callers) for number in range(len(self._callers))]
        watch = asyncio.ensure_future(self._watch())
        await asyncio.gather(*(self._one(caller, delay) for caller, delay in zip(self._callers, delays)))
        await self._stop.wait()
        watch.cancel()
        for caller in self._callers:
            caller.close()

    async def _one(self, caller, delay):
        await asyncio.sleep(delay)
        async with self._calls:
            await caller.run()

    async def _watch(self):
        said = time.monotonic()
        while True:
            before = time.monotonic()
            await asyncio.sleep(STALL)
            if time.monotonic() - before > 2 * STALL:
                self.stalls.append((before, time.monotonic()))
            if time.monotonic() - said > KEEPALIVE:
                # A busy machine loses packets; a tunnel has more than one.
                said = time.monotonic()
                for caller in self._callers:
                    if caller.session:
                        caller.connected()

    def __enter__(self):
        self.began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)

    def outside(self):
        """Those that were not answered yet."""
        assert self._thread.is_alive(), f"the crowd ended: {self._problem!r}"
        return [caller for caller in self._callers if not caller.session]
