#!/bin/bash
# No source file, script or test of more than 400 lines.
set -euo pipefail
cd "$1"
long="$(git ls-files -- '*.cc' '*.h' '*.py' '*.sh' '*.proto' '*.cmake' 'scripts/*' '.ci/*' |
  xargs wc -l | awk '$2 != "total" && $1 > 400')"
if [ -n "$long" ]; then
  echo "files of more than 400 lines:" >&2
  echo "$long" >&2
  exit 1
fi
