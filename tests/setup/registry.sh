#!/usr/bin/env bash
# Puts Debian's docker-registry into the cache and prints the path of its binary as the last line. It is unpacked, not
# installed: no root needed, no service started. Where one is in PATH already, that is taken.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

if command -v docker-registry; then exit 0; fi
folder="$cache/docker-registry"

# The package lists of a fresh machine may be absent or old: then they are fetched once, where we may.
download() {
  apt-get download docker-registry && return
  local root=()
  if [ "$(id -u)" != 0 ]; then root=(sudo -n); fi
  "${root[@]}" apt-get update -qq && apt-get download docker-registry
}

unpack() {
  local out="$1" room
  command -v apt-get >/dev/null || die "no apt-get here: put docker-registry (2.8 or newer) into PATH"
  say "fetching Debian's docker-registry (6 MB)"
  room="$(mktemp -d)"
  (cd "$room" && download >&2 && dpkg -x docker-registry_*.deb "$out")
  rm -rf "$room"
}

[ -d "$folder" ] || fill "$folder" unpack
echo "$folder/usr/bin/docker-registry"
