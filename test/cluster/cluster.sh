#!/bin/bash
# cluster.sh up controlplane | up full | up node   start a cluster
# cluster.sh down                                  stop it, remove its state
# cluster.sh run CMD...        run CMD where the cluster's addresses exist
# cluster.sh kubectl ARGS...   kubectl as cluster admin
# cluster.sh load IMAGE.tar    put an image on the node
# cluster.sh stop NAME | start NAME   a part of it (kube-apiserver, etcd, kubelet, ...), on the same data
# cluster.sh ready             wait until the API server is ready
# cluster.sh daemon NAME CMD...   run CMD beside the cluster until `down`
#
# controlplane  etcd + kube-apiserver on loopback. No root needed.
# full          adds controller-manager, scheduler and kwok, which plays the
#               kubelet of every Node object you create: pods become Ready
#               without containers. No root needed.
# node          everything plus containerd, kubelet, kube-proxy, CoreDNS in
#               namespaces of their own (mount, network, pid, hostname), with no
#               way out to the host's network. Needs root.
#
# Environment:
#   KUBE_BIN     what build.sh made; for controlplane, any folder with etcd, kube-apiserver, kubectl
#   KUBE_STATE   a folder of this cluster's own, that `down` removes; its last part tells clusters apart
#   KUBE_OWNER   a process; when it has ended, in whatever way, the cluster is taken down
#   API_PORT, ETCD_PORT, ETCD_PEER_PORT, KWOK_PORT   free loopback ports (not used by node)
#   API_FLAGS    more flags of the API server, separated by spaces
#   PROXY_MODE   nftables or iptables
# `up node` needs Debian's containerd, runc, containernetworking-plugins,
# nftables (or iptables), conntrack; openssl everywhere.
set -euo pipefail
BIN=$(realpath "${KUBE_BIN:?set KUBE_BIN to the folder build.sh made}")
S=$(realpath -m "${KUBE_STATE:?set KUBE_STATE to a folder of its own}")
CGROUP=/tidegate-test-$(basename "$S")
HERE=$(dirname "$(realpath "$0")")
NODE=node1 POD_CIDR=10.244.1.0/24 SVC_CIDR=10.96.0.0/16
MODE=$(cat "$S/mode" 2>/dev/null || true)
[ "${1:-}" = up ] && MODE=${2:-node}
if [ "$MODE" = node ]; then IP=10.77.0.1 API=6443 ETCD=2379 PEER=2380; else IP=127.0.0.1 API=${API_PORT:-16443} ETCD=${ETCD_PORT:-12379} PEER=${ETCD_PEER_PORT:-12380}; fi
DNS=10.77.0.53

enter() { # run inside the node's namespaces (or plainly, where there are none)
  if [ "$MODE" = node ]; then nsenter -t "$(cat "$S/pids/init")" -m -n -p -u --wdns="$PWD" -- "$@"; else "$@"; fi
}
daemon() { # NAME CMD...
  local n=$1; shift
  printf '%q ' "$@" >"$S/commands/$n"
  if [ "$MODE" = node ]; then
    setsid nsenter -t "$(cat "$S/pids/init")" -m -n -p -u -- "$@" >>"$S/logs/$n.log" 2>&1 </dev/null &
  else
    setsid "$@" >>"$S/logs/$n.log" 2>&1 </dev/null &
  fi
  echo $! >"$S/pids/$n"
}
stop() { # NAME; nothing is worth a graceful stop (the API server alone takes 10 s)
  local p c; p=$(cat "$S/pids/$1")
  # nsenter waits for the process that it made inside the namespace, and does not pass signals on.
  for c in $(cat "/proc/$p/task/$p/children" 2>/dev/null) "$p"; do kill -KILL "$c" 2>/dev/null || true; done
  wait_for 10 gone "$p"
  rm "$S/pids/$1"
}
gone() { ! kill -0 "$1" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$1/stat")" = Z ]; }
ungroup() { # a process may be gone and still be in its group, until the kernel has switched away from it
  [ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} + || [ ! -d "$1" ]
}
kc() { KUBECONFIG=$S/admin.conf enter "$BIN/kubectl" "$@"; }
wait_for() { # SECONDS CMD...
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || { echo "timeout: $*" >&2; return 1; }; sleep 0.2; done
}

pki() {
  cd "$S/pki"
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -subj /CN=test-ca -days 30 -out ca.crt
  openssl ecparam -name prime256v1 -genkey -noout -out sa.key
  openssl ec -in sa.key -pubout -out sa.pub
  cert() { # FILE SUBJECT SANS
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" | openssl x509 -req -CA ca.crt -CAkey ca.key \
      -set_serial "0x$(openssl rand -hex 8)" -days 30 -out "$1.crt" -extfile <(
        echo 'extendedKeyUsage=serverAuth,clientAuth'; [ -z "${3:-}" ] || echo "subjectAltName=$3")
  }
  cert apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$IP,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  cert admin /O=system:masters/CN=admin
  cert front-proxy /CN=front-proxy-client
  kubeconfig admin "$S/admin.conf"
  if [ "$MODE" != controlplane ]; then
    cert controller-manager /CN=system:kube-controller-manager
    cert scheduler /CN=system:kube-scheduler
    for n in controller-manager scheduler; do kubeconfig $n "$S/$n.conf"; done
  fi
  if [ "$MODE" = node ]; then
    cert kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
    cert kubelet "/O=system:nodes/CN=system:node:$NODE" "IP:$IP,DNS:$NODE"
    cert proxy /CN=system:kube-proxy
    for n in kubelet proxy; do kubeconfig $n "$S/$n.conf"; done
  fi
}
kubeconfig() { # CERT FILE
  cat >"$2" <<E
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: $1}}]
clusters: [{name: test, cluster: {server: "https://$IP:$API", certificate-authority-data: $(base64 -w0 <ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 <"$1.crt"), client-key-data: $(base64 -w0 <"$1.key")}}]
E
}

control_plane() {
  local data=$S/etcd
  daemon etcd "$BIN/etcd" --name test --data-dir "$data" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$ETCD" --advertise-client-urls "http://127.0.0.1:$ETCD" \
    --listen-peer-urls "http://127.0.0.1:$PEER" --initial-advertise-peer-urls "http://127.0.0.1:$PEER" \
    --initial-cluster "test=http://127.0.0.1:$PEER"
  local p=$S/pki extra=()
  # Who asked for what: tests read it to see which rights are used, and which are missing.
  printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' 'rules: [{level: Metadata}]' >"$S/audit.yaml"
  case $MODE in
  controlplane) extra=(--disable-admission-plugins=ServiceAccount) ;; # nothing creates default accounts
  node) extra=(--enable-admission-plugins=NodeRestriction --kubelet-client-certificate="$p/kubelet-client.crt"
    --kubelet-client-key="$p/kubelet-client.key" --kubelet-certificate-authority="$p/ca.crt"
    --kubelet-preferred-address-types=InternalIP --advertise-address="$IP") ;;
  esac
  daemon kube-apiserver "$BIN/kube-apiserver" --etcd-servers="http://127.0.0.1:$ETCD" --bind-address="$IP" --secure-port="$API" \
    --tls-cert-file="$p/apiserver.crt" --tls-private-key-file="$p/apiserver.key" --client-ca-file="$p/ca.crt" \
    --authorization-mode=Node,RBAC --allow-privileged=true --service-cluster-ip-range=$SVC_CIDR \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$p/sa.pub" --service-account-signing-key-file="$p/sa.key" \
    --requestheader-client-ca-file="$p/ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --proxy-client-cert-file="$p/front-proxy.crt" \
    --proxy-client-key-file="$p/front-proxy.key" --enable-aggregator-routing=true \
    --audit-policy-file="$S/audit.yaml" --audit-log-path="$S/logs/audit.log" "${extra[@]}" ${API_FLAGS:-}
  [ "$MODE" = controlplane ] || {
    daemon kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig="$S/controller-manager.conf" --leader-elect=false \
      --root-ca-file="$p/ca.crt" --service-account-private-key-file="$p/sa.key" --use-service-account-credentials=true \
      --cluster-signing-cert-file="$p/ca.crt" --cluster-signing-key-file="$p/ca.key" --secure-port=0 \
      --kube-api-qps=500 --kube-api-burst=1000
    daemon kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$S/scheduler.conf" --leader-elect=false --secure-port=0
  }
}

namespaces() {
  # One process owns all namespaces. When it dies the kernel ends every process
  # of the cluster and drops its mounts, links and firewall rules.
  setsid unshare --mount --net --pid --uts --fork --mount-proc --propagation private --kill-child \
    "$BIN/pause" >"$S/logs/init.log" 2>&1 </dev/null &
  local u=$! i; echo $u >"$S/pids/unshare"
  for i in $(seq 50); do
    i=$(cat "/proc/$u/task/$u/children" 2>/dev/null) && [ -n "$i" ] && [ "$(readlink "/proc/${i% }/exe")" = "$(readlink -f "$BIN/pause")" ] && break
    sleep 0.1
  done
  echo "${i% }" >"$S/pids/init"
  enter bash -euc '
    hostname '$NODE'
    mount --make-rshared /
    for d in /var/lib/kubelet /var/lib/containerd /run/containerd /var/log/pods /var/log/containers /var/lib/cni /run/netns /run/xtables; do
      mkdir -p "$d" "$0/root$d"; mount --bind "$0/root$d" "$d"; done
    ip link set lo up
    # The node address sits on one end of a cable that leads nowhere. (No
    # dummy device: not every kernel has it.) The default route only makes
    # service addresses routable, so that they reach the NAT rules.
    ip link add node0 type veth peer name node0-end; ip link set node0-end up; ip link set node0 up
    ip addr add '$IP'/24 dev node0; ip addr add '$DNS'/32 dev node0; ip route add default dev node0 src '$IP'
    sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  ' "$S"
}

node() {
  local cg=$CGROUP p=$S/pki d
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then # version 2: one hierarchy
    mkdir -p "/sys/fs/cgroup$cg"
    sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    cat /sys/fs/cgroup/cgroup.subtree_control | sed 's/[^ ]*/+&/g' >"/sys/fs/cgroup$cg/cgroup.subtree_control"
  else for d in /sys/fs/cgroup/*/; do # kubelet wants its root cgroup to exist in every hierarchy
    case $d in */unified/) continue ;; esac
    mkdir -p "$d$cg"
    if [ -f "$d$cg/cpuset.cpus" ]; then cat "$d/cpuset.cpus" >"$d$cg/cpuset.cpus"; cat "$d/cpuset.mems" >"$d$cg/cpuset.mems"; fi
  done; fi
  cat >"$S/containerd.toml" <<E
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "test.local/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true # lowering it needs CAP_SYS_RESOURCE, which many CI machines drop
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$S/cni"
E
  mkdir -p "$S/cni"
  cat >"$S/cni/10-bridge.conflist" <<E
{"cniVersion":"0.4.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"hairpinMode":true,"ipMasq":false,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"$POD_CIDR"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
E
  printf 'nameserver %s\n' $DNS >"$S/resolv.conf"
  cat >"$S/kubelet.yaml" <<E
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $IP
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $p/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $p/kubelet.crt
tlsPrivateKeyFile: $p/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: $cg
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDomain: cluster.local
clusterDNS: [$DNS]
resolvConf: $S/resolv.conf
podCIDR: $POD_CIDR
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
maxPods: 250
registerNode: true
E
  cat >"$S/proxy.yaml" <<E
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $S/proxy.conf}
mode: ${PROXY_MODE:-nftables}
clusterCIDR: $POD_CIDR
hostnameOverride: $NODE
oomScoreAdj: 0
bindAddress: $IP
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
E
  cat >"$S/Corefile" <<E
cluster.local in-addr.arpa {
  bind $DNS
  errors
  health 127.0.0.1:8080
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $S/admin.conf
    ttl 1
  }
}
. { # a block of its own: template runs before kubernetes
  bind $DNS
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
E
  daemon containerd containerd --config "$S/containerd.toml"
  mkdir -p "$S/rootfs" && cp -L "$BIN/pause" "$S/rootfs/pause"
  "$HERE/mkimage.sh" test.local/pause:1 "$S/rootfs" "$S/pause.tar" '["/pause"]'
  wait_for 30 enter ctr version
  enter ctr -n k8s.io images import "$S/pause.tar" >/dev/null
  daemon kubelet "$BIN/kubelet" --config="$S/kubelet.yaml" --kubeconfig="$S/kubelet.conf" --hostname-override=$NODE --node-ip=$IP --v=2
  daemon kube-proxy "$BIN/kube-proxy" --config="$S/proxy.yaml"
  [ ! -e "$BIN/coredns" ] || daemon coredns "$BIN/coredns" -conf "$S/Corefile"
}

case ${1:-} in
up)
  [ ! -e "$S/mode" ] || { echo "already up; run: $0 down" >&2; exit 1; }
  t0=$(date +%s%N); since() { echo "$1: $((($(date +%s%N) - t0) / 1000000)) ms"; }
  mkdir -p "$S"/{pki,logs,pids,commands,root}; echo "$MODE" >"$S/mode"
  if [ -n "${KUBE_OWNER:-}" ]; then
    setsid bash -c 'tail --pid="$0" -f /dev/null; exec "$1" down' "$KUBE_OWNER" "$0" >/dev/null 2>&1 </dev/null &
    echo $! >"$S/watchdog"
  fi
  (pki) 2>"$S/logs/pki.log" ; since certificates
  [ "$MODE" != node ] || { namespaces; since namespaces; }
  control_plane
  [ "$MODE" != node ] || node
  wait_for 120 kc get --raw /readyz; since "API server ready"
  if [ "$MODE" != controlplane ]; then wait_for 60 kc get serviceaccount default; since "controllers ready"; fi
  if [ "$MODE" = full ] && [ -e "$BIN/kwok-stages.yaml" ]; then
    daemon kwok "$BIN/kwok" --kubeconfig="$S/admin.conf" --config="$BIN/kwok-stages.yaml" --manage-all-nodes=true --node-lease-duration-seconds=40 --server-address=127.0.0.1:${KWOK_PORT:-10247}
  fi
  if [ "$MODE" = node ]; then
    kc create clusterrolebinding kube-proxy --clusterrole=system:node-proxier --user=system:kube-proxy >/dev/null
    wait_for 120 kc wait --for=condition=Ready "node/$NODE" --timeout=1s; since "node ready"
  fi
  echo "KUBECONFIG=$S/admin.conf" ;;
down)
  w=$(cat "$S/watchdog" 2>/dev/null || true) # it is a group of its own; and it is this very process when the owner has ended
  [ -z "$w" ] || [ "$w" = $$ ] || kill -KILL -- "-$w" 2>/dev/null || true
  # All at once, then wait: the namespaces' first process takes the others along.
  for f in "$S"/pids/*; do [ ! -e "$f" ] || kill -KILL "$(cat "$f")" 2>/dev/null || true; done
  for f in "$S"/pids/*; do [ ! -e "$f" ] || wait_for 10 gone "$(cat "$f")"; done
  rm -rf "$S"
  for d in /sys/fs/cgroup/*"$CGROUP" "/sys/fs/cgroup$CGROUP"; do wait_for 10 ungroup "$d"; done ;;
stop) stop "$2" ;;
start) n=$2; eval "daemon $n $(cat "$S/commands/$n")" ;;
ready) wait_for 60 kc get --raw /readyz ;;
daemon) shift; daemon "$@" ;;
run) shift; KUBECONFIG=$S/admin.conf enter "$@" ;;
kubectl) shift; kc "$@" ;;
load) shift; for f; do enter ctr -n k8s.io images import "$f"; done ;;
*) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
esac
