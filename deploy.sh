#!/usr/bin/env bash
# Everything of Relevo on the cluster of the current kubectl context, by Argo CD. Safe to run again.
#   ./deploy.sh             install Argo CD where it is missing, apply the root, wait, print addresses and logins
#   ./deploy.sh --status    show what is in sync and healthy, and what is not
#   ./deploy.sh --destroy   remove what runs; volumes, Secrets and namespaces stay. With --data they go as well
# KUBECTL names another client ("microk8s kubectl"), TIMEOUT the seconds to wait (1800),
# ARGOCD_MANIFEST another install manifest of Argo CD (a file or an address).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

argocd_version=v3.5.7
manifest=${ARGOCD_MANIFEST:-https://raw.githubusercontent.com/argoproj/argo-cd/$argocd_version/manifests/install.yaml}
root=.argocd-apps/apps-of-apps.yaml
read -ra kubectl <<<"${KUBECTL:-kubectl}"

k() { "${kubectl[@]}" "$@"; }
say() { printf '\033[1m%s\033[0m\n' "$*"; }
lacks() { printf '\033[33mlacks:\033[0m %s\n' "$*"; }
fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

check_access() {
  command -v "${kubectl[0]}" >/dev/null || fail "${kubectl[0]} is not installed; get it from https://kubernetes.io/docs/tasks/tools, or set KUBECTL"
  k version >/dev/null 2>&1 || fail "no cluster answers in context '$(k config current-context 2>/dev/null || echo none)'; choose one with: kubectl config use-context NAME"
  [ "$(k auth can-i '*' '*' --all-namespaces 2>/dev/null)" = yes ] || fail "this user may not administer the cluster: installing Argo CD and namespaces needs cluster-admin"
}

check_argocd() {
  k get customresourcedefinition applications.argoproj.io >/dev/null 2>&1 || fail "Argo CD is not installed here, nor Relevo; ./deploy.sh installs both"
}

kind_of_cluster() {
  case $(k get nodes -o jsonpath='{.items[0].spec.providerID} {.items[0].metadata.labels}' 2>/dev/null) in
    kind:*) echo kind ;;
    gce:*) echo GKE ;;
    aws:*) echo EKS ;;
    *microk8s*) echo MicroK8s ;;
    *) echo Kubernetes ;;
  esac
}

check_cluster() {
  local kind; kind=$(kind_of_cluster)
  say "$kind, context $(k config current-context 2>/dev/null || echo in-cluster)"
  if ! k get storageclass -o jsonpath='{.items[*].metadata.annotations}' | grep -q 'is-default-class":"true"'; then
    case $kind in
      MicroK8s) fail "no default StorageClass; run: microk8s enable hostpath-storage dns" ;;
      EKS) fail "no default StorageClass; add the EBS CSI driver and mark its class as the default" ;;
      *) fail "no default StorageClass; mark one: kubectl patch storageclass NAME -p '{\"metadata\":{\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":\"true\"}}}'" ;;
    esac
  fi
  k get --raw /apis/metrics.k8s.io/v1beta1 >/dev/null 2>&1 || lacks "metrics-server: the API is not scaled by load until it is installed"
  case $kind in
    GKE) lacks "NetworkPolicy is enforced only with Dataplane V2 or the network policy add-on" ;;
    EKS) lacks "NetworkPolicy is enforced only with enableNetworkPolicy of the VPC CNI" ;;
    MicroK8s | kind) ;;
    *) lacks "nobody can tell from outside whether NetworkPolicy is enforced here; ask your network plugin" ;;
  esac
}

install_argocd() {
  if k -n argocd get deployment argocd-server >/dev/null 2>&1; then
    say "Argo CD is there"
  else
    say "installing Argo CD $argocd_version"
    k create namespace argocd --dry-run=client -o yaml | k apply -f - >/dev/null
    k apply --server-side --force-conflicts -n argocd -f "$manifest" >/dev/null
    while read -r workload requests; do
      k -n argocd set resources "$workload" --requests="$requests" >/dev/null
    done < <(grep -v '^#' k8s/argocd/requests.txt)
  fi
  k -n argocd rollout status --timeout=300s statefulset/argocd-application-controller deployment/argocd-repo-server >/dev/null
}

check_source() { # what is not pushed does not arrive
  local ahead
  ahead=$(git rev-list --count '@{upstream}..HEAD' 2>/dev/null) || return 0
  [ "$ahead" = 0 ] || lacks "$ahead commits are not pushed: Argo CD reads $(sed -n 's/ *repoURL: //p' $root)"
}

applications() { # name, wave, sync, health, what it says
  k -n argocd get applications.argoproj.io --sort-by=.metadata.name --no-headers -o custom-columns='NAME:.metadata.name,WAVE:.metadata.annotations.argocd\.argoproj\.io/sync-wave,SYNC:.status.sync.status,HEALTH:.status.health.status' 2>/dev/null |
    awk '$1 ~ /^relevo/ { if ($1 == "relevo") $2 = "root"; print }' | sort -k2,2n -k1,1
}

expected() { k kustomize "${root%/*}" | grep -c '^kind: Application$'; }

picture() {
  awk '{ mark = ($3 == "Synced" && $4 == "Healthy") ? "\033[32m✓\033[0m" : ($4 == "Degraded" ? "\033[31m✗\033[0m" : "\033[33m…\033[0m")
         printf "  %s %-26s wave %-5s %-10s %s\n", mark, $1, $2, $3, $4 }'
}

all_well() { awk -v want="$1" '$3 != "Synced" || $4 != "Healthy" { bad = 1 } END { exit bad || NR < want }'; }

wait_for_all() {
  local until=$((SECONDS + ${TIMEOUT:-1800})) want shown='' now lines=0
  want=$(expected)
  while ((SECONDS < until)); do
    now=$(applications)
    if [ "$now" != "$shown" ] && [ -n "$now" ]; then
      if [ -t 1 ] && ((lines)); then printf '\033[%dA\033[J' "$lines"; fi
      picture <<<"$now"
      lines=$(wc -l <<<"$now") shown=$now
      [ -t 1 ] || echo
    fi
    if [ -n "$now" ] && all_well "$want" <<<"$now"; then return; fi
    sleep 3
  done
  explain
  fail "not all Applications were in sync and healthy after ${TIMEOUT:-1800} s; the reasons are above, ./deploy.sh --status shows them again"
}

explain() { # what is not well, in its own words
  local name
  for name in $(applications | awk '$3 != "Synced" || $4 != "Healthy" { print $1 }'); do
    k -n argocd get applications.argoproj.io "$name" -o jsonpath='{.metadata.name}: {.status.operationState.message}{"\n"}{range .status.conditions[*]}  {.message}{"\n"}{end}{range .status.resources[?(@.health.status=="Degraded")]}  {.kind} {.namespace}/{.name}: {.health.message}{"\n"}{end}'
  done
}

secret() { k -n "$1" get secret "$2" -o "go-template={{index .data \"$3\" | base64decode}}" 2>/dev/null || echo "not made yet"; }

pages() { # name, namespace, Service, port here and there; prod has the first port, other environments the next
  local environment of='' next=0
  for environment in prod $(basename -a k8s/overlays/* | grep -vx prod); do
    [ "$environment" = prod ] || of="($environment)"
    echo "UI$of relevo-$environment streamlit $((8501 + next)):8501"
    echo "API$of relevo-$environment inference-api $((8989 + next)):8989"
    next=$((next + 1))
  done
  cat <<'LIST'
Airflow relevo-airflow airflow-api-server 8080:8080
MLflow relevo-mlflow mlflow 5000:5000
Grafana relevo-observability grafana 3000:3000
Locust relevo-load locust 8089:8089
Argo-CD argocd argocd-server 8443:443
LIST
}

addresses() {
  say "Look: each line in a terminal of its own, then open its address"
  local name namespace service port
  while read -r name namespace service port; do
    printf '  %-9s kubectl -n %-21s port-forward svc/%-20s %s   http://127.0.0.1:%s\n' "$name" "$namespace" "$service" "$port" "${port%%:*}"
  done < <(pages)
  say "Log in"
  printf '  %-9s admin  %s\n' \
    Airflow "$(secret relevo-airflow airflow-login passwords.json | sed 's/.*: *"\(.*\)".*/\1/')" \
    Grafana "$(secret relevo-observability grafana admin-password)" \
    Argo-CD "$(secret argocd argocd-initial-admin-secret password)"
}

destroy() {
  say "removing the Applications and what they made, the last wave first"
  # The root is one of its own Applications, so it would wait for its own end: it goes alone, and the others after it.
  if k -n argocd get applications.argoproj.io relevo >/dev/null 2>&1; then
    k -n argocd patch applications.argoproj.io relevo --type=merge --patch='{"metadata":{"finalizers":null}}' >/dev/null
    k -n argocd delete applications.argoproj.io relevo --ignore-not-found
  fi
  local wave
  for wave in $(applications | awk '{ print $2 }' | sort -rnu); do
    applications | awk -v wave="$wave" '$2 == wave { print $1 }' |
      xargs "${kubectl[@]}" -n argocd delete applications.argoproj.io --timeout=600s
  done
  k -n argocd delete appprojects.argoproj.io relevo --ignore-not-found
  if [ "${1:-}" = --data ]; then
    say "removing namespaces, volumes and Secrets"
    k delete namespace --selector=app.kubernetes.io/part-of=relevo --timeout=600s
  else
    echo "volumes, Secrets and namespaces stay; ./deploy.sh finds them again, ./deploy.sh --destroy --data removes them"
  fi
  echo "Argo CD stays; remove it with: kubectl delete namespace argocd"
}

deploy() {
  check_cluster
  check_source
  install_argocd
  say "applying $root"
  k apply -f "$root" >/dev/null
  wait_for_all
  addresses
}

case ${1:-} in
  '') check_access; deploy ;;
  --status) check_access; check_argocd; applications | picture; explain; addresses ;;
  --destroy) check_access; check_argocd; destroy "${2:-}" ;;
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]##*/}" ;;
  *) fail "no such option: $1; see ./deploy.sh --help" ;;
esac
