#!/bin/bash
# Every program and each command of jitwgctl has a manual page that mandoc has nothing to say of, and each option that --help
# shows is in it.
set -euo pipefail
pages="$(mktemp -d)"
trap 'rm -rf "$pages"' EXIT
"$1/scripts/man-pages" --bin "$2/bin" --out "$pages" >/dev/null
mandoc -T lint -W warning "$pages"/*.8

count=0
for page in "$pages"/*.8; do
  name="$(basename "$page" .8)"
  case "$name" in
    jitwgctl-*) words=("${name#jitwgctl-}") program="$2/bin/jitwgctl" ;;
    *) words=() program="$2/bin/$name" ;;
  esac
  # The first dash may be a blank: peer-add, but ws-connect.
  if ! help="$("$program" "${words[@]}" --help 2>/dev/null)"; then
    help="$("$program" "${words[0]%%-*}" "${words[0]#*-}" --help)"
  fi
  shown="$(mandoc -T ascii "$page" | col -b)"
  for option in $(grep -oE '^  (-h,)?--[a-z-]+' <<<"$help" | tr -d ' '); do
    grep -qE -- "^ +([a-z-]+, )*$option(,| |\$)" <<<"$shown" || { echo "$name.8 lacks $option" >&2 && exit 1; }
    count=$((count + 1))
  done
done
# Nothing found is nothing looked at.
[ "$count" -gt 200 ] || { echo "only $count options were looked at" >&2 && exit 1; }
