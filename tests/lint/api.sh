#!/bin/bash
# docs/api.md says what the contract says today, and each of its examples is a request that the contract knows.
set -euo pipefail
"$1/scripts/api-reference" --check
buf="$("$1/scripts/npm-tools")/@bufbuild/buf-linux-x64/bin/buf"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export HOME="$work" XDG_CACHE_HOME="$work"
(cd "$1/proto" && "$buf" build -o "$work/v1.binpb")

# buf passes over fields that it does not know, so what it says again must be the same.
understood() {
  "$buf" convert "$work/v1.binpb" --type "$1" --from "$work/request.json#format=json" --to "$work/again.json#format=json" >"$work/said" 2>&1 &&
    /usr/bin/python3 -c 'import json, sys; given, again = (json.load(open(name)) for name in sys.argv[1:]); sys.exit(given != again)' \
      "$work/request.json" "$work/again.json"
}
count=0
while read -r type request; do
  echo "$request" >"$work/request.json"
  understood "$type" || { echo "the example of $type is none: $(cat "$work/said")" >&2 && exit 1; }
  count=$((count + 1))
done < <("$1/scripts/api-reference" --examples)
calls="$(cat "$1"/proto/jitwg/v1/*.proto | grep -c '^  rpc ')"
[ "$count" -eq "$calls" ] || { echo "$count examples for $calls calls" >&2 && exit 1; }
for wrong in '{"publicKeys": "AQ=="}' '{"publicKey": 1}'; do
  echo "$wrong" >"$work/request.json"
  if understood jitwg.v1.ExplainRequest; then echo "$wrong was let through" >&2 && exit 1; fi
done

# A comment that changed is noticed.
cp -r "$1/proto" "$work/proto"
mkdir -p "$work/scripts" "$work/docs" "$work/peer-api"
cp "$1/scripts/api-reference" "$work/scripts/" && cp "$1/docs/api.md" "$work/docs/" && cp "$1/peer-api/openapi.json" "$work/peer-api/"
"$work/scripts/api-reference" --check
sed -i 's/What the sniffer counted/All the sniffer counted/' "$work/proto/jitwg/v1/handshake_events.proto"
if "$work/scripts/api-reference" --check 2>/dev/null; then echo "a changed comment was not noticed" >&2 && exit 1; fi
