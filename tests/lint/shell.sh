#!/bin/bash
# Every shell script passes shellcheck.
set -euo pipefail
cd "$1"
git ls-files -- 'scripts/*' 'ops/compose/*' k8s/dev-secrets '.ci/run' '*.sh' | sort -u | xargs grep -L '^#!/usr/bin/python3' | xargs shellcheck -x -S warning -s bash
