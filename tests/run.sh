#!/usr/bin/env bash
# Runs every test of the workspace and counts what was skipped. Installs nothing: `make test` did.
# With CI=true a skip fails the test itself (tests/skip), so the count here is for people.
#
# Tests that wait for servers most of their time run beside those that calculate; what they print comes behind it.
set -euo pipefail
cd "$(dirname "$0")/.."
PLIMSOLL_SKIPS="$(mktemp)"
export PLIMSOLL_SKIPS
beside="$(mktemp)"
trap 'rm -f "$PLIMSOLL_SKIPS" "$beside"' EXIT
waiting=(admission chart daemon e2e ends faults incidents plan_comes_true storm tenants)

# Names of all targets in `tests/` folders but those of `waiting`.
calculating() {
  cargo metadata --format-version 1 --no-deps --offline |
    grep -o '"kind":\["test"\],"crate_types":\["bin"\],"name":"[^"]*"' | sed 's/.*"name":"//; s/"$//' |
    grep -vxF -f <(printf '%s\n' "${waiting[@]}")
}

if [ $# -gt 0 ]; then
  cargo test --workspace --no-fail-fast "$@"
else
  cargo test --workspace --no-run
  mapfile -t others < <(calculating)
  [ ${#others[@]} -gt 0 ]
  cargo test --workspace --no-fail-fast "${waiting[@]/#/--test=}" >"$beside" 2>&1 &
  beside_pid=$!
  failed=0
  # Fuzz targets have no tests, and run for ever where `--bins` names them.
  cargo test --workspace --exclude plimsoll-fuzz --no-fail-fast --lib --bins "${others[@]/#/--test=}" || failed=1
  cargo test --workspace --no-fail-fast --doc || failed=1
  wait "$beside_pid" || failed=1
  cat "$beside"
  [ "$failed" = 0 ]
fi
skipped=$(wc -l <"$PLIMSOLL_SKIPS")
if [ "$skipped" -gt 0 ]; then
  echo "skipped: $skipped"
  sort "$PLIMSOLL_SKIPS" | sed 's/^/  skipped: /'
else
  echo "skipped: 0"
fi
