#!/usr/bin/env bash
# Proves by kubectl that the test cluster does what its README says: nodes, pods, eviction, load through
# the node proxy, stopping the API server, the audit log, and that nothing is left at the end. It is
# about the test cluster itself and knows nothing of Plimsoll. Takes half a minute.
set -euo pipefail

setup="$(cd "$(dirname "${BASH_SOURCE[0]}")/../setup" && pwd)"
binary="${1:-$("$setup/testcluster.sh" | tail -n1)}"
PATH="$("$setup/kubectl-helm.sh" | tail -n1):$PATH"
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
export KUBECONFIG="$dir/kubeconfig"

ms() { date +%s%3N; }
pass() { printf '%-58s %6d ms\n' "$1" "$(($(ms) - begin))"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
# until_ok COMMAND...: repeats it for at most 20 s.
until_ok() {
  local end=$(($(ms) + 20000))
  until "$@" >"$dir/last" 2>&1; do
    [ "$(ms)" -lt $end ] || fail "$* ($(tail -n1 "$dir/last"))"
    sleep 0.05
  done
}
tell() {
  echo "$1" >&"${cluster[1]}"
  read -r -t 60 reply <&"${cluster[0]}"
  [[ $reply == OK* ]] || fail "$1: $reply"
}

begin=$(ms)
coproc cluster { exec "$binary" up --dir "$dir" --stdin --metrics-api; }
read -r -t 120 ready <&"${cluster[0]}"
[[ $ready == READY* ]] || fail "$ready"
pids="$(grep -A9 '"pids"' "$dir/state.json" | sed -n 's/.*": \([0-9]*\),\{0,1\}$/\1/p') $cluster_PID"
pass "$ready"

node() {
  printf 'apiVersion: v1\nkind: Node\nmetadata: {name: %s, labels: {kubernetes.io/hostname: %s}, annotations: {fakelet/capacity: "cpu=2,memory=4Gi,pods=20"}}\nspec: {providerID: "aws:///zone/%s"}\n---\n' "$1" "$1" "$1"
}
begin=$(ms)
{ node a; node b; node c; } | kubectl create -f - >"$dir/last"
kubectl wait --for=condition=Ready node --all --timeout=20s >"$dir/last"
pass "3 nodes Ready"

begin=$(ms)
kubectl create -f - >"$dir/last" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {fakelet/load-group: web}}
    spec:
      containers: [{name: main, image: none, resources: {requests: {cpu: 500m, memory: 128Mi}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: default}
spec: {minAvailable: 6, selector: {matchLabels: {app: web}}}
YAML
kubectl rollout status deployment web --timeout=20s >"$dir/last"
pass "6 pods Running"

pods=($(kubectl get pods -l app=web -o name))
evict() {
  local name="${1#pod/}"
  printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"default"}}' "$name" |
    kubectl create --raw "/api/v1/namespaces/default/pods/$name/eviction" -f - 2>&1
}
healthy() { [ "$(kubectl get pdb web -o 'jsonpath={.status.currentHealthy}')" = 6 ]; }
begin=$(ms)
until_ok healthy
[[ "$(evict "${pods[0]}")" == *TooManyRequests* || "$(evict "${pods[0]}")" == *"disruption budget"* ]] || fail "eviction was allowed at 6 of 6"
pass "eviction refused by the budget (429)"
begin=$(ms)
kubectl patch pdb web --type=merge -p '{"spec":{"minAvailable":5}}' >"$dir/last"
allowed() { [ "$(kubectl get pdb web -o 'jsonpath={.status.disruptionsAllowed}')" = 1 ]; }
until_ok allowed
[[ "$(evict "${pods[0]}")" == *Success* ]] || fail "eviction was refused at 5 of 6"
pass "eviction granted with room in the budget"

used() { # CPU seconds of all containers named main
  for n in a b c; do kubectl get --raw "/api/v1/nodes/$n/proxy/metrics/resource"; done |
    awk '/^container_cpu_usage_seconds_total\{container="main"/ {sum += $2} END {printf "%.3f", sum}'
}
rate() { # of CPU, over 4 s
  local first start
  first=$(used) start=$(ms)
  sleep 4
  awk -v a="$first" -v b="$(used)" -v t="$(($(ms) - start))" 'BEGIN {printf "%.0f", (b - a) / t * 1000000}'
}
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || fail "CPU rate $1m, wanted $2m to $3m"; }
kubectl rollout status deployment web --timeout=20s >"$dir/last"
begin=$(ms)
calm=$(rate)
between "$calm" 240 360 # a tenth of 6 × 500m
kubectl annotate namespace default fakelet/load.web=3000 >"$dir/last"
sleep 1
busy=$(rate)
between "$busy" 2500 3500
pass "CPU through the node proxy: ${calm}m, then ${busy}m"
begin=$(ms)
until_ok kubectl top pod
pass "metrics.k8s.io answers kubectl top"

begin=$(ms)
kubectl delete node c --wait=false >"$dir/last"
moved() { [ -z "$(kubectl get pods -o 'jsonpath={.items[?(@.spec.nodeName=="c")].metadata.name}')" ]; }
until_ok moved
kubectl rollout status deployment web --timeout=20s >"$dir/last"
pass "pods of a deleted node replaced elsewhere"

server="$(sed -n 's/.*"server": "\(.*\)",/\1/p' "$dir/state.json")"
begin=$(ms)
tell "stop apiserver"
! kubectl get --raw /readyz >"$dir/last" 2>&1 || fail "the API server still answers"
tell "start apiserver"
[ "$(kubectl config view -o 'jsonpath={.clusters[0].cluster.server}')" = "$server" ] && kubectl get --raw /readyz >"$dir/last"
pass "API server stopped and started on the same port"
begin=$(ms)
kubectl scale deployment web --replicas=7 >"$dir/last"
kubectl rollout status deployment web --timeout=20s >"$dir/last"
pass "the cluster works on after it"

begin=$(ms)
kubectl create serviceaccount probe >"$dir/last"
kubectl --token "$(kubectl create token probe)" delete pod none >"$dir/last" 2>&1 || true
grep -q '"verb":"delete".*"user":{"username":"system:serviceaccount:default:probe"' "$dir/audit.log" || fail "the refused delete is not in the audit log"
grep -q '"verb":"create".*"username":"system:serviceaccount:default:other"' "$dir/audit.log" && fail "an unknown user is in the audit log"
pass "audit log names users"

begin=$(ms)
exec {cluster[1]}>&-
wait "$cluster_PID" || fail "exit status $?"
for pid in $pids; do
  [ ! -e "/proc/$pid" ] || fail "process $pid is left"
done
pass "ends with its standard input, no process left"
