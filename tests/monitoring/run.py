#!/usr/bin/python3
"""Runs one of the stories about what an operator sees, with real programs in namespaces of its own: `metrics` (Prometheus)
or `page` (Chromium). Arguments: the story, the folder of the programs, a folder for logs. Needs root; needs no network."""

import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from observed import observed  # noqa: E402  (after the path is set; it adds the end-to-end tests' folder)
import isolation  # noqa: E402

TOOLS = {"metrics": ("prometheus", "promtool"), "page": ("chromium",)}


def main():
    story, binaries, results = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    missing = [tool for tool in (*TOOLS[story], "ip", "wg", "wireguard-go", "setpriv") if not shutil.which(tool)]
    if missing or os.geteuid() != 0:
        sys.exit(f"run.py: needs root{' and ' + ', '.join(missing) if missing else ''} (scripts/setup test browser)")
    if not isolation.isolated():
        shutil.rmtree(results, ignore_errors=True)
        return isolation.isolate(sys.argv)
    for name in [name for name in os.environ if name.startswith("JITWG_") and not name.startswith("JITWG_E2E_")]:
        # Each could be an option of some program.
        del os.environ[name]
    isolation.private_folders()
    begin = time.monotonic()
    if story == "metrics":
        import metrics_story as chosen
    else:
        import page_story as chosen
    with observed(binaries, results) as there:
        chosen.tell(there, results)
    print(f"passed in {time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
