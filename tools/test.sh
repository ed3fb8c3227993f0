#!/bin/sh
# All tests with coverage, that of child processes too. The core must be covered whole when all tests ran.
# Most tests wait, for brokers and processes, and the core's only compute; so without arguments they run in three parts, side by
# side: the last is shown as it goes, the others after it.
# pytest's closing lines are said once more at the end, below the coverage, for readers of a CI log.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
logs=.cache/tests
rm -rf "$logs" .coverage .coverage.*
mkdir -p "$logs"
whole=$([ $# -eq 0 ] && echo yes || echo no)
[ ! -t 1 ] || set -- --color=yes "$@"

if [ "$whole" = yes ]; then
  part="$bin/coverage run -m pytest -p no:cacheprovider"
  nice -n 5 $part tests/core tests/docs > "$logs/core.log" 2>&1 &
  core=$!
  $part tests/e2e tests/edge tests/faults > "$logs/processes.log" 2>&1 &
  processes=$!
  trap 'kill $core $processes 2>/dev/null || true' EXIT
  for folder in core docs e2e edge faults; do set -- "--ignore=tests/$folder" "$@"; done
fi
{ $bin/coverage run -m pytest "$@" 2>&1 || echo $? > "$logs/failed"; } | tee "$logs/rest.log"
if [ "$whole" = yes ]; then
  wait $core || echo $? > "$logs/failed"
  wait $processes || echo $? > "$logs/failed"
  trap - EXIT
  cat "$logs/core.log" "$logs/processes.log"
fi

status=0
[ ! -f "$logs/failed" ] || status=$(cat "$logs/failed")
if [ "$status" -eq 0 ] && [ "$whole" = yes ]; then
  $bin/coverage combine --quiet
  $bin/coverage report
  echo "coverage of the core, branches too, must be 100 %:"
  $bin/coverage report --include='bridge/core/*' --fail-under=100 || status=$?
fi
for log in "$logs"/*.log; do
  grep -E '(passed|failed|skipped|deselected|errors?|no tests ran).* in [0-9.]+s' "$log" | tail -n 1
done
exit "$status"
