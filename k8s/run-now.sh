#!/usr/bin/env bash
# Runs a CronJob of the cluster now, prints what it says, and fails where it fails: k8s/run-now.sh NAME
# backup · restore · rotate-postgresql · load. KUBECTL names another client ("microk8s kubectl").
set -euo pipefail
name=${1:?usage: k8s/run-now.sh backup|restore|rotate-postgresql|load}
read -ra kubectl <<<"${KUBECTL:-kubectl}"

namespace=$("${kubectl[@]}" get cronjobs --all-namespaces --field-selector="metadata.name=$name" -o jsonpath='{.items[*].metadata.namespace}')
[[ $namespace == relevo-* && $namespace != *' '* ]] || { echo "no CronJob of Relevo is called '$name' in this cluster; kubectl get cronjobs -A lists them" >&2; exit 1; }
k() { "${kubectl[@]}" -n "$namespace" "$@"; }

job=$name-$(date +%s)
k create job "$job" --from="cronjob/$name"
until conditions=$(k get job "$job" -o jsonpath='{.status.conditions[?(@.status=="True")].type}') && [[ $conditions =~ Complete|Failed ]]; do sleep 2; done
k logs "job/$job" --all-containers --prefix || true # one that never began has none
[[ $conditions == *Complete* ]] || { echo "$job failed; kubectl -n $namespace describe job $job says when" >&2; exit 1; }
