#!/usr/bin/env bash
# Runs every fuzz target for so many seconds, two at a time: `tests/fuzz.sh SECONDS [TARGET…]`. Inputs that were found
# interesting are kept in the cache, outside the clone, and serve the next run; an input that fails is kept beside them
# and named.
#
# Built in the tests' own target directory: only crates of this workspace are compiled again, with libFuzzer's marks in
# them; wasmtime and the rest are those of the tests (--workspace: with the same features).
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:?usage: tests/fuzz.sh SECONDS [TARGET...]}"
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(component answer config manifest)
cache="${PLIMSOLL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll}/fuzz"
target_dir="${CARGO_TARGET_DIR:-target}"
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
begun=$SECONDS
RUSTC_WORKSPACE_WRAPPER="$PWD/tests/fuzz/instrument.sh" \
    cargo build --quiet --workspace --bin seeds "${bins[@]}"
# Copies: the next plain build of the package writes to the same names.
bin="$(mktemp -d)"
trap 'rm -rf "$bin"' EXIT
for target in "${targets[@]}" seeds; do cp "$target_dir/debug/$target" "$bin/"; done
echo "fuzz: built in $((SECONDS - begun)) s"

run() {
    local target="$1" log="$bin/$1.log" folder="$cache/$1"
    mkdir -p "$folder/corpus" "$folder/failed" "$bin/$target-seeds"
    "$bin/seeds" "$target" "$bin/$target-seeds"
    if "$bin/$target" "$folder/corpus" "$bin/$target-seeds" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -max_len=65536 -artifact_prefix="$folder/failed/" -print_final_stats=1 >"$log" 2>&1; then
        local runs covered
        runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
        covered="$(grep -o 'cov: [0-9]*' "$log" | tail -1)"
        echo "fuzz: $target: $runs inputs in $seconds s, ${covered:-cov: 0}, 0 failed"
    else
        echo "fuzz: $target FAILED; its last words:" >&2
        tail -40 "$log" >&2
        return 1
    fi
}

failed=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
    running=()
    for target in "${targets[@]:at:2}"; do
        run "$target" &
        running+=($!)
    done
    for pid in "${running[@]}"; do wait "$pid" || failed=1; done
done
exit "$failed"
