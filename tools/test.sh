#!/bin/sh
# All tests with coverage, that of child processes too. The core must be covered whole when all tests ran.
# pytest's closing line is said once more at the end, below the coverage, for readers of a CI log.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
log=.cache/test.log
mkdir -p .cache
whole=$([ $# -eq 0 ] && echo yes || echo no)
[ ! -t 1 ] || set -- --color=yes "$@"

rm -f .coverage .coverage.* .cache/test.status
{ $bin/coverage run -m pytest "$@" 2>&1 && echo 0 > .cache/test.status || echo $? > .cache/test.status; } | tee "$log"
status=$(cat .cache/test.status)

if [ "$status" -eq 0 ] && [ "$whole" = yes ]; then
  $bin/coverage combine --quiet
  $bin/coverage report
  echo "coverage of the core, branches too, must be 100 %:"
  $bin/coverage report --include='bridge/core/*' --fail-under=100 || status=$?
fi
grep -E '(passed|failed|skipped|deselected|errors?|no tests ran).* in [0-9.]+s' "$log" | tail -n 1
exit "$status"
