#!/bin/sh
# Make a virtual environment with every locked dependency and the bridge itself, editable.
# PYTHON names the interpreter (default: the first fit one found), VENV the folder (default: .venv).
# The stamp is everything the environment is made from, so a second call costs nothing.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

fit() { # can this interpreter run the bridge? pyenv leaves names on PATH that can't run at all
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  for name in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
    if fit "$name"; then echo "$name"; return; fi
  done
  echo "setup: no Python 3.11 or newer found (tried: ${PYTHON:-python3.11 to python3.14, python3})." >&2
  echo "setup: install one (Debian: apt install python3 python3-venv), or name it: PYTHON=/path/to/python3 make setup" >&2
  return 1
}

made_from() { echo "$PWD/$venv"; cat requirements/dev.txt pyproject.toml tools/setup.sh; }

if made_from | cmp -s - "$venv/made-from"; then exit 0; fi

if ! { [ -x "$venv/bin/python" ] && fit "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python)
  echo "setup: making $venv with $("$python" --version)" >&2
  "$python" -m venv --clear "$venv" || {
    echo "setup: $python has no working venv module (Debian: apt install python3-venv)" >&2
    exit 1
  }
fi
rm -f "$venv/made-from"
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"
echo "setup: installing the locked dependencies (requirements/dev.txt) into $venv" >&2
$pip install --require-hashes -r requirements/dev.txt
echo "setup: installing the bridge, editable" >&2
$pip install --no-deps --no-build-isolation -e .
made_from > "$venv/made-from"
echo "setup: done" >&2
