#!/usr/bin/python3
"""Lets clients come and go for a long time at half the speed that this machine can do, and looks whether the daemons' memory,
descriptors, threads and state files stay flat. Needs root; needs no network. scripts/soak builds what it needs and runs it."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "bench")]
sys.dont_write_bytecode = True

import isolation  # noqa: E402  (after the path is set)
import report  # noqa: E402
import runner  # noqa: E402
import soak_judge  # noqa: E402
from control_plane import Postgres  # noqa: E402
from programs import ORDINARY_USER  # noqa: E402
from registry import Variant  # noqa: E402
from sampler import Sampler  # noqa: E402
from shell import ip_batch, run  # noqa: E402
from world import GATEWAY, inner_address, outer_address  # noqa: E402

DAEMONS = ("sniffer", "provisioner")
CROWD = "crowd"
SOURCES = [outer_address(host, 4) for host in range(20, 220)]
FIRST_HOST = 2000
OPTIONS = ("--idle-timeout", "5s", "--unfinished-timeout", "15s")
IMPORTED_AT_ONCE = 5000
SETTLE = 10  # seconds between the measurement and the churn
SHARE = 0.5
# Below that it was no churn at half the speed.
KEPT_UP = 0.9


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="of churn (default 30; at least 1)")
    parser.add_argument("--measure", type=int, default=60, metavar="SECONDS", help="at full speed before it (default 60)")
    parser.add_argument("--clients", type=int, default=20000, metavar="N", help="registered clients (default 20000)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="folder with bin and bench")
    parser.add_argument("--results", metavar="DIR", help="folder for logs, soak.json, soak.svg (default: a new one in /tmp)")
    options = parser.parse_args()
    if options.minutes < 1:
        parser.error("--minutes: at least 1")
    return options


class Clients:
    """tests/bench/churn_clients in a namespace of its own."""

    def __init__(self, env, gateway, options):
        env.world.add_host(CROWD, 5)
        ip_batch([f"addr add {source}/24 dev eth0" for source in SOURCES], CROWD)
        self._command = [os.path.join(options.build, "bench", "churn_clients"), "--gateway-key", gateway.keys.public,
                         "--clients", str(options.clients), "--target", outer_address(1, 4), "--port", str(gateway.port)]

    def keys(self):
        return run(*self._command, "--print-keys", timeout=120).stdout.split()

    def come(self, seconds, *how):
        """Returns what it counted: visits called, inside, retried, put_off, given_up."""
        done = subprocess.run(["ip", "netns", "exec", CROWD] + self._command + ["--seconds", str(int(seconds)), *how, "--source",
                              *SOURCES], stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 120)
        return json.loads(done.stdout.splitlines()[-1])


def register(env, postgres, keys):
    """One address of each family for each, by `jitwgctl peer import`."""
    begin = time.monotonic()
    path = os.path.join(env.folder, "peers.csv")
    for first in range(0, len(keys), IMPORTED_AT_ONCE):
        with open(path, "w", encoding="ascii") as file:
            file.write("public_key,allowed_ips\n")
            for number, key in enumerate(keys[first:first + IMPORTED_AT_ONCE], FIRST_HOST + first):
                file.write(f"{key},{inner_address(0, number, 4)}/32 {inner_address(0, number, 6)}/128\n")
        os.chmod(path, 0o644)
        run(*ORDINARY_USER, env.jitwg.path("jitwgctl"), "--registry", postgres.address("owner"), "peer", "import", path, timeout=300)
        postgres.sql("ANALYZE")
    print(f"    {len(keys)} clients registered in {time.monotonic() - begin:.0f} s", flush=True)


def stage(env, clients, sampler, seconds, *how):
    """Lets them come, and returns what they counted beside what the daemons counted."""
    sampler.phase = "full speed" if not how else "churn"
    before, begin = env.jitwg.status(), time.monotonic()
    counted = clients.come(seconds, *how)
    took, after = time.monotonic() - begin, env.jitwg.status()
    sampler.phase = "between"
    return {**counted, "took": took, "admits": after.decisions("installed") - before.decisions("installed"),
            "evictions": after.evictions("idle") - before.evictions("idle")}


def soak(env, options):
    """Returns what was measured and sampled."""
    postgres = Postgres(env.jitwg, os.path.join(env.folder, "postgres"))
    try:
        postgres.prepare()
        env.jitwg.registry = postgres.address("gateway")
        gateway = env.world.add_interface()
        clients = Clients(env, gateway, options)
        register(env, postgres, clients.keys())
        env.jitwg.start(gateway, provisioner=OPTIONS)
        daemons = {name: (getattr(env.jitwg, name).tree(), f"{env.jitwg.run}/{name}") for name in DAEMONS}
        with Sampler(daemons) as sampler:
            full = stage(env, clients, sampler, options.measure)
            full["rate"] = full["admits"] / full["took"]
            print(f"    full speed: {full['rate']:.0f} admissions/s; churn at {SHARE * full['rate']:.0f}/s", flush=True)
            time.sleep(SETTLE)
            churn = stage(env, clients, sampler, 60 * options.minutes, "--rate", f"{SHARE * full['rate']:.2f}")
        env.finish()
        return {"full_speed": full, "churn": churn, "minutes": options.minutes, "samples": sampler.samples}
    finally:
        postgres.stop()
        shutil.rmtree(os.path.join(env.folder, "postgres"), ignore_errors=True)


def plots(samples):
    """Of the whole run, the measurement at full speed included."""
    def series(name, figure):
        return (name, [(one["seconds"], figure(one[name])) for one in samples])
    names = [(name, f"file {file}") for name in DAEMONS for file in samples[-1][name]["files_kib"]]
    files = [(what.removeprefix("file "), [(one["seconds"], one[name]["files_kib"].get(what.removeprefix("file "), 0) / 1024)
                                           for one in samples]) for name, what in names]
    return [report.curves("Resident memory", "seconds", "MiB", [series(name, lambda one: one["rss_kib"] / 1024) for name in DAEMONS]),
            report.curves("Descriptors", "seconds", "open", [series(name, lambda one: one["descriptors"]) for name in DAEMONS]),
            report.curves("Threads", "seconds", "alive", [series(name, lambda one: one["threads"]) for name in DAEMONS]),
            report.curves("State files", "seconds", "MiB", files)]


def tell(found, verdicts):
    report.table(("daemon", "figure", "second quarter", "last quarter", "allowed growth", "flat"),
                 [(one.program, one.what, one.second, one.last, one.allowed, "yes" if one.flat else "NO") for one in verdicts])
    full, churn = found["full_speed"], found["churn"]
    print(f"\nfull speed: {full['rate']:.0f} admissions/s; churn: {churn['called']} visits, {churn['admits']} admissions "
          f"({churn['admits'] / churn['took']:.0f}/s), {churn['evictions']} evictions, {churn['retried']} visits called again, "
          f"{churn['put_off']} calls put off by WireGuard under load, {churn['given_up']} visits never in")


def result(found, verdicts):
    """The last line, and whether all is well."""
    wanted = SHARE * found["full_speed"]["rate"] * found["churn"]["took"]
    kept_up = found["churn"]["admits"] >= KEPT_UP * wanted
    if not kept_up:
        print(f"not kept up: {found['churn']['admits']} admissions instead of {wanted:.0f}")
    print(report.result_line("soak", {
        "minutes": f"{found['minutes']:g}", "admits": found["churn"]["admits"],
        "rss_growth_pct": round(soak_judge.worst_share(verdicts, "rss_kib"), 1),
        "fds_growth": round(soak_judge.worst(verdicts, "descriptors")),
        "threads_growth": round(soak_judge.worst(verdicts, "threads")),
        "flat": "yes" if all(one.flat for one in verdicts) else "no"}))
    return kept_up and all(one.flat for one in verdicts)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("soak.py: needs root")
    if not isolation.isolated():
        return isolation.isolate(sys.argv)
    isolation.private_folders()
    for name in [name for name in os.environ if name.startswith("JITWG_") and not name.startswith("JITWG_E2E_")]:
        del os.environ[name]
    folder = os.path.abspath(options.results or tempfile.mkdtemp(prefix="jitwg-soak-"))
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o711)  # the database's user has its folder in there
    env = runner.Environment(Variant("netns"), os.path.join(os.path.abspath(options.build), "bin"), folder)
    try:
        env.world.build()
        found = soak(env, options)
    finally:
        env.close()
    verdicts = soak_judge.judge([one for one in found["samples"] if one["phase"] == "churn"], DAEMONS)
    report.write_json(os.path.join(folder, "soak.json"), {**found, "verdicts": [one._asdict() for one in verdicts]})
    report.write_plots(os.path.join(folder, "soak.svg"), plots(found["samples"]))
    tell(found, verdicts)
    print(f"logs, soak.json and soak.svg: {folder}")
    return 0 if result(found, verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
