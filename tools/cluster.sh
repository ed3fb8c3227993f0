#!/usr/bin/env bash
# Put the chart, the image and a real Kafka through a Kubernetes cluster (tests/chart/test_cluster.py).
#   KUBECONFIG    a cluster to use, such as kind's or k3d's: load the image into it, and name it in CLUSTER_IMAGE.
#   CLUSTER_HOST  the address of this machine as pods see it: Kafka and the receiver listen there.
# Without KUBECONFIG: a control plane of KUBELAB (a folder with apiserver-up) and pods in podman; needs root and Debian.
# Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=${KUBELAB:-../shared/k8s}
if [[ -z ${KUBECONFIG:-} && ( ! -x $lab/apiserver-up || $(id -u) -ne 0 ) ]]; then
  echo "cluster: NOT RUN: there is no $lab/apiserver-up, or this is not root; set KUBECONFIG, CLUSTER_IMAGE and CLUSTER_HOST (kind create cluster; kind load docker-image)" >&2
  exit 1
fi
tools/install-system.sh
tools/chart-tools.sh
export PATH=$PWD/.cache/chart/bin:$PATH

if [[ -z ${KUBECONFIG:-} ]]; then
  lab=$(cd "$lab" && pwd)
  missing=
  for program in podman buildah runc mmdebstrap catatonit; do command -v "$program" >/dev/null || missing=yes; done
  if [[ -n $missing ]]; then
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq update
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends podman buildah runc mmdebstrap catatonit >/dev/null
  fi
  here=$PWD/.cache/cluster
  mkdir -p "$here"
  export CONTAINERS_CONF=$lab/podman.conf
  export STORAGE="--root $here/storage --runroot $here/run --storage-driver vfs"
  export CLUSTER_IMAGE=localhost/ocs-bridge:test CLUSTER_HOST=10.244.7.1
  PIP_CONF=$([[ ! -e /etc/pip.conf ]] || echo /etc/pip.conf) PIP_CA=${PIP_CERT:-} \
    tools/image.sh --local-base --tag "$CLUSTER_IMAGE" > "$here/image.log" 2>&1 || { tail -n 30 "$here/image.log" >&2; exit 1; }
  rm -rf "$here/lab"
  # A pod that is deleted while its container is made can leave it behind.
  trap '"$lab/apiserver-down" "$here/lab"; podman $STORAGE rm --all --force --time 0 > /dev/null 2>&1 || true' EXIT
  KUBELAB_KUBELET="--podman '$STORAGE' --net 10.244.7" "$lab/apiserver-up" "$here/lab" > "$here/up.log"
  export KUBECONFIG=$here/lab/kubeconfig CLUSTER_LOGS=$here/lab/pods
  python3 "$lab/stub-crds.py" | kubectl apply --server-side -f - > /dev/null
  kubectl wait --for condition=established crd --all --timeout 30s > /dev/null
fi
.venv/bin/python -m pytest tests/chart -m cluster -s -p no:cacheprovider "$@"
