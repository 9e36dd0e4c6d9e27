#!/usr/bin/env bash
# Starts one AWS emulator on 127.0.0.1 in the foreground: start.sh moto|ministack [PORT]. Prints
# "READY http://127.0.0.1:PORT" once it answers; without PORT it takes a free one. Ends when killed, or
# when its parent dies. Keeps no data. The emulators check no credentials: any will do.
set -euo pipefail

name="${1:?usage: start.sh moto|ministack [PORT]}"
env="$("$(dirname "${BASH_SOURCE[0]}")/../setup/emulators.sh" | tail -n1)"
port="${2:-$("$env/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}"

# A background job answers for the emulator, whose process this script becomes.
(
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "READY http://127.0.0.1:$port"
      exit
    fi
    sleep 0.1
  done
  echo "ERR $name does not answer" >&2
) &

with_parent=(setpriv --pdeathsig KILL)
command -v setpriv >/dev/null || with_parent=()
case "$name" in
  moto) exec "${with_parent[@]}" "$env/bin/moto_server" -H 127.0.0.1 -p "$port" >&2 ;;
  # Without BIND_HOST it would listen on every interface; its MQTT broker does so regardless.
  ministack) IOT_MTLS_ENABLED=0 BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" exec "${with_parent[@]}" "$env/bin/ministack" >&2 ;;
  *) echo "unknown emulator $name" >&2 && exit 2 ;;
esac
