#!/bin/bash
# Each row of the threat model in docs/security.md names tests, and each of them is there: a ctest entry, and inside it a case.
# Usage: threats.sh SOURCES BUILD. A test is written `ENTRY`, `ENTRY: Suite.Case` or `ENTRY: Class.test_case`.
set -euo pipefail
cd "$1"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
ctest --test-dir "$2" -N | sed -n 's/^ *Test *#[0-9]*: //p' >"$work/entries"
# "FILE SUITE.CASE" of GoogleTest's, "FILE CLASS.CASE" of Python's.
git grep -hoE '^TEST(_F|_P)?\([A-Za-z0-9_]+, *[A-Za-z0-9_]+\)' -- 'tests/*.cc' 'tests/*.h' |
  sed -E 's/^TEST(_F|_P)?\(//; s/, */./; s/\)//' >"$work/cases"
git grep -hE '^class .*TestCase|^    def test_' -- 'tests/*_test.py' | awk '
  /^class/ { sub(/^class /, ""); sub(/\(.*/, ""); class = $0 }
  /def test_/ { sub(/^ *def /, ""); sub(/\(.*/, ""); print class "." $0 }' >>"$work/cases"

# Rows of the section's tables: everything after its head line.
rows() { awk '/^## /{ inside = ($0 == "## Threat model") } inside && /^\|/ && !/^\|[- |]*$/ && !/^\| threat / { print }' "$1"; }

complaints() {
  local row test entry name
  rows "$1" | while IFS= read -r row; do
    # The last column.
    sed -E 's/ *\| *$//; s/.*\| //' <<<"$row" | grep -oE '`[^`]+`' | tr -d '`' >"$work/tests" || true
    [ -s "$work/tests" ] || echo "no test in: ${row:0:90}"
    while IFS= read -r test; do
      entry="${test%%:*}"
      grep -qxF "$entry" "$work/entries" || echo "no ctest entry $entry"
      [ "$entry" != "$test" ] || continue
      name="${test#*: }"
      grep -qxF "$name" "$work/cases" || echo "no case $name"
    done <"$work/tests"
  done
}

[ -s "$work/entries" ] || { echo "ctest has no entries in $2" >&2; exit 1; }
found="$(complaints docs/security.md)"
[ -z "$found" ] || { printf 'docs/security.md, Threat model:\n%s\n' "$found" >&2; exit 1; }

# The look is not one that finds nothing.
cat >"$work/planted.md" <<'PLANTED'
## Threat model
| threat | what | what stops it | shown by |
|---|---|---|---|
| a | b | c | `no_such_entry` |
| a | b | c | `base_test: SecretTest.ThatNobodyWrote` |
| a | b | `base_test` | nothing |
PLANTED
[ "$(complaints "$work/planted.md" | wc -l)" -eq 3 ] || { echo 'planted faults were not found' >&2; exit 1; }
echo "$(rows docs/security.md | wc -l) threats, $(rows docs/security.md | sed -E 's/.*\| ([^|]*) \|$/\1/' | grep -oE '`[^`]+`' | sort -u | wc -l) tests"
