#!/usr/bin/env python3
"""A fleet of gateways on one PostgreSQL, on paper: what reaches the database each second, how many processors that takes, and
how long an outage is felt. Takes measured costs as arguments and measures nothing. docs/scaling.md reads its output."""

import argparse

import report


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--gateways", type=int, default=1_000)
    add("--peers", type=int, default=10_000_000, help="registered")
    add("--connects", type=float, default=50_000, help="a second, of all gateways together")
    add("--live", type=int, default=2_000_000, help="peers that are in, of all gateways together")
    add("--changes", type=float, default=100, help="rows created, changed or removed a second")
    add("--report-interval", type=float, default=10, help="seconds (--report-interval of the provisioner)")
    add("--relays", type=int, default=0, help="peer APIs that the gateways ask instead of the database")
    add("--look-up-us", type=float, default=25, help="of the database's CPU, measured: pipelined, 1 M rows")
    add("--wake-us", type=float, default=30, help="of the database's CPU to wake one listener for a notice")
    add("--sighting-us", type=float, default=60, help="of the database's CPU to store one sighting in a batch")
    add("--outage", type=float, default=60, help="seconds that the database is away, for the simulation")
    add("--known", type=float, default=0.9, help="share of the callers whom their gateway's cache knows, for the simulation")
    add("--processors", type=int, default=32, help="of the database, for the simulation")
    return parser.parse_args()


# How many sightings a gateway sends in an interval at most: five batches of a thousand.
MOST_SIGHTINGS = 5_000


def load(at, skip_absent):
    """What the database has to do each second: name -> (events, processors). `skip_absent`: gateways look up a changed key only
    when it concerns them."""
    callers = at.relays or at.gateways
    sightings = at.gateways * min(at.live / at.gateways, MOST_SIGHTINGS) / at.report_interval
    concerned = at.changes * (1 + at.live / at.peers) if skip_absent else at.changes * at.gateways
    work = {"look-ups for callers": (at.connects, at.look_up_us),
            "look-ups for notices": (concerned, at.look_up_us),
            "listeners woken": (at.changes * callers, at.wake_us),
            "sightings stored": (sightings, at.sighting_us)}
    return {name: (events, events * cost / 1e6) for name, (events, cost) in work.items()}


def show_load(at):
    plain, mended = load(at, False), load(at, True)
    report.table(["each second", "events", "processors", "with notices that tell enough", "processors"],
                 [[name, round(plain[name][0]), plain[name][1], round(mended[name][0]), mended[name][1]] for name in plain]
                 + [["all", None, sum(c for _, c in plain.values()), None, sum(c for _, c in mended.values())]])
    callers = at.relays or at.gateways
    print(f"\nconnections to PostgreSQL: {callers * (2 if at.relays else 3):,} sessions, {callers:,} of them listening; "
          f"rows and index about {at.peers * 500 / 2**30:.1f} GiB")


# Look-ups that a gateway's pass over its live peers has under way at most (kChunk of the reconciler), and how long a look-up
# is waited for (--lookup-timeout).
PASS_IN_FLIGHT = 256
PATIENCE = 2.0


def recover(at, step=0.05):
    """The database is back: every gateway reads its live peers again, chunk by chunk, while callers go on, and those whom no cache
    knew meanwhile call every 5 s until WireGuard gives up after 90 s. One queue, served in order; a look-up that waited too
    long is given up, and its caller comes again. Seconds until all is as before, a caller's longest wait, and how many calls
    were given up."""
    capacity = at.processors * 1e6 / at.look_up_us * step
    slots = round(5 / step)
    again = [at.connects * min(at.outage, 90) * (1 - at.known) / slots] * slots
    callers, to_read, longest, given_up, clock = 0.0, float(at.live), 0.0, 0.0, 0.0
    while clock < 900:
        slot = int(clock / step) % slots
        callers += at.connects * step + again[slot]
        again[slot] = 0.0
        reading = min(to_read, at.gateways * PASS_IN_FLIGHT)
        queue = callers + reading
        wait = max(0.0, queue - capacity) / capacity * step
        served = min(1.0, capacity / queue)
        to_read, callers, longest = to_read - reading * served, callers * (1 - served), max(longest, wait)
        if wait > PATIENCE:
            late = callers * (1 - PATIENCE / wait)
            callers, given_up, again[slot] = callers - late, given_up + late, again[slot] + late
        clock += step
        if callers < 1 and to_read < 1 and sum(again) < 1:
            return clock, longest, given_up
    return None, longest, given_up


def main():
    at = arguments()
    show_load(at)
    rows = []
    for processors in sorted({at.processors // 4, at.processors // 2, at.processors}):
        at.processors = max(1, processors)
        if at.connects * at.look_up_us / 1e6 >= at.processors:
            rows.append([at.processors, "never", None, None])
            continue
        rows.append([at.processors, *recover(at)])
    print(f"\nafter {at.outage:g} s without the database: {at.live:,} live peers are read again, callers go on")
    report.table(["processors", "well again after s", "longest wait s", "given up and asked again"], rows)


if __name__ == "__main__":
    main()
