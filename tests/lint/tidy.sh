#!/bin/bash
# clang-tidy over every source file of the project, with the checks of .clang-tidy. Usage: tidy.sh SOURCES BUILD; it makes
# BUILD/tidy. It looks at several files in one go, as the builds compile them: most of its time is the libraries' headers.
set -euo pipefail
cd "$1"
set -- "$1" "$2/tidy"
rm -f "$2/tidy.failed"
cmake --preset dev -B "$2" -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 -DJITWG_PCH=ON -DJITWG_FUZZ=ON >/dev/null 2>&1
cmake --build "$2" --target jitwg_proto --target jitwg_pch -- --quiet

# What is compiled, but for what is generated; and no source may be missing there.
python3 - "$1" "$2" >"$2/tidy.files" <<'PYTHON'
import json, os, re, subprocess, sys
root, build = map(os.path.abspath, sys.argv[1:])
ours, seen = set(subprocess.check_output(["git", "ls-files", "*.cc"], cwd=root, text=True).split()), set()
for entry in json.load(open(f"{build}/compile_commands.json")):
    path = entry["file"]
    if "/Unity/" in path:
        inside = re.findall(r'#include "(.*)"', open(path).read())
    else:
        inside = [path]
    mine = {os.path.relpath(one, root) for one in inside} & ours
    # A file that several targets compile is looked at once.
    if mine - seen:
        print(path)
    seen |= mine
if ours - seen:
    sys.exit(f"no target compiles {sorted(ours - seen)}")
PYTHON

xargs -P "$(nproc)" -n 1 clang-tidy-14 -quiet -p "$2" --checks=-bugprone-suspicious-include \
  --header-filter="^$(pwd -P)/(lib|sniffer|provisioner|peer-api|ws-ingress|ctl|tests)/" <"$2/tidy.files" >"$2/tidy.log" 2>"$2/tidy.errors" ||
  touch "$2/tidy.failed"
if grep -E '(warning|error):' "$2/tidy.log" || grep -E ' error: ' "$2/tidy.errors"; then
  echo "clang-tidy has complaints: see above and $2/tidy.log" >&2
  exit 1
fi
[ ! -e "$2/tidy.failed" ] || { tail -n 20 "$2/tidy.errors" >&2 && exit 1; }
echo "clang-tidy: $(wc -l <"$2/tidy.files") units, no complaints"
