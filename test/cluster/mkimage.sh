#!/bin/bash
# mkimage.sh NAME:TAG ROOTFS OUT.tar ENTRYPOINT_JSON [ENV_JSON] [USER]
# Packs a folder as a one-layer OCI image that `ctr images import` takes.
# Needs tar, gzip, sha256sum only. Same input gives the same digest.
set -euo pipefail
name=$1 root=$2 out=$3 entry=$4 env=${5:-[]} user=${6:-}
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
b=$d/blobs/sha256; mkdir -p "$b"
tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$d/l.tar" .
diff=$(sha256sum <"$d/l.tar" | cut -d' ' -f1)
gzip -n1 "$d/l.tar"
put() { # file -> "digest size", moved into the blob store
  local s; s=$(sha256sum <"$1" | cut -d' ' -f1); mv "$1" "$b/$s"; echo "$s $(stat -c %s "$b/$s")"; }
read -r ls lz < <(put "$d/l.tar.gz")
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":%s,"Env":%s,"User":"%s"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$arch" "$entry" "$env" "$user" "$diff" >"$d/c"; read -r cs cz < <(put "$d/c")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s}]}' \
  "$cs" "$cz" "$ls" "$lz" >"$d/m"; read -r ms mz < <(put "$d/m")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' \
  "$ms" "$mz" "$name" "${name##*:}" >"$d/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$d/oci-layout"
tar -C "$d" -cf "$out" oci-layout index.json blobs
