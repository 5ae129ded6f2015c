#!/usr/bin/env python3
"""Refusing, naming and proving an initiation, beside raw X25519; and wireguard-go's own figure for the same packets, where
Debian's package of its source is installed. The two take turns. It judges nothing."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import report

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("mac1_reject", "identity", "authenticated_unwrap", "raw_x25519")
GO_FOLDER = "/usr/share/gocode"  # where Debian's golang-*-dev packages put sources
GO_SOURCE = os.path.join(GO_FOLDER, "src", "golang.zx2c4.com", "wireguard", "device")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="Other words are bench_unwrap's.")
    parser.add_argument("build", help="the build folder, with bench")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default %(default)s)")
    return parser.parse_known_args()


def why_not():
    """What is missing for wireguard-go's figure; empty when nothing is."""
    if shutil.which("go") is None:
        return "no go compiler here: scripts/setup bench-go installs it"
    if not os.path.isdir(GO_SOURCE):
        return f"no wireguard-go source in {GO_SOURCE}: scripts/setup bench-go installs it"
    return ""


def build_go(folder):
    """Compiles wireguard_go from what is on this machine alone: no module is fetched. (program, "") or (None, why not)."""
    missing = why_not()
    if missing:
        return None, missing
    program = os.path.join(folder, "wireguard_go")
    surroundings = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_FOLDER, "GOFLAGS": "", "GOPROXY": "off",
                    "GOTOOLCHAIN": "local", "GOCACHE": os.path.join(folder, "cache")}
    print("compiling wireguard-go's handshake from Debian's source", flush=True)
    done = subprocess.run(["go", "build", "-o", program, "."], cwd=os.path.join(HERE, "wireguard_go"), env=surroundings,
                          capture_output=True, text=True, check=False)
    return (program, "") if done.returncode == 0 else (None, "it does not compile: " + done.stderr.strip()[-500:])


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def our_turn(build, flags, folder):
    """Medians of CPU time in nanoseconds by name, and the share of raw X25519."""
    path = os.path.join(folder, "ours.json")
    output_of(f"{build}/bench/bench_unwrap", f"--benchmark_out={path}", "--benchmark_out_format=json", *flags)
    with open(path, encoding="utf-8") as file:
        rows = {row["run_name"].split("/")[0]: row for row in json.load(file)["benchmarks"]
                if row.get("aggregate_name") == "median"}
    return {**{name: rows[name]["cpu_time"] for name in OURS}, "x25519_share": rows["x25519_share"]["x25519_share"]}


def measure(options, flags):
    with tempfile.TemporaryDirectory() as folder:
        program, missing = build_go(folder)
        packets = os.path.join(folder, "packets")
        output_of(f"{options.build}/bench/bench_unwrap", "--write-packets", packets)
        rounds = []
        for _ in range(options.rounds):
            turn = our_turn(options.build, flags, folder)
            if program:
                theirs = json.loads(output_of(program, packets))
                turn.update(wireguard_go=theirs["consume_ns"], wireguard_go_x25519=theirs["x25519_ns"])
            rounds.append(turn)
    found = {name: statistics.median(turn[name] for turn in rounds) for name in rounds[0]}
    return {"median": found, "rounds": rounds, "wireguard_go_missing": missing}


def ratio(rounds, one, other):
    """Round by round: what slows the machine down slows both."""
    return statistics.median(one(turn) / other(turn) for turn in rounds)


def show(found):
    names = [name for name in (*OURS, "wireguard_go", "wireguard_go_x25519") if name in found["median"]]
    report.table(["median of CPU time", "ns", "per second"],
                 [[name, found["median"][name], 1e9 / found["median"][name]] for name in names])
    if found["wireguard_go_missing"]:
        print(f"\nMISSING: wireguard-go's row. {found['wireguard_go_missing']}\n", flush=True)
        return
    print("\nwireguard-go knows its peers beforehand and has computed the static-static secret of each: its row is one X25519,\n"
          "its initiation's mac1 is not in it, and it knows none but registered peers. Ours proves whoever calls: two X25519 and\n"
          "mac1. The second ratio gives wireguard-go a second X25519 of its own.\n", flush=True)


def result_values(found):
    median, rounds = found["median"], found["rounds"]
    values = {f"{name}_per_s": round(1e9 / median[name]) for name in ("mac1_reject", "identity")}
    values.update(authenticated_per_s=round(1e9 / median["authenticated_unwrap"]), mac1_reject_us=median["mac1_reject"] / 1e3,
                  raw_x25519_ns=round(median["raw_x25519"]), authenticated_ns=round(median["authenticated_unwrap"]),
                  x25519_share=median["x25519_share"])
    if found["wireguard_go_missing"]:
        return {**values, "wireguard_go": "missing"}

    def ours(turn):
        return turn["authenticated_unwrap"]
    return {**values, "wireguard_go_ns": round(median["wireguard_go"]),
            "ours_to_wireguard_go": ratio(rounds, ours, lambda turn: turn["wireguard_go"]),
            "ours_to_wireguard_go_with_two_dh":
                ratio(rounds, ours, lambda turn: turn["wireguard_go"] + turn["wireguard_go_x25519"])}


def main():
    options, flags = arguments()
    found = measure(options, flags)
    show(found)
    report.write_json(options.json, found)
    print(report.result_line("unwrap", result_values(found)))


if __name__ == "__main__":
    main()
