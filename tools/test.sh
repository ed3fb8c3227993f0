#!/bin/sh
# All tests with coverage, that of child processes too. The core must be covered whole when all tests ran.
# The core's tests only compute and most others only wait, so without arguments they run side by side; they are told after them.
# pytest's closing lines are said once more at the end, below the coverage, for readers of a CI log.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
log=.cache/test.log beside=.cache/test-core.log
mkdir -p .cache
whole=$([ $# -eq 0 ] && echo yes || echo no)
[ ! -t 1 ] || set -- --color=yes "$@"

rm -f .coverage .coverage.* .cache/test.status "$beside"
if [ "$whole" = yes ]; then
  nice -n 5 $bin/coverage run -m pytest -p no:cacheprovider tests/core tests/docs > "$beside" 2>&1 &
  core=$!
  trap 'kill "$core" 2>/dev/null || true' EXIT
  set -- --ignore=tests/core --ignore=tests/docs "$@"
fi
{ $bin/coverage run -m pytest "$@" 2>&1 && echo 0 > .cache/test.status || echo $? > .cache/test.status; } | tee "$log"
status=$(cat .cache/test.status)
if [ "$whole" = yes ]; then
  wait "$core" || status=$?
  trap - EXIT
  cat "$beside"
fi

if [ "$status" -eq 0 ] && [ "$whole" = yes ]; then
  $bin/coverage combine --quiet
  $bin/coverage report
  echo "coverage of the core, branches too, must be 100 %:"
  $bin/coverage report --include='bridge/core/*' --fail-under=100 || status=$?
fi
for each in "$beside" "$log"; do
  [ ! -f "$each" ] || grep -E '(passed|failed|skipped|deselected|errors?|no tests ran).* in [0-9.]+s' "$each" | tail -n 1
done
exit "$status"
