# Each target sets up what it needs: python3 (3.11 or newer, with venv) and make are all that must be there.
# Arguments go through ARGS: `make serve ARGS='--config bridge.yaml'`, `make test ARGS='tests/core -x'`.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
BIN := .venv/bin
ARGS ?=

.PHONY: help setup run demo serve docs test test-newest lint format faults bench lock system clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: ## make .venv with every locked dependency (once; later calls cost nothing)
	@tools/setup.sh

run: setup ## see it work: broker, traffic, bridge and receiver in one terminal (ARGS='--broker HOST:PORT', '--for 30s')
	@exec $(BIN)/ocs-bridge demo $(ARGS)

demo: run ## the same

serve: setup ## run the bridge itself; settings from ARGS='--config FILE' and the environment
	@exec $(BIN)/ocs-bridge run $(ARGS)

test: setup ## all tests, with coverage; broker tests where Java and Maven are (CI=true: must be)
	@tools/test.sh $(ARGS)

test-newest: setup ## the core's tests on the newest other Python found
	@tools/test-newest.sh

lint: setup ## ruff, mypy --strict, direction of imports
	@set -ex; \
	$(BIN)/ruff check .; \
	$(BIN)/ruff format --check .; \
	$(BIN)/mypy; \
	$(BIN)/lint-imports

format: setup ## let ruff format, and fix what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

faults: setup ## the proof of delivery: every fault, one table in the end (about an hour; ARGS='-k kill' for some)
	@$(BIN)/python -m pytest tests/faults -m faults $(ARGS)

bench: setup ## the benches in tests/bench; they print, and fail on wrong results only
	@$(BIN)/python -m pytest tests/bench -o python_files='bench_*.py' --timeout=900 -s $(ARGS)

docs: setup ## write docs/settings.md, its schema and docs/metrics.md anew from the code
	@$(BIN)/python -m bridge.config.docs
	@$(BIN)/python -m bridge.edge.catalogue

lock: ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@tools/lock.sh $(ARGS)

system: ## install the Debian programs that the broker and receiver tests need (root)
	@tools/install-system.sh

clean: ## remove everything that is made
	@rm -rf .venv .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	@find bridge tests -name __pycache__ -type d -prune -exec rm -rf {} +
