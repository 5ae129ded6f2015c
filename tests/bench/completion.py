#!/usr/bin/python3
"""Compares the completion strategies on the real kernel in the virtual machine: how long a client waits from its first
packet to the handshake and to the first reply, and in which networks its first packet is answered. It judges nothing.
Needs root."""

import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]
sys.dont_write_bytecode = True

import completion_report as report  # noqa: E402  (after the path is set)
import initiation  # noqa: E402
import isolation  # noqa: E402
import near  # noqa: E402
from completion_survival import CONDITIONS, measure as measure_survival  # noqa: E402
from completion_world import FIRST_HOST, STRATEGIES, Bench, BenchWorld, Key  # noqa: E402
from world import inner_address  # noqa: E402

PROGRAMS = ("jitwg-sniffer", "jitwg-provisioner", "jitwgctl")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder, with bin")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--runs", type=int, default=30, help="of each strategy at each delay (default %(default)s)")
    parser.add_argument("--delays", default="0,20", help="milliseconds each way (default %(default)s)")
    parser.add_argument("--strategies", default=",".join(STRATEGIES), help="which (default %(default)s)")
    parser.add_argument("--survival", choices=("yes", "no", "only"), default="yes", help="the table of networks")
    parser.add_argument("--tries", type=int, default=2, help="of each strategy in each network (default %(default)s)")
    parser.add_argument("--clock", choices=("counted", "host"), default="counted",
                        help="the machine's: counted: a nanosecond for each instruction; host (default %(default)s)")
    parser.add_argument("--timeout", type=int, default=5400, help="of the virtual machine, in seconds")
    parser.add_argument("--folder", help=argparse.SUPPRESS)  # set inside the machine
    options = parser.parse_args()
    options.strategies = options.strategies.split(",")
    options.delays = [int(delay) for delay in options.delays.split(",")] if options.survival != "only" else []
    unknown = [name for name in options.strategies if name not in STRATEGIES]
    if unknown:
        parser.error(f"no such strategy: {', '.join(unknown)}; there are {', '.join(STRATEGIES)}")
    return options


def make_keys(options):
    """By strategy; number 0 warms up. Keys are made and registered here, where that is cheap."""
    count = 1 + max(options.runs, len(CONDITIONS) * options.tries)
    keys = {}
    for name in options.strategies:
        keys[name] = []
        for host in range(FIRST_HOST, FIRST_HOST + count):
            private = initiation.new_private()
            pair = (base64.b64encode(secret).decode() for secret in (private, initiation.public_of(private)))
            keys[name].append((*pair, host))
    return keys


def register(options, keys, file):
    """Makes the registry, an SQLite file, with all keys but those of peers that are put in by hand."""
    command = [os.path.join(options.build, "bin", "jitwgctl"), "--registry", f"sqlite:{file}", "peer", "add"]
    for network, name in enumerate(STRATEGIES):
        for _, public, host in keys.get(name, ()) if STRATEGIES[name] is not None else ():
            subprocess.run(command + ["--public-key", public, "--allowed-ips", f"{inner_address(network, host, 4)}/32"],
                           check=True, stdout=subprocess.DEVNULL)


def outside(options):
    """Prepares, measures in the virtual machine, prints the tables."""
    with tempfile.TemporaryDirectory(prefix="jitwg-completion-") as folder:
        keys = make_keys(options)
        with open(os.path.join(folder, "keys.json"), "w", encoding="ascii") as file:
            json.dump(keys, file)
        print(f"registering {sum(map(len, keys.values()))} keys", flush=True)
        register(options, keys, os.path.join(folder, "registry.db"))
        code = run_in_vm(options, folder)
        keep = options.json.removesuffix(".json") + "-logs"
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(folder, keep, ignore=shutil.ignore_patterns("keys.json", "registry.db*"))
        if code != 0:
            sys.exit(f"the measurement ended with exit code {code}; what there is of it is in {keep}")
        with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
            results = json.load(file)
    show(results)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({**results, "rows": report.rows(results)}, file, indent=1)
    print(report.result_line(results))


def run_in_vm(options, folder):
    words = [os.path.abspath(options.build), options.json, "--folder", folder, "--runs", str(options.runs),
             "--strategies", ",".join(options.strategies), "--survival", options.survival, "--tries", str(options.tries),
             "--clock", options.clock]
    if options.delays:
        words += ["--delays", ",".join(map(str, options.delays))]
    machine = [os.path.join(ROOT, "scripts", "vm"), "run", "--timeout", str(options.timeout), "--share", folder, "--"]
    return subprocess.run(machine + ["/usr/bin/python3", os.path.abspath(__file__)] + words, check=False,
                          env={**os.environ, "JITWG_VM_CLOCK": options.clock}).returncode


def show(results):
    if results["outcomes"]:
        print(f"\nMilliseconds from the client's first packet, by the machine's {results['clock']} clock\n\n" +
              report.timing_table(results))
    if results["survival"]:
        print("\nIs the client's first packet answered?\n\n" + report.survival_table(results))
    print(flush=True)


def measure_delay(bench, subject, base, delay, runs):
    """(outcomes of the subject, of peers put in by hand), in turns: what slows this machine down slows both alike."""
    bench.world.delay(delay)
    found, beside = [], []
    for turn in range(runs + 1):
        found.append(vars(bench.call(subject, turn)))
        if base not in (None, subject):
            beside.append(vars(bench.call(base, turn)))
    bench.world.delay(0)
    return found[1:], beside[1:]  # the first ones warmed up


def measure_subject(bench, subject, options, results):
    base = next((other for other in bench.subjects if STRATEGIES[other.name] is None), None)
    for delay in options.delays:
        outcomes, beside = measure_delay(bench, subject, base, delay, options.runs)
        results["outcomes"].setdefault(str(delay), {})[subject.name] = {"own": outcomes, "beside": beside}
        print(f"{subject.name}, {delay} ms each way: {report.brief(outcomes, beside)}", flush=True)
    if options.survival != "no":
        found = measure_survival(bench, subject, lambda number: range(number * options.tries, (number + 1) * options.tries))
        results["survival"][subject.name] = found
        print(f"{subject.name}: {', '.join(cell['verdict'] for cell in found.values())}", flush=True)


def measure(bench, options):
    """One strategy after the other, each with nothing but its own two programs running."""
    results = {"runs": options.runs, "clock": options.clock, "kernel": os.uname().release, "cpus": os.cpu_count(),
               "outcomes": {}, "survival": {}, "used": {}, "not_available": {}}
    for subject in bench.subjects:
        if bench.start(subject):
            print(f"{subject.name}: {subject.used or 'put in by hand'}", flush=True)
            results["used"][subject.name] = subject.used
            measure_subject(bench, subject, options, results)
        else:
            print(f"{subject.name}: not available: {subject.problem}", flush=True)
            results["not_available"][subject.name] = subject.problem
        bench.stop(subject)
        with open(os.path.join(options.folder, "results.json"), "w", encoding="utf-8") as file:
            json.dump(results, file)


def inside(options):
    """In the virtual machine, isolated."""
    import backends
    import shell
    shell.time_scale = 3.0
    isolation.private_folders()
    binaries = near.keep_near(os.path.join(options.build, "bin"), PROGRAMS)
    # The registry in memory, as a warm one is; the shared folder knows no shared memory for its journal.
    registry = os.path.join(tempfile.mkdtemp(prefix="registry-", dir="/run"), "registry.db")
    shutil.copy(os.path.join(options.folder, "registry.db"), registry)
    os.chmod(os.path.dirname(registry), 0o755)
    for path in (os.path.dirname(registry), registry):
        shutil.chown(path, "nobody", "nogroup")
    with open(os.path.join(options.folder, "keys.json"), encoding="ascii") as file:
        keys = {name: [Key(*key) for key in made] for name, made in json.load(file).items()}
    # The shared folder is so slow that programs would wait for their logs.
    logs = tempfile.mkdtemp(prefix="logs-", dir="/run")
    world, bench = BenchWorld(backends.make("vm", logs), logs), None
    try:
        world.build()
        bench = Bench(world, binaries, logs, registry, keys)
        measure(bench, options)
    finally:
        (bench or world).close()
        shutil.copytree(logs, options.folder, dirs_exist_ok=True)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run scripts/bench completion as root")
    if os.environ.get("JITWG_IN_VM") != "1":
        outside(options)
    elif not isolation.isolated():
        sys.exit(isolation.isolate(sys.argv))
    else:
        inside(options)


if __name__ == "__main__":
    main()
