#!/usr/bin/env bash
# Makes a Python environment with the AWS emulators pinned in tests/emulators/requirements.txt and prints
# its folder as the last line. It starts none of them: tests/emulators/start.sh does.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

pins="$(cd "$(dirname "${BASH_SOURCE[0]}")/../emulators" && pwd)/requirements.txt"
python="$(python_at_least 10)"
version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
folder="$cache/emulators/$(digest "$pins")-py$version"

# An environment names its own folder in its scripts, so this one is made in place; the mark says that it
# is complete.
if [ ! -e "$folder/complete" ]; then
  mkdir -p "$(dirname "$folder")"
  exec 9>"$folder.lock"
  flock 9
  if [ ! -e "$folder/complete" ]; then
    say "installing the emulators (about half a minute)"
    rm -rf "$folder"
    "$python" -m venv "$folder" >&2
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins" >&2
    touch "$folder/complete"
  fi
  exec 9>&-
fi
echo "$folder"
