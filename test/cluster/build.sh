#!/bin/bash
# build.sh           build what cluster.sh runs, unless that was done before; the last line printed is the folder
# build.sh --where   print that folder, built or not
#
# `kube` is all of Kubernetes, etcd, CoreDNS, kwok and Helm 4 in one binary; beside it its links, Helm 3, the pause
# program and kwok's stages. Needs Go >= 1.26.0 and the Go module proxy; nothing else is downloaded. From empty caches
# it takes 7 to 15 minutes on two cores. The result is kept in ~/.cache/tidegate (226 MB), keyed by all that it is
# made from; whoever comes while another one builds waits for that build. What was not used for 30 days is removed.
#
# To move to another patch release (1.36.x / 0.36.x must both be served, with
# their checksums): change `require` and every `replace` in go.mod, run
# `go mod tidy`. The list of replaces is the list of `=> ./staging` lines in
# k8s.io/kubernetes' own go.mod. go.mod's helm and kwok versions are the newest
# that ask for the same k8s.io minor.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate
key=$(cat go.mod go.sum main.go build.sh pause/main.go | sha256sum | cut -c1-16)
out=$cache/cluster-$key
if [ "${1:-}" = --where ]; then echo "$out"; exit; fi

mkdir -p "$cache"
exec 9>"$cache/cluster-$key.lock"
if ! flock -n 9; then echo "another build is under way, waiting for it"; flock 9; fi
if [ -d "$out" ]; then touch "$out"; echo "$out"; exit; fi

tmp=$out.part; rm -rf "$tmp"; mkdir "$tmp"; trap 'rm -rf "$tmp"' EXIT
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false"
ver() { go list -m -f '{{.Version}}' "$1"; }
kv=$(ver k8s.io/kubernetes)
ld="-s -w" # unstamped binaries call themselves v0.0.0-master, which breaks charts' kubeVersion
for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  IFS=. read -r major minor _ <<<"${kv#v}"
  ld="$ld -X $p.gitVersion=$kv -X $p.gitMajor=$major -X $p.gitMinor=$minor -X $p.gitTreeState=clean -X $p.gitCommit=proxy"
done
for m in 3 4; do ld="$ld -X helm.sh/helm/v$m/internal/version.version=$(ver helm.sh/helm/v$m)"; done
echo "building Kubernetes $kv, etcd, CoreDNS, kwok and Helm with $(go version | cut -d' ' -f3)"
build() { # NAME PACKAGE; -v names each package that had to be compiled, which is counted for those who wait
  go build -v -ldflags "$ld" -o "$tmp/$1" "$2" 2>&1 |
    awk -v name="$1" '/^go: (downloading|finding)/ { next } /^[A-Za-z0-9.\/_@~-]+$/ { if (++n % 100 == 0) print name ": " n " packages compiled"; fflush(); next } { print }'
}
build kube .
build helm3 helm.sh/helm/v3/cmd/helm
build pause ./pause
for c in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl helm kwok coredns; do
  ln -s kube "$tmp/$c"
done
k=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
for f in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease pod/fast/pod-{ready,complete,delete}; do
  echo ---; cat "$k/$f.yaml"
done >"$tmp/kwok-stages.yaml"
mv "$tmp" "$out" # at once: what is there is whole
find "$cache" -maxdepth 1 -name 'cluster-*' -mtime +30 -exec rm -rf {} +
echo "$out"
