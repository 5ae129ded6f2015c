#!/bin/bash
# Every shell script passes shellcheck.
set -euo pipefail
cd "$1"
git ls-files -- 'scripts/*' 'ops/compose/*' '.ci/run' '*.sh' | sort -u | grep -vE '\.py$' | xargs shellcheck -x -S warning -s bash
