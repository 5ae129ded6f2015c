#!/bin/bash
# The contract is clean for `buf lint`, and breaks nobody who was built with tests/rpc/contract/v1.binpb: what the last
# release offered, made by `cd proto && buf build --exclude-source-info -o ../tests/rpc/contract/v1.binpb`.
set -euo pipefail
buf="$("$1/scripts/npm-tools")/@bufbuild/buf-linux-x64/bin/buf"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export HOME="$work" XDG_CACHE_HOME="$work"
cp -r "$1/proto" "$work/proto"
cd "$work/proto"
"$buf" lint
"$buf" breaking --against "$1/tests/rpc/contract/v1.binpb"

# Neither check is one that cannot fail.
refused() {
  local what="$1" expected="$2"
  shift 2
  if "$buf" "$@" >"$work/said" 2>&1 || ! grep -q "$expected" "$work/said"; then
    echo "$what was not refused for $expected" >&2
    cat "$work/said" >&2
    exit 1
  fi
}
sed -i 's/bool sniffer_connected = /string sniffer_connected = /' jitwg/v1/admin.proto
refused 'a field of another type' 'changed type' breaking --against "$1/tests/rpc/contract/v1.binpb"
sed -i 's/string sniffer_connected = /string SnifferConnected = /' jitwg/v1/admin.proto
refused 'a field in capitals' 'lower_snake_case' lint
