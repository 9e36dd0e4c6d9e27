#!/usr/bin/env bash
# Builds tests/referee/scheduler once per content and prints the path of the binary as the last line. It shares
# Go's build cache with testcluster.sh: after that one it takes seconds, cold some two CPU minutes and 2 GB of
# memory; nothing to do takes milliseconds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"
. "$(dirname "${BASH_SOURCE[0]}")/go.sh"

source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../referee/scheduler" && pwd)"

build() {
  local out="$1"
  say "building from $source with $("$go" version)"
  cd "$source" && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0 "$go" build -p 2 -trimpath \
    -ldflags='-s -w' -o "$out/referee" .
}

go="$(find_go)"
[ -n "$go" ] || die "no Go"
folder="$cache/referee/$(content_key "$go" "$source")"
[ -d "$folder" ] || fill "$folder" build
echo "$folder/referee"
