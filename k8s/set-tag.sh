#!/usr/bin/env bash
# Sets the tag of Relevo's own images: k8s/set-tag.sh TAG [FOLDER], everywhere or under one folder of k8s.
set -euo pipefail
tag=${1:?usage: k8s/set-tag.sh TAG [FOLDER]}
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || { echo "'$tag' is no tag of an image" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${2:+$(cd "$2" && pwd)}
grep -rlZ 'name: docker.io/relevo/.*newTag' --include=kustomization.yaml "${folder:-$root/k8s}" |
  xargs -0 sed -i "s#\(name: docker.io/relevo/[a-z-]*, newTag:\) [^}]*#\1 \"$tag\"#"
[ -n "$folder" ] || sed -i "s#\(airflow: {tag:\) [^}]*#\1 \"$tag\"#" "$root/charts/airflow/version.yaml"
