#!/usr/bin/env bash
# Runs cargo for wasm32-unknown-unknown: wasm-cargo.sh build --release [more of cargo's arguments]. Which
# toolchain it uses is wasm-target.sh's finding. Give all plugins one CARGO_TARGET_DIR: where the standard
# library is built from source, every target folder builds its own.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

kind="$("$(dirname "${BASH_SOURCE[0]}")/wasm-target.sh" | tail -n1)"
command="${1:?usage: wasm-cargo.sh build [arguments]}"
shift

if [ "$kind" = native ]; then
  exec cargo "$command" --target wasm32-unknown-unknown "$@"
fi

# Debian's lld is an old one; prefer the linker that comes with the toolchain in PATH.
linker="$(rustc --print sysroot 2>/dev/null)/lib/rustlib/$(uname -m)-unknown-linux-gnu/bin/rust-lld"
[ -x "$linker" ] || linker=wasm-ld
# A test run by cargo passes its toolchain down in these; they would mix two compilers.
unset CARGO RUSTC RUSTDOC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTUP_TOOLCHAIN LD_LIBRARY_PATH
export PATH="$cache/wasm/bin:$PATH"
export CARGO_HOME="$cache/wasm/cargo-home" # its own: the two cargos differ in version
export RUSTC_BOOTSTRAP=1                   # -Z on a stable compiler
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker"
exec cargo "$command" -Z build-std=std,panic_abort --target wasm32-unknown-unknown "$@"
