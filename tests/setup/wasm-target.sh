#!/usr/bin/env bash
# Makes it possible to compile Rust for wasm32-unknown-unknown. The last line says how:
#   native      the toolchain in PATH has the target
#   debian-web  Debian's second toolchain (rustc-web) builds the standard library from source
# wasm-cargo.sh then runs cargo in the right way. Installs by rustup, else by apt-get (root or sudo).
# The cargo and rustc of PATH stay what they are, see below. PLIMSOLL_WASM=debian-web skips the first way.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

target=wasm32-unknown-unknown
packages=(rustc-web cargo-web rust-web-src lld)
links="$cache/wasm/bin"

has_target() { [ "${PLIMSOLL_WASM:-}" != debian-web ] && [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/$target/lib" ]; }
has_debian() { [ -e /usr/lib/rustlib/src/rust/library/std/Cargo.toml ] && [ -x "$links/cargo" ]; }

finish() { echo "$1"; exit 0; }

if has_target; then finish native; fi
if has_debian; then finish debian-web; fi

if [ "${PLIMSOLL_WASM:-}" != debian-web ] && command -v rustup >/dev/null; then
  say "trying: rustup target add $target"
  if timeout 60 rustup target add "$target" >&2 && has_target; then finish native; fi
  say "rustup cannot fetch the target"
fi

command -v apt-get >/dev/null || die "no rustup target and no apt-get: install $target for your toolchain"
# rustc-web and Debian's own rustc exclude each other; replacing a compiler is not this script's choice.
for present in rustc cargo rustup; do
  if dpkg-query -W -f '${Status}' "$present" 2>/dev/null | grep -q 'ok installed'; then
    die "Debian's package $present is installed and excludes rustc-web; install $target for it yourself"
  fi
done
root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "needs root to install ${packages[*]}"
  root=(sudo)
fi
before="$(command -v cargo || true)"
say "installing Debian packages: ${packages[*]}"
"${root[@]}" apt-get update -qq >&2
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
# Links, because /usr/bin cannot be put first in PATH without hiding other tools, and because the
# toolchain of rustup must stay the first everywhere else.
mkdir -p "$links"
for tool in cargo rustc rustdoc; do ln -sfn "/usr/bin/$tool" "$links/$tool"; done
hash -r
[ -z "$before" ] || [ "$(command -v cargo)" = "$before" ] || say "warning: cargo in PATH is now $(command -v cargo)"
has_debian || die "the Debian packages have no library source"
finish debian-web
