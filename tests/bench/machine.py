"""Goes into the virtual machine and comes back with results: what the benchmarks on the real kernel share. It must not
know what they measure."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]
sys.dont_write_bytecode = True

import isolation  # noqa: E402  (after the path is set)

PROGRAMS = ("jitwg-sniffer", "jitwg-provisioner", "jitwgctl")


def add_arguments(parser):
    """Those of the machine; `folder` is where both sides find each other's files."""
    parser.add_argument("build", help="the build folder, with bin")
    parser.add_argument("json", help="where the results go")
    parser.add_argument("--clock", choices=("counted", "host"), default="counted",
                        help="the machine's: counted: a nanosecond for each instruction; host (default %(default)s)")
    parser.add_argument("--memory", type=int, default=3072, help="of the virtual machine, in MiB (default %(default)s)")
    parser.add_argument("--timeout", type=int, default=7200, help="of the virtual machine, in seconds (default %(default)s)")
    parser.add_argument("--folder", help="")  # set inside the machine


def run(options, script, prepare, measure):
    """Outside: prepare(folder), then this program again inside the machine, and its results, or None there. Inside, isolated:
    measure(folder, logs), whose value is the results."""
    if os.geteuid() != 0:
        sys.exit("making network namespaces needs root: run the benchmark as root")
    if os.environ.get("JITWG_IN_VM") != "1":
        return _outside(options, script, prepare)
    if not isolation.isolated():
        sys.exit(isolation.isolate(sys.argv))
    _inside(options, measure)
    return None


def _outside(options, script, prepare):
    with tempfile.TemporaryDirectory(prefix="jitwg-bench-") as folder:
        prepare(folder)
        words = [word for word in sys.argv[1:] if word not in (options.build, options.json)]
        command = [os.path.join(ROOT, "scripts", "vm"), "run", "--timeout", str(options.timeout), "--share", folder, "--",
                   "/usr/bin/python3", os.path.abspath(script), os.path.abspath(options.build), options.json, "--folder", folder]
        code = subprocess.run(command + words, check=False, env={**os.environ, "JITWG_VM_CLOCK": options.clock,
                                                                 "JITWG_VM_MEMORY": str(options.memory)}).returncode
        logs = os.path.join(folder, "logs")
        if os.path.isdir(logs):
            keep = options.json.removesuffix(".json") + "-logs"
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(logs, keep)
        if code != 0:
            sys.exit(f"the measurement ended with exit code {code}; its logs, if any, are beside {options.json}")
        with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
            return json.load(file)


def _inside(options, measure):
    isolation.private_folders()
    # The shared folder is so slow that programs would wait for their logs.
    logs = tempfile.mkdtemp(prefix="logs-", dir="/run")
    try:
        results = measure(options.folder, logs)
    finally:
        shutil.copytree(logs, os.path.join(options.folder, "logs"), dirs_exist_ok=True)
    results = {"clock": options.clock, "kernel": os.uname().release, "cpus": os.cpu_count(), **results}
    with open(os.path.join(options.folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump(results, file)


def bring_near(options):
    """The programs in the machine's memory. Returns their folder."""
    import near
    return near.keep_near(os.path.join(options.build, "bin"), PROGRAMS)


def bring_registry(folder, name):
    """A registry file in the machine's memory, as a warm one is; the shared folder knows no shared memory for its
    journal. Returns its address."""
    place = tempfile.mkdtemp(prefix="registry-", dir="/run")
    copy = shutil.copy(os.path.join(folder, name), place)
    os.chmod(place, 0o755)
    for path in (place, copy):
        shutil.chown(path, "nobody", "nogroup")
    return f"sqlite:{copy}"
