#!/bin/sh
# The core's tests on the newest Python that is on this machine, in an environment of its own.
set -eu
cd "$(dirname "$0")/.."

version_of() { "$1" -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null; }

own=$(version_of .venv/bin/python)
for minor in 14 13 12; do
  if [ "3$minor" -le "$own" ]; then break; fi
  for python in "python3.$minor" "$HOME"/.pyenv/versions/3."$minor".*/bin/python3; do
    if [ "$(version_of "$python")" != "3$minor" ]; then continue; fi
    venv=.cache/py3$minor
    VENV=$venv PYTHON=$python tools/setup.sh
    echo "tests/core on $("$venv/bin/python" --version):"
    exec "$venv/bin/python" -m pytest tests/core -p no:cacheprovider -q "$@"
  done
done
echo "test-newest: NOT RUN, no Python newer than $(.venv/bin/python --version) was found"
