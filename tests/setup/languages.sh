#!/usr/bin/env bash
# Installs what policies in other languages than Rust are built with (sdk/*, `plimsoll policy build`), and prints the
# languages as the last line. Into the cache only: Zig and componentize-py from the Python package index, the packages
# of the JavaScript and AssemblyScript SDKs from npm's, Go where there is none in PATH. Node.js 20 has to be there.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"
. "$(dirname "${BASH_SOURCE[0]}")/go.sh"

sdk="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../sdk" && pwd)"

# version FILE: the one that policies are built with.
version() { sed -n 's/^const VERSION: &str = "\(.*\)";$/\1/p' "$sdk/policy-build/src/languages/$1.rs"; }

python_package() {
  local package="$1" out="$2"
  say "fetching $package"
  "$(python_at_least 9)" -m venv "$out"
  "$out/bin/pip" install --quiet --disable-pip-version-check "$package"
}

npm_packages() {
  local from="$1" out="$2"
  command -v npm >/dev/null || die "needs Node.js 20 or newer with npm"
  say "fetching the packages of $(basename "$from")"
  cp "$from/package.json" "$from/package-lock.json" "$out"
  # Not `npm ci`: it stumbles over optional packages for other machines that componentize-qjs names and nobody published.
  npm install --prefix "$out" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
}

# of_version FOLDER VERSION: another version than this one is thrown away.
of_version() {
  if [ -d "$1" ] && ! ls -d "$1"/lib/python*/site-packages/*-"$2".dist-info >/dev/null 2>&1; then rm -rf "$1"; fi
}

zig="$(version zig)"
of_version "$cache/zig-tools" "$zig"
[ -d "$cache/zig-tools" ] || fill "$cache/zig-tools" python_package "ziglang==$zig"

componentize="$(version python)"
of_version "$cache/python-tools" "$componentize"
[ -d "$cache/python-tools" ] || fill "$cache/python-tools" python_package "componentize-py==$componentize"

for language in js assemblyscript; do
  folder="$cache/node-tools/$(digest "$sdk/$language/package-lock.json")"
  [ -d "$folder" ] || fill "$folder" npm_packages "$sdk/$language"
done

mkdir -p "$cache/go-tools/bin"
ln -sfn "$(find_go)" "$cache/go-tools/bin/go"

echo "assemblyscript c go js python zig"
