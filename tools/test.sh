#!/bin/sh
# The tests, or with arguments those that they choose (`tools/test.sh tests/core -x`).
#   core      pure computing, so one worker a processor; the coverage of bridge.core, branches too, must be 100 %
#   compiled  with TESTS=all, as CI has it: the core once more on the compiled bridge, as the image has it, with all examples of
#             property tests. The steps that follow run on that build then, too, the long tests among them
#   rest      mostly waits for brokers, sockets and processes, so several workers a processor
#   alone     what measures tenths of a second: in one process, with nothing beside it
# STEP names one of them to run by itself. Whatever is started ends with this script.
set -eu
cd "$(dirname "$0")/.."
guard=$(command -v setpriv >/dev/null && echo "setpriv --pdeathsig KILL" || true)
if [ -n "$guard" ] && [ -z "${GUARDED:-}" ]; then GUARDED=yes exec $guard "$0" "$@"; fi
export PYTHONDONTWRITEBYTECODE=  # hundreds of processes would compile the same sources again
pytest=".venv/bin/python -m pytest -p no:cacheprovider"
[ $# -eq 0 ] || exec $guard $pytest "$@"

processors=$(getconf _NPROCESSORS_ONLN)
[ ! -t 1 ] || pytest="$pytest --color=yes"
step() { # step NAME COMMAND...
  case ${STEP:-$1} in "$1") ;; *) return 0 ;; esac
  $guard .venv/bin/python tools/step.py "$@" || failed="${failed:-} $1"
}
core='tests/core tests/edge/test_assignor.py tests/test_several_events.py'
others=$(printf -- '--ignore=%s ' $core)

[ -n "${STEP:-}" ] || tools/step.py --clear
step core env -u TESTS $pytest -q -n "$processors" $core -m 'not long' --cov
if [ "${TESTS:-}" = all ]; then
  tools/compile.sh
  export PYTHONPATH="$PWD/.cache/compiled:$PWD/tests" PYTHONSAFEPATH=1
  step compiled $pytest -q -n "$processors" $core
fi
step rest $pytest -q -n "$((3 * processors))" --maxschedchunk 1 --step rest $others
step alone $pytest -q --step alone $others

if [ -z "${STEP:-}" ]; then
  grep -h '^NOT RUN' "${STEPS:-.cache/steps}"/*.log || true
  tools/step.py --table || true
fi
[ -z "${failed:-}" ] || { echo "failed:$failed"; exit 1; }
