#!/usr/bin/python3
"""Runs the end-to-end scenarios in one place: `netns` (network namespaces and wireguard-go, on this machine) or `vm`
(the same scenarios on the kernel's WireGuard in a virtual machine). Needs root; needs no network. What a scenario cannot
be run with is listed as n/a, with the reason."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import isolation  # noqa: E402  (after the path is set)
import near  # noqa: E402
from registry import COMPLETIONS, PLACES, SCENARIOS, TRANSPORTS, Variant  # noqa: E402
import scenarios  # noqa: E402,F401  (fills SCENARIOS)

PROGRAMS = ("jitwg-sniffer", "jitwg-provisioner", "jitwgctl", "jitwg-peer-api", "jitwg-ws-ingress")
TOOLS = {"netns": ("ip", "nft", "wg", "ping", "setpriv", "unshare", "wireguard-go"),
         "vm": ("ip", "nft", "wg", "ping", "setpriv")}


# How many times as long as on a fast machine everything may take; more helps on one that others use too.
TIME_SCALE = "JITWG_E2E_TIME_SCALE"
# The generic gRPC client, for the scenario that has one.
BUF = "JITWG_E2E_BUF"


def time_scale(place):
    return float(os.environ.get(TIME_SCALE, "3" if place == "vm" else "1"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", choices=PLACES, default="netns")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"), help="folder of the programs")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="only scenarios whose name begins with this; may be repeated")
    parser.add_argument("--about-the-kernel", action="store_true", help="leave out what is the same on any kernel")
    parser.add_argument("--completion", default="", choices=COMPLETIONS, help="of all sniffers, instead of their choice")
    parser.add_argument("--transport", default="udp", choices=TRANSPORTS,
                        help="ws: every client calls through jitwgctl ws-connect and jitwg-ws-ingress")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many scenarios at once (default 1)")
    parser.add_argument("--list", action="store_true", help="print the scenarios that would be run, and end")
    parser.add_argument("--results", metavar="DIR", help="folder for results and logs (default: a new one in /tmp)")
    parser.add_argument("--report-only", action="store_true",
                        help="exit code 0 when every scenario was run, whatever became of it")
    parser.add_argument("--timeout", type=int, default=2700, help="of the virtual machine, in seconds")
    return parser.parse_args()


def chosen(only, about_the_kernel):
    names = [name for name in SCENARIOS if not only or any(name.startswith(start) for start in only)]
    if not names:
        sys.exit(f"run.py: no scenario begins with {' or '.join(only)}: see run.py --list")
    return [name for name in names if not about_the_kernel or not SCENARIOS[name].same_on_any_kernel]


def check_machine(variant, binaries, names):
    """Names everything that is missing at once; a scenario that cannot run is a failure, not a skip."""
    faults = []
    if os.geteuid() != 0:
        faults.append("needs root")
    faults += [f"{tool} is missing (scripts/setup test)" for tool in TOOLS[variant.place] if not shutil.which(tool)]
    if variant.transport != "udp" or any(SCENARIOS[name].needs_programs for name in names):
        faults += [f"{binaries}/{program} is missing (build it first)" for program in PROGRAMS
                   if not os.access(os.path.join(binaries, program), os.X_OK)]
    if variant.place == "netns" and BUF not in os.environ:
        # Found now: where the scenarios run there is no network, from which it may have to come.
        found = subprocess.run([os.path.join(ROOT, "scripts", "npm-tools")], stdout=subprocess.PIPE, text=True, check=False)
        faults += ["scripts/npm-tools failed: see above"] if found.returncode else []
        os.environ[BUF] = os.path.join(found.stdout.strip(), "@bufbuild", "buf-linux-x64", "bin", "buf")
    if faults:
        sys.exit("run.py: " + "; ".join(faults))


def run_in_vm(options, results):
    """The whole place in one boot."""
    command = [os.path.join(ROOT, "scripts", "vm"), "run", "--timeout", str(options.timeout), "--share", results,
               "--console", os.path.join(results, "console.log"), "--", "/usr/bin/env",
               f"{TIME_SCALE}={time_scale(options.place)}", "/usr/bin/python3", os.path.abspath(__file__),
               "--place", "vm", "--bin", os.path.abspath(options.bin), "--results", results, "--transport",
               options.transport, "--jobs", str(options.jobs)]
    for start in options.only:
        command += ["--only", start]
    if options.about_the_kernel:
        command.append("--about-the-kernel")
    if options.completion:
        command += ["--completion", options.completion]
    if options.report_only:
        command.append("--report-only")
    return subprocess.run(command, check=False).returncode


def run_here(options, variant, names, results):
    """In the place itself, isolated. Returns the exit code."""
    import programs
    import runner
    import shell
    programs.completion = variant.completion
    shell.time_scale = time_scale(variant.place)
    for name in [name for name in os.environ if name.startswith("JITWG_") and not name.startswith("JITWG_E2E_")]:
        # Each could be an option of some program.
        del os.environ[name]
    isolation.private_folders()
    binaries = os.path.abspath(options.bin)
    if variant.place == "vm":
        binaries = near.keep_near(binaries, PROGRAMS)
    done = runner.run_all(names, variant, binaries, results, options.jobs)
    count = {outcome: sum(result["outcome"] == outcome for result in done) for outcome in ("passed", "failed", "n/a")}
    print(f"{count['passed']} of {count['passed'] + count['failed']} scenarios passed in place {variant.place}"
          f"{', ' + str(count['n/a']) + ' not applicable' if count['n/a'] else ''}; results in {results}")
    return 1 if count["failed"] and not options.report_only else 0


def main():
    options = arguments()
    variant = Variant(options.place, options.completion, options.transport)
    names = chosen(options.only, options.about_the_kernel)
    if options.list:
        print("\n".join(name for name in names if not SCENARIOS[name].not_applicable(variant)))
        return 0
    check_machine(variant, os.path.abspath(options.bin), names)
    results = os.path.abspath(options.results or tempfile.mkdtemp(prefix="jitwg-e2e-"))
    os.makedirs(results, exist_ok=True)
    for name in names:
        # Nobody shall take an earlier run's result for this one's.
        shutil.rmtree(os.path.join(results, name), ignore_errors=True)
    if options.place == "vm" and os.environ.get("JITWG_IN_VM") != "1":
        return run_in_vm(options, results)
    if not isolation.isolated():
        return isolation.isolate(sys.argv + ([] if options.results else ["--results", results]))
    return run_here(options, variant, names, results)


if __name__ == "__main__":
    sys.exit(main())
