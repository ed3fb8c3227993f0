#!/usr/bin/env bash
# Build the image of Dockerfile, with docker, podman or buildah, whichever is there.
#   --tag NAME       its name (ocs-bridge:VERSION)
#   --local-base     make both bases from Debian packages with mmdebstrap instead of pulling them (root; Debian, bookworm)
#   --report         build it once more without any cache, compare both byte for byte, run it as the chart does (read-only, without
#                    rights), and print size, packages, start time, hadolint and SBOM; the latter is .cache/image/sbom.json
# STORAGE: options of buildah and podman, such as "--root DIR --storage-driver vfs". PIP_CONF, PIP_CA: pip.conf and CA
# certificates to build with.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
tag=ocs-bridge:$version local_base='' report=''
while [[ $# -gt 0 ]]; do
  case $1 in
    --tag) tag=$2; shift ;;
    --local-base) local_base=yes ;;
    --report) report=yes ;;
    *) echo "image: unknown option $1 (--tag NAME, --local-base, --report)" >&2; exit 64 ;;
  esac
  shift
done
read -ra storage <<< "${STORAGE:-}"
cache=.cache/image
mkdir -p "$cache"
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$epoch")
[[ -z ${PIP_CONF:-} ]] || arguments+=(--secret "id=pip,src=$PIP_CONF")
[[ -z ${PIP_CA:-} ]] || arguments+=(--secret "id=ca,src=$PIP_CA")

# What scanners look for in an image without a package manager, as distroless has it.
status_d='mkdir -p "$1/var/lib/dpkg/status.d"; for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb -f "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb -f "$deb" Package)"; done'

base() { # base NAME VARIANT PACKAGES: an image of a Debian with these packages, once
  local image recipe folder container
  recipe=$(sha256sum <<< "$* $status_d" | cut -c 1-8)
  image=localhost/ocs-bridge-$1-base:bookworm-$recipe folder=$cache/$1-$recipe
  if ! buildah "${storage[@]}" inspect --type image "$image" >/dev/null 2>&1; then
    if [[ ! -d $folder ]]; then
      rm -rf "$folder.part"
      SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --format=directory --variant="$2" --mode=root --include="$3" --extract-hook="$status_d" bookworm "$folder.part"
      mv "$folder.part" "$folder"
    fi
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add --quiet "$container" "$folder" / >/dev/null
    buildah "${storage[@]}" commit --quiet --timestamp 0 "$container" "$image" >/dev/null
    buildah "${storage[@]}" rm "$container" >/dev/null
  fi
  arguments+=(--build-arg "${1^^}_BASE=$image")
}

if [[ -n $local_base ]]; then
  base build essential binutils,ca-certificates,gcc,libc6-dev,libpython3-dev,python3-minimal,python3-pip,python3-venv
  # extract: no shell, no package manager, no start scripts.
  base run extract python3-minimal,libpython3.11-stdlib,tzdata,netbase
fi

engine=(podman "${storage[@]}")
build() { # build NAME [OPTION]: with what there is
  if [[ -z $local_base ]] && command -v docker >/dev/null; then
    engine=(docker)
    DOCKER_BUILDKIT=1 SOURCE_DATE_EPOCH=$epoch docker build "${arguments[@]}" "${@:2}" --tag "$1" .
  elif [[ -z $local_base ]] && command -v podman >/dev/null; then
    podman "${storage[@]}" build "${arguments[@]}" "${@:2}" --timestamp "$epoch" --tag "$1" .
  else
    buildah "${storage[@]}" build --isolation chroot "${arguments[@]}" "${@:2}" --timestamp "$epoch" --tag "$1" .
  fi
}

build "$tag"
echo "image: $tag is built"
if [[ -n $report ]]; then
  tools/chart-tools.sh
  build "$tag-again" --no-cache > "$cache/again.log" 2>&1 || { tail -n 30 "$cache/again.log" >&2; exit 1; }
  python3 tools/image_report.py "$tag" "$tag-again" "${engine[@]}"
  "${engine[@]}" rmi "$tag-again" > /dev/null # the same image: only the name goes
fi
