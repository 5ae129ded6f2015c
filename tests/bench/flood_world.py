"""The network of the flood benchmark: a gateway with userspace WireGuard, sniffer, provisioner and an SQLite registry; a host
that floods it over a link of its own; and good clients beside it, each a real WireGuard that comes with a new key every time."""

import base64
import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
sys.dont_write_bytecode = True

import initiation  # noqa: E402  (after the path is set)
import wg  # noqa: E402
from backends import Userspace  # noqa: E402
from completion_world import Key, Side, Subject  # noqa: E402
from programs import Gateway  # noqa: E402
from shell import ip_batch, run  # noqa: E402
from world import GATEWAY, World, inner_address, outer_address  # noqa: E402

FLOODER, FLOODER_NUMBER = "flood", 250
FLOOD_LINK, FLOOD_FROM = "vg", "vc"  # the gateway's end, the flooder's
FLOOD_ADDRESS = "10.99.0.1"
FLOOD_SOURCE, FLOOD_SOURCES = "10.99.0.2", "10.100.0.0/16"  # flood_generator's: of one, of many
FIRST_HOST = 1000
# A client calls again after 5 to 5.3 s. Who is not in after this long needed more than one retry.
LIMIT = 9.0
PAUSE = 0.2  # seconds between a client's visits


def mac_of(ns, link):
    return json.loads(run("ip", "-j", "link", "show", link, ns=ns).stdout)[0]["address"]


def new_key(host):
    private = initiation.new_private()
    return Key(*(base64.b64encode(secret).decode() for secret in (private, initiation.public_of(private))), host)


class FloodWorld:
    """Owns everything; close() ends it. `clients` good clients can make `visits` visits each, all in all."""

    def __init__(self, binaries, folder, clients, visits):
        self.world = World(Userspace(folder), folder)
        self.jitwg = Gateway(binaries, folder)
        self._keys = [[new_key(FIRST_HOST + number * visits + visit) for visit in range(visits)] for number in range(clients)]
        self._by_hand = [new_key(FIRST_HOST - 1 - number) for number in range(clients)]
        self._sides = []

    def build(self):
        self.world.build()
        self.world.add_host(FLOODER, FLOODER_NUMBER)
        ip_batch([f"link add {FLOOD_LINK} type veth peer name {FLOOD_FROM} netns {FLOODER}",
                  f"addr add {FLOOD_ADDRESS}/24 dev {FLOOD_LINK}", f"link set {FLOOD_LINK} up"], GATEWAY)
        ip_batch([f"link set {FLOOD_FROM} up"], FLOODER)
        # As to a router: what WireGuard answers to the flood leaves at once, and does not wait for addresses nobody has.
        ip_batch([f"neigh add {FLOOD_SOURCE} lladdr {mac_of(FLOODER, FLOOD_FROM)} dev {FLOOD_LINK} nud permanent",
                  f"route add {FLOOD_SOURCES} via {FLOOD_SOURCE}"], GATEWAY)
        self.interface = self.world.add_interface()
        subject = Subject("flood", self.interface)
        for keys, by_hand in zip(self._keys, self._by_hand):
            client = self.world.add_client()
            side = Side(client.ns, client.interface, [subject], [key.host for key in (*keys, by_hand)])
            self._sides.append((lambda key, side=side: side.call(subject, key, outer_address(1, 4), LIMIT), keys, by_hand))
            wg.configure(GATEWAY, self.interface.name, "peer", by_hand.public, "allowed-ips",
                         f"{inner_address(0, by_hand.host, 4)}/32")

    def start(self, options=()):
        """Registers every key and starts the two programs."""
        rows = [f"{key.public},{inner_address(0, key.host, 4)}/32" for keys in self._keys for key in keys]
        path = os.path.join(self.jitwg.run, "registry", "peers.csv")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(["public_key,allowed_ips", *rows]) + "\n")
        self.jitwg.ctl("peer", "import", path)
        self.jitwg.start(self.interface, sniffer=options, provisioner=("--evict-interval", "10s"))

    def flood_mac(self):
        return mac_of(GATEWAY, FLOOD_LINK)

    def visits(self, seconds, most):
        """Lets all clients come, again and again, `most` times each, and none so late that it could not be in after
        `seconds`. Returns outcomes: (by jitwg, of peers put in by hand)."""
        came, by_hand, problems = [], [], []
        last = time.monotonic() + seconds - LIMIT

        def come(call, keys, known):
            turns = [(came, None), (by_hand, known)] * most
            try:
                while turns and time.monotonic() < last:
                    outcomes, key = turns.pop(0)
                    outcomes.append(call(key or keys.pop()))
                    time.sleep(PAUSE)
            except Exception as error:  # told to the caller
                problems.append(repr(error))
        threads = [threading.Thread(target=come, args=side, daemon=True) for side in self._sides]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 60)
        assert not problems, f"a client could not even call: {problems[0]}"
        return came, by_hand

    def close(self):
        try:
            self.jitwg.close()
        finally:
            self.world.close()


def summary(outcomes):
    """How many came in at their first packet, at their second, later or not at all; and the median time of the first."""
    first = [outcome for outcome in outcomes if outcome.at_first]
    second = [outcome for outcome in outcomes if outcome.completed and outcome.initiations == 2]
    times = sorted(outcome.reply_ms for outcome in outcomes if outcome.completed)
    called = [outcome for outcome in outcomes if outcome.initiations]
    return {"visits": len(called), "at_first": len(first), "at_retry": len(second),
            "outside": len(called) - len(first) - len(second), "never_called": len(outcomes) - len(called),
            "median_ms": times[len(times) // 2] if times else None, "slowest_ms": times[-1] if times else None}
