#!/usr/bin/env bash
# Install the Debian programs that the tests with a real broker and a receiver that is not ours, and the compiled bridge, need.
# Does nothing where all are there.
set -euo pipefail

declare -A package_of=(
  [java]=openjdk-17-jre-headless [mvn]=maven [kcat]=kcat [nginx]=nginx-light [openssl]=openssl [setpriv]=util-linux [promtool]=prometheus
  [prometheus-alertmanager]=prometheus-alertmanager [cc]=gcc
)
export PATH="$PATH:/usr/sbin:/sbin"

missing=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

echo "install-system: installing ${missing[*]}"
command -v apt-get >/dev/null || { echo "install-system: no apt-get here; install by hand: ${missing[*]}" >&2; exit 1; }
[[ $(id -u) -eq 0 ]] || { echo "install-system: needs root: apt-get install ${missing[*]}" >&2; exit 1; }
# RUNLEVEL=1: packages must not start their services (nginx on port 80).
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get -qq -o Acquire::Retries=3 update
apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}" >/dev/null
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || { echo "install-system: $program is still missing" >&2; exit 1; }
done
