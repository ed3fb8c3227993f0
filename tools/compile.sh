#!/bin/sh
# The bridge with its hot path compiled, as the image has it, in .cache/compiled: once for the sources as they are.
# It needs a C compiler and the headers of Python. Run it with PYTHONPATH=$PWD/.cache/compiled PYTHONSAFEPATH=1.
set -eu
cd "$(dirname "$0")/.."
target=.cache/compiled
made_from() { cat requirements/dev.txt pyproject.toml tools/hatch_build.py; find bridge -type f ! -name '*.pyc' | sort | xargs cat; }

if made_from 2>/dev/null | cmp -s - "$target/made-from"; then exit 0; fi
command -v "${CC:-cc}" >/dev/null || { echo "compile: no C compiler (Debian: apt install gcc python3-dev)" >&2; exit 1; }
mkdir -p .cache
echo "compile: mypyc makes $target (a minute)" >&2
part=$(mktemp -d .cache/compiled.XXXXXX)
trap 'rm -rf "$part"' EXIT
log=$(OCS_BRIDGE_COMPILE=1 .venv/bin/python -m hatchling build -t wheel -d "$part/wheel" 2>&1) || { echo "$log" >&2; exit 1; }
.venv/bin/python -m zipfile -e "$part"/wheel/*.whl "$part"
made_from > "$part/made-from"
rm -rf "$target"
mv "$part" "$target"
