#!/bin/bash
# Every C++ file is as clang-format writes it.
set -euo pipefail
cd "$1"
git ls-files -z -- '*.cc' '*.h' | xargs -0 clang-format-14 --dry-run --Werror
