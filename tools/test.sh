#!/bin/sh
# The tests, or with arguments those that they choose (`tools/test.sh tests/core -x`).
#   core    pure computing, so one worker a processor; the coverage of bridge.core, branches too, must be 100 %
#   rest    mostly waits for brokers, sockets and processes, so several workers a processor
#   alone   what measures tenths of a second: in one process, with nothing beside it
# With TESTS=all, as CI has it, the long ones run, too, property tests try all their examples, and the last two steps run on
# the compiled bridge, as the image has it. Whatever is started ends with this script.
set -eu
cd "$(dirname "$0")/.."
guard=$(command -v setpriv >/dev/null && echo "setpriv --pdeathsig KILL" || true)
if [ -n "$guard" ] && [ -z "${GUARDED:-}" ]; then GUARDED=yes exec $guard "$0" "$@"; fi
pytest="$guard .venv/bin/python -m pytest -p no:cacheprovider"
[ $# -eq 0 ] || exec $pytest "$@"

processors=$(getconf _NPROCESSORS_ONLN)
[ ! -t 1 ] || pytest="$pytest --color=yes"
mkdir -p .cache/test
rm -f .cache/test/*
step() { # step NAME ARGUMENTS
  name=$1; shift
  echo "--- $name"
  { $pytest -q "$@" 2>&1 || echo "$name" >> .cache/test/failed; } | tee ".cache/test/$name.log"
}

core='tests/core tests/edge/test_assignor.py tests/test_several_events.py'
step core -n "$processors" $core --cov
if [ "${TESTS:-}" = all ]; then
  tools/compile.sh
  export PYTHONPATH="$PWD/.cache/compiled" PYTHONSAFEPATH=1
fi
others=$(printf -- '--ignore=%s ' $core)
step rest -n "$((3 * processors))" --maxschedchunk 1 --step rest $others
step alone --step alone $others

for name in core rest alone; do
  grep -h '^NOT RUN' ".cache/test/$name.log" || true
done
for name in core rest alone; do
  printf '%-6s' "$name"; grep -E '(passed|failed|skipped|deselected|errors?|no tests ran).* in [0-9.]+s' ".cache/test/$name.log" | tail -n 1
done
[ ! -e .cache/test/failed ] || { echo "failed: $(tr '\n' ' ' < .cache/test/failed)"; exit 1; }
