# shellcheck shell=bash
# Helpers shared by the scripts in this folder: messages, root rights, the cache folder. Sourced, never run; it must
# not do anything by being sourced beyond defining names.

JITWG_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
JITWG_BUILD_CACHE="${JITWG_BUILD_CACHE:-$JITWG_ROOT/.cache}"

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command as root: directly when we are root, through sudo otherwise.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo -- "$@"
  else
    die "this needs root: become root (su -) or install sudo, then run $0 again (wanted: $*)"
  fi
}

# Prints those of the named packages that are not installed. Reads dpkg's own database only: fast, no network.
missing_packages() {
  local installed package
  # dpkg-query fails when one of them is unknown; what it printed about the others still counts.
  installed="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)"
  installed=" $(printf '%s\n' "$installed" | sed -n 's/^installed //p' | tr '\n' ' ') "
  for package in "$@"; do
    case "$installed" in *" $package "*) ;; *) printf '%s\n' "$package" ;; esac
  done
}

# True when apt has package lists at all; a fresh machine or image has none.
apt_has_lists() { compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; }
