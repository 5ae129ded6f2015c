#!/bin/bash
# The systemd units are without a fault and exposed less than 2.0, and the programs take the example configurations. Usage:
# units.sh SOURCES BUILD. scripts/test-packages looks at them again where they are installed.
set -euo pipefail
cd "$1"
bin="$2/bin"
work="$(mktemp -d)"
mkdir "$work/copy"
trap 'rm -rf "$work"' EXIT

# Programs that are not installed here are no fault of the units.
complaints() { sed 's#=/usr/s\?bin/jitwg[a-z-]*#=/bin/true#' "$1" >"$work/copy/${1##*/}" && systemd-analyze verify --man=no "$work/copy/${1##*/}" 2>&1 || true; }
exposed() { ! systemd-analyze security --no-pager --offline=true --threshold=19 "$1" >"$work/said" 2>&1; }

for unit in ops/systemd/*.service; do
  said="$(complaints "$unit" | grep -v 'kernel system call list' || true)"
  [ -z "$said" ] || { echo "$unit: $said" >&2; exit 1; }
  if exposed "$unit"; then echo "$unit is exposed too much: $(tail -n 1 "$work/said")" >&2; exit 1; fi
done
# Neither look is one that finds nothing.
sed 's/^PrivateTmp=/PrivateTemp=/; /^CapabilityBoundingSet=/d' ops/systemd/jitwg-provisioner.service >"$work/planted.service"
complaints "$work/planted.service" | grep -q PrivateTemp || { echo 'a mistyped key was not found' >&2; exit 1; }
exposed "$work/planted.service" || { echo 'a unit with all capabilities was not found' >&2; exit 1; }

for name in sniffer provisioner ws-ingress peer-api; do
  said="$("$bin/jitwg-$name" --config "ops/etc/$name.toml" --check-config 2>&1)" || { echo "ops/etc/$name.toml: $said" >&2; exit 1; }
done
said="$("$bin/jitwgctl" gateway up --config ops/etc/sniffer.toml --check-config 2>&1)" || { echo "ops/etc/sniffer.toml: $said" >&2; exit 1; }
