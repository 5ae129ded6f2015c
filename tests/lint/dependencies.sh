#!/bin/bash
# Every package that a shipped program loads or is compiled with is in docs/security.md, with the programs that load it, and is
# not older here than the version that was looked at. Usage: dependencies.sh SOURCES BUILD [--print].
# --print shows what is there instead, as rows.
set -euo pipefail
cd "$1"
bin="$2/bin"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
programs=(jitwg-sniffer jitwg-provisioner jitwg-peer-api jitwg-ws-ingress jitwgctl)

everybody="$(printf '%s\n' "${programs[@]#jitwg-}" | sort | paste -sd,)"

# package_of FILE: dpkg knows a file by the path that its package gave, with or without /usr.
package_of() {
  local file
  file="$(readlink -f "$1")"
  { dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}"; } | head -n 1 | cut -d: -f1
}

# Lines "PACKAGE PROGRAM direct|indirect" of everything that the programs load.
loaded() {
  local program name file how
  for program in "${programs[@]}"; do
    readelf -d "$bin/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
    ldd "$bin/$program" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r name file; do
      how=indirect
      ! grep -qxF "$name" "$work/needed" || how='direct'
      [ -s "$work/cache-$name" ] || package_of "$file" >"$work/cache-$name"
      printf '%s %s %s\n' "$(cat "$work/cache-$name")" "$program" "$how"
    done
  done | sort -u
}

# "PACKAGE how VERSION PROGRAM,..." of each, directly linked ones first.
rows() {
  awk '{ seen[$1 " " $2] = 1; if (!($1 in how) || $3 == "direct") how[$1] = $3 }
       END { for (pair in seen) { split(pair, p, " "); list[p[1]] = list[p[1]] " " p[2] }
             for (package in list) print package, how[package], list[package] }' "$work/loaded" |
    while read -r package how list; do
      printf '%s %s %s %s\n' "$how" "$package" "$(version "$package")" "$(tr ' ' '\n' <<<"$list" | sed 's/^jitwg-//' | sort | paste -sd, | sed "s/^$everybody\$/all/")"
    done | sort
}

version() { dpkg-query -W -f='${Version}\n' "$1" | head -n 1; }

# "PACKAGE VERSION PROGRAM,..." of the tables in the section about dependencies.
documented() {
  awk -F'|' '/^## /{ inside = ($0 == "## Dependencies") } inside && /^\| `[a-z0-9.+-]+` \|/ {
    gsub(/[ `]/, "", $2); gsub(/ /, "", $3); gsub(/ /, "", $4); print $2, $3, $4 }' "$1"
}

# Complaints about a document.
complaints() {
  local package version programs said
  documented "$1" >"$work/documented"
  rows | awk '{ print $2, $4 }' | sort >"$work/found"
  while read -r package programs; do
    said="$(awk -v p="$package" '$1 == p { print $3 }' "$work/documented" | tr ',' '\n' | sort | paste -sd,)"
    [ -n "$said" ] || { echo "$package is loaded by $programs and not listed" && continue; }
    [ "$said" = "$programs" ] || echo "$package is loaded by $programs, not by $said"
  done <"$work/found"
  while read -r package version programs; do
    [ "$programs" = compiled ] || grep -q "^$package " "$work/found" || echo "$package is listed and loaded by nobody"
    [ "$version" != - ] || continue
    said="$(version "$package" 2>/dev/null)" || { echo "$package is listed and not installed here" && continue; }
    ! dpkg --compare-versions "$said" lt "$version" || echo "$package is $said here, older than the $version that was looked at"
  done <"$work/documented"
  # What is compiled in leaves no trace in a program; what a build needs says it.
  awk '/^## /{ inside = ($0 == "## Dependencies") } inside' "$1" >"$work/section"
  sed -n '/^Build-Depends:/,/^[A-Z][a-z-]*: /p' debian/control | grep -oE '[a-z0-9.+-]+-dev' | sort -u | while read -r package; do
    grep -qF "\`$package\`" "$work/section" || echo "$package is built with and not listed"
  done
}

loaded >"$work/loaded"
if [ "${3:-}" = --print ]; then
  rows
  exit 0
fi
found="$(complaints docs/security.md)"
[ -z "$found" ] || { echo "docs/security.md, Dependencies: $found" >&2; exit 1; }

# The look is not one that finds nothing: a row taken away, a program too many, an age that nobody has, a forgotten header.
sed '/^| `libmnl0` |/d; s/^\(| `libpcap0.8` |[^|]*| \)/\1peer-api,/; s/^| `libfmt9` |[^|]*|/| `libfmt9` | 999 |/; s/`libboost-dev`//' \
  docs/security.md >"$work/planted.md"
found="$(complaints "$work/planted.md")"
for fault in 'libmnl0 is loaded' 'libpcap0.8 is loaded by' 'libfmt9 is' 'libboost-dev is built with'; do
  grep -q "^$fault" <<<"$found" || { echo "a planted fault was not found: $fault" >&2; exit 1; }
done
echo "$(wc -l <"$work/found") packages loaded, $(wc -l <"$work/documented") listed"
