#!/usr/bin/env bash
# Runs every test of the workspace and counts what was skipped. Installs nothing: `make test` did.
# With CI=true a skip fails the test itself (tests/support/skip.rs), so the count here is for people.
set -euo pipefail
cd "$(dirname "$0")/.."
PLIMSOLL_SKIPS="$(mktemp)"
export PLIMSOLL_SKIPS
trap 'rm -f "$PLIMSOLL_SKIPS"' EXIT
cargo test --workspace --no-fail-fast "$@"
skipped=$(wc -l <"$PLIMSOLL_SKIPS")
if [ "$skipped" -gt 0 ]; then
  echo "skipped: $skipped"
  sort "$PLIMSOLL_SKIPS" | sed 's/^/  skipped: /'
else
  echo "skipped: 0"
fi
