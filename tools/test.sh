#!/bin/sh
# The tests, or with arguments those that they choose (`tools/test.sh tests/core -x`).
#   core      pure computing, so one worker a processor; the coverage of bridge.core, branches too, must be 100 %
#   rest      mostly waits for brokers, sockets and processes, so several workers a processor
#   alone     what measures tenths of a second: in one process, with nothing beside it
# With TESTS=all, as CI has it, the long ones run, too, and property tests try all their examples; that is done on the compiled
# bridge, as the image has it, on which the core runs once more. Whatever is started ends with this script. Where STEPS names
# the folder of a longer run (tools/step.py), this is a part of it, and that run sees to the last step.
set -eu
cd "$(dirname "$0")/.."
guard=$(command -v setpriv >/dev/null && echo "setpriv --pdeathsig KILL" || true)
if [ -n "$guard" ] && [ -z "${GUARDED:-}" ]; then GUARDED=yes exec $guard "$0" "$@"; fi
export PYTHONDONTWRITEBYTECODE=  # hundreds of processes would compile the same sources again
pytest=".venv/bin/python -m pytest -p no:cacheprovider"
[ $# -eq 0 ] || exec $guard $pytest "$@"

processors=$(getconf _NPROCESSORS_ONLN)
[ ! -t 1 ] || pytest="$pytest --color=yes"
step() { name=$1; shift; $guard .venv/bin/python tools/step.py "$name" "$@" || failed="${failed:-} $name"; }
core='tests/core tests/edge/test_assignor.py tests/test_several_events.py'

[ -n "${STEPS:-}" ] || tools/step.py --clear
step core env -u TESTS $pytest -q -n "$processors" $core -m 'not long' --cov
if [ "${TESTS:-}" = all ]; then
  tools/compile.sh
  export PYTHONPATH="$PWD/.cache/compiled:$PWD/tests" PYTHONSAFEPATH=1
  step core-compiled $pytest -q -n "$processors" $core
fi
others=$(printf -- '--ignore=%s ' $core)
step rest $pytest -q -n "$((3 * processors))" --maxschedchunk 1 --step rest $others
[ -n "${STEPS:-}" ] || step alone $pytest -q --step alone $others

grep -h '^NOT RUN' "${STEPS:-.cache/steps}"/*.log || true
[ -n "${STEPS:-}" ] || tools/step.py --table || true
[ -z "${failed:-}" ] || { echo "failed:$failed"; exit 1; }
