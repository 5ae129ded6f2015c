#!/bin/bash
# clang-tidy over every source file of the project, with the checks of .clang-tidy. Usage: tidy.sh SOURCES BUILD; it
# makes BUILD/tidy, for it needs one compile command for each file, which the presets' builds have not.
set -euo pipefail
cd "$1"
set -- "$1" "$2/tidy"
cmake --preset dev -B "$2" -DCMAKE_UNITY_BUILD=OFF >/dev/null 2>&1
cmake --build "$2" --target jitwg_proto -- --quiet
sources="$(git ls-files -- '*.cc' | sed 's/\./\\./g' | paste -sd'|')"
# GCC's flags that clang does not know are not errors here.
run-clang-tidy-14 -quiet -p "$2" -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option "/($sources)\$" 2>&1 |
  grep -vE '^[0-9]+ warnings? generated|^clang-tidy-14 -|^$|warnings treated as errors$' >"$2/tidy.log" || true
if grep -E '(warning|error):' "$2/tidy.log"; then
  echo "clang-tidy has complaints: see above and $2/tidy.log" >&2
  exit 1
fi
# Silence because nothing was looked at is no success.
test -s "$2/compile_commands.json"
