#!/bin/sh
# Write requirements/*.txt anew from pyproject.toml, with hashes, for every platform and Python at once.
# Versions stay as they are where they still fit; --upgrade takes the newest.
set -eu
cd "$(dirname "$0")/.."
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
tools/setup.sh
.venv/bin/python -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check --quiet install 'uv>=0.9,<1'

compile() { # compile OUTPUT [OPTION...]
  output=$1; shift
  "$venv/bin/uv" pip compile --quiet --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-header \
    "$@" --output-file "requirements/$output" pyproject.toml
}
compile run.txt "$@"
compile dev.txt --all-extras --group dev "$@"
echo "lock: requirements/run.txt and requirements/dev.txt are written"
