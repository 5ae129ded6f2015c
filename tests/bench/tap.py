#!/usr/bin/env python3
"""What a tap costs the data packets that it does not want, on a veth pair in namespaces of its own, which end with it: with
no tap, with the one-line filter, with the sniffer's. Needs root. It judges nothing."""

import argparse
import json
import os
import statistics
import sys

import report
from flood import run

INSIDE = "JITWG_BENCH_INSIDE_NAMESPACES"
CLIENT = "tap-client"
ADDRESSES = {4: ("10.99.0.1", "10.99.0.2"), 6: ("fd99::1", "fd99::2")}
SUBJECTS = {"none": "no tap",
            "one_line_any": "one line, all interfaces", "ours_any": "ours, all interfaces", "nothing_any": "refuses all, all interfaces",
            "one_line_one": "one line, this interface", "ours_one": "ours, this interface", "nothing_one": "refuses all, this interface"}
DIRECTIONS = {"incoming": ("incoming",), "outgoing": ("outgoing",), "one each way": ("incoming", "outgoing")}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder, with bench")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--rounds", type=int, default=50, help="slices of each kind (default %(default)s)")
    parser.add_argument("--packets", type=int, default=20_000, help="in a slice (default %(default)s)")
    parser.add_argument("--size", type=int, default=1420, help="bytes of a data packet (default %(default)s)")
    parser.add_argument("--families", default="4,6", help="of IP (default %(default)s)")
    return parser.parse_args()


def enter_namespaces():
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run scripts/bench tap as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def set_up_network():
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "netns", "add", CLIENT)
    run("ip", "link", "add", "vg", "type", "veth", "peer", "name", "vc", "netns", CLIENT)
    for here, end, link in (([], 0, "vg"), (["-n", CLIENT], 1, "vc")):
        run("ip", *here, "addr", "add", f"{ADDRESSES[4][end]}/24", "dev", link)
        run("ip", *here, "addr", "add", f"{ADDRESSES[6][end]}/64", "dev", link, "nodad")
        run("ip", *here, "link", "set", "lo", "up")
        run("ip", *here, "link", "set", link, "up")


def measure(options, family):
    gateway, client = ADDRESSES[family]
    words = ["--interface", "vg", "--gateway-netns", "/proc/self/ns/net", "--gateway", gateway,
             "--client-netns", f"/run/netns/{CLIENT}", "--client", client, "--size", str(options.size),
             "--packets", str(options.packets), "--rounds", str(options.rounds),
             "--cpu", str(max(os.sched_getaffinity(0)))]
    found = json.loads(run(f"{options.build}/bench/bench_tap", *words, timeout=3600))
    if not found["is_ahead"]:
        print("NOT AHEAD: real-time priority is refused here, so other work on that core is in the figures", flush=True)
    return found


def sums(rounds, directions, subject, clock):
    return [sum(each[direction][subject][clock] for direction in directions) for each in rounds]


def row(rounds, direction, subject):
    """What the subject costs, and what more than no tap, round by round: what slows the machine down slows both."""
    directions = DIRECTIONS[direction]
    slices = [each[way][subject] for each in rounds for way in directions]
    found = {"subject": subject, "direction": direction, "packets": sum(one["sent"] for one in slices),
             "lost": sum(one["sent"] - one["arrived"] for one in slices)}
    for clock in ("wall_ns", "cpu_ns"):
        own, none = (sums(rounds, directions, who, clock) for who in (subject, "none"))
        extra = [one - other for one, other in zip(own, none)]
        found[clock], found["extra_" + clock] = statistics.median(own), statistics.median(extra)
        if clock == "wall_ns" and len(extra) > 1:
            found["extra_quarter_ns"], _, found["extra_three_quarters_ns"] = statistics.quantiles(extra, n=4)
    return found


def rows_of(found, family):
    return [{"family": family, **row(found["rounds"], direction, subject)} for direction in DIRECTIONS for subject in SUBJECTS]


def show(rows):
    report.table(["tap", "IPv", "packets", "ns", "extra ns", "1/4 of rounds below", "3/4 below", "extra ns, CPU clock", "lost"],
                 [[SUBJECTS[row["subject"]], row["family"], row["direction"], row["wall_ns"], row["extra_wall_ns"],
                   row.get("extra_quarter_ns"), row.get("extra_three_quarters_ns"), row["extra_cpu_ns"], row["lost"]]
                  for row in rows])


def result_values(rows, family):
    """`ours_ratio`: a packet each way past a tap on all interfaces, which is the sniffer's default."""
    extra = {(row["direction"], row["subject"]): row["extra_wall_ns"] for row in rows if row["family"] == family}

    def ratio(direction, subject, where="any"):
        return extra[direction, f"{subject}_{where}"] / extra[direction, f"one_line_{where}"]
    return {"ours_ratio": ratio("one each way", "ours"), "incoming_ratio": ratio("incoming", "ours"),
            "incoming_floor_ratio": ratio("incoming", "nothing"), "outgoing_ratio": ratio("outgoing", "ours"),
            "one_interface_ratio": ratio("one each way", "ours", "one"),
            **{f"{direction}_{subject}_ns": round(extra[direction, f"{subject}_any"])
               for direction in ("incoming", "outgoing") for subject in ("one_line", "ours")},
            "lost": sum(row["lost"] for row in rows)}


def main():
    options = arguments()
    set_up_network()
    families = [int(word) for word in options.families.split(",")]
    rows, raw = [], {}
    for family in families:
        found = measure(options, family)
        raw[family] = found
        rows += rows_of(found, family)
    show(rows)
    report.write_json(options.json, {"size": options.size, "packets_in_a_slice": options.packets, "rows": rows, "raw": raw})
    print(report.result_line("tap", result_values(rows, families[0])))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespaces()
    main()
