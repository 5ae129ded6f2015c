#!/bin/bash
# Every shell script passes shellcheck.
set -euo pipefail
cd "$1"
git ls-files -- 'scripts/*' 'ops/compose/*' k8s/dev-secrets '.ci/run' '*.sh' | sort -u | grep -vE '\.py$' | xargs shellcheck -x -S warning -s bash
