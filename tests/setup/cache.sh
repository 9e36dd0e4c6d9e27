# Shared by the set-up scripts, to be sourced: where tools are cached, how a folder is filled exactly
# once, and a pip that works without an environment of its own. Installs nothing by itself.

cache="${PLIMSOLL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll}"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() { say "$*"; exit 1; }

# digest FILE...: names a cache folder after what it was made from.
digest() { cat -- "$@" | sha256sum | cut -c1-16; }

# fill FOLDER COMMAND...: runs COMMAND with a new folder as its last argument and moves that to FOLDER
# as a whole, so that an interrupted run leaves nothing that looks finished. Of two runs at the same
# time the second waits.
fill() {
  local target="$1" new
  shift
  mkdir -p "$(dirname "$target")"
  exec 9>"$target.lock"
  flock 9
  if [ ! -d "$target" ]; then
    new="$(mktemp -d "$target.new.XXXXXX")"
    if ! "$@" "$new" >&2; then
      rm -rf "$new"
      die "failed: $*"
    fi
    chmod 755 "$new"
    mv "$new" "$target"
  fi
  exec 9>&-
}

# newest PYTHON of at least MINOR: prints a python3 command.
python_at_least() {
  local minor="$1" candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if "$candidate" -c "import sys, venv; sys.exit(sys.version_info < (3, $minor))" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "needs python3 >= 3.$minor with venv (Debian: apt-get install python3-venv)"
}
