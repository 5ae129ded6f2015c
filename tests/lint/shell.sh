#!/bin/bash
# shellcheck over every shell script.
set -euo pipefail
cd "$1"
git ls-files -- 'scripts/*' 'tests/*.sh' '.ci/run' '*.sh' | sort -u | xargs shellcheck -x -S warning -s bash
