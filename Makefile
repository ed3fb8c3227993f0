# Each target sets up what it needs: python3 (3.11 or newer, with venv) and make are all that must be there.
# Arguments go through ARGS: `make serve ARGS='--config bridge.yaml'`, `make test ARGS='tests/core -x'`.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
BIN := .venv/bin
# What is compiled goes before the sources, for processes that tests start, too.
COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/.cache/compiled:$(CURDIR)/tests
ARGS ?=

.PHONY: help setup run demo serve docs test test-newest compiled test-compiled lint format faults fuzz mutations bench bench-quick bench-parts bench-check lock system clean chart chart-docs alerts image cluster dashboards dashboards-test dashboards-preview dashboards-cost

##@ These five first

run: setup ## see it work: broker, traffic, bridge and receiver in one terminal (ARGS='--broker HOST:PORT', '--for 30s')
	@exec $(BIN)/ocs-bridge demo $(ARGS)

serve: setup ## run the bridge itself; settings from ARGS='--config FILE' and the environment
	@exec $(BIN)/ocs-bridge run $(ARGS)

test: setup ## the tests: 5 minutes with Java and Maven, 2 without (TESTS=all: the long ones, too; ARGS='tests/core -x': those)
	@exec tools/test.sh $(ARGS)

lint: setup ## ruff, mypy --strict, direction of imports
	@set -ex; \
	$(BIN)/ruff check .; \
	$(BIN)/ruff format --check .; \
	$(BIN)/mypy; \
	$(BIN)/lint-imports

image: ## build the image with docker, podman or buildah (ARGS='--tag NAME --report': twice, compared, tried, SBOM)
	@tools/image.sh $(ARGS)

##@ Set-up

setup: ## make .venv with every locked dependency (once; later calls cost nothing)
	@tools/setup.sh

system: ## install the Debian programs that the broker and receiver tests need (root)
	@tools/install-system.sh

lock: ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@tools/lock.sh $(ARGS)

clean: ## remove everything that is made
	@rm -rf .venv .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build
	@find bridge tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

demo: run ## the same

format: setup ## let ruff format, and fix what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

##@ More tests

test-newest: setup ## the core's tests on the newest other Python found
	@tools/test-newest.sh

test-compiled: compiled ## the tests of the core and the edge with the hot path compiled, as the image has it (a C compiler)
	@$(COMPILED) $(BIN)/python -m pytest -p no:cacheprovider $(or $(ARGS),tests/core tests/edge tests/test_*.py)

faults: setup ## the proof of delivery: every fault, one table in the end (about an hour; ARGS='-k kill' for some)
	@$(BIN)/python -m pytest tests/faults -m faults $(ARGS)

fuzz: setup ## 100,000 answers that nobody should give (two minutes; BRIDGE_FUZZ_SEED=2 gives others)
	@BRIDGE_FUZZ_RUNS=100000 $(BIN)/python -m pytest tests/edge/test_wire_fuzz.py -s $(ARGS)

mutations: setup ## break the bridge on purpose, rule by rule: a test finds each (ARGS='-k lease', '--quick': no broker)
	@PYTHONPATH=tests nice -n 5 $(BIN)/python -m faults.mutate $(ARGS)

##@ Speed

compiled: setup ## the bridge with its hot path compiled, as the image has it, in .cache/compiled (a C compiler; a minute, once)
	@tools/compile.sh

bench: compiled ## the bridge beside its peers, one table (an hour; Go for the peers; ARGS='--only bridge --loads full')
	@PYTHONPATH=tests $(BIN)/python -m bench.compare $(ARGS)

bench-quick: compiled ## the same in a minute: the bridge and Bento, one short run each
	@PYTHONPATH=tests $(BIN)/python -m bench.compare --quick $(ARGS)

bench-parts: compiled ## single parts (POST, ticks, restore, presets, ...); they print, and fail on wrong results only (ARGS='-k post')
	@$(COMPILED) $(BIN)/python -m pytest tests/bench -o python_files='bench_*.py' --timeout=900 -s $(ARGS)

bench-check: compiled ## CPU of an event against a reference workload in the same run; fails where it has grown (20 s)
	@PYTHONPATH=tests $(BIN)/python -m bench.check $(ARGS)
	@$(COMPILED) $(BIN)/python -m bench.check $(ARGS)

##@ Chart and cluster

chart: setup ## check the Helm chart and the alerts, with Helm 3 and 4 and without a cluster (Go, npm, promtool)
	@tools/chart-tools.sh
	@$(BIN)/python -m pytest tests/chart -m 'not cluster and not alerts' $(ARGS)

alerts: setup ## raise every alert by a fault of its own: bridges, Kafka, Prometheus, Alertmanager (4 minutes)
	@tools/install-system.sh
	@$(BIN)/python -m pytest tests/chart -m alerts $(ARGS)

cluster: setup ## install, upgrade, break and drain the chart in a cluster: that of KUBECONFIG, else one made for it (root)
	@tools/cluster.sh $(ARGS)

##@ Dashboards

dashboards: setup ## write grafana/*.json and the gallery's exports anew from their source
	@$(BIN)/python -m grafana

dashboards-test: setup ## ask a real Prometheus that scrapes real bridges every query of the dashboards (a minute)
	@$(BIN)/python -m pytest tests/dashboards -m dashboards $(ARGS)

dashboards-preview: setup ## pictures of the dashboards, well and ill, in .cache/dashboards/preview (node, Chromium; 15 minutes; ARGS=--again)
	@tools/dashboards.sh install
	@PYTHONPATH=tests $(BIN)/python -m dashboards.preview $(ARGS)

dashboards-cost: setup ## seconds of each query with 20 bridges of 500 campaign groups each (ARGS='--instances 50')
	@PYTHONPATH=tests nice -n 5 $(BIN)/python -m dashboards.cost $(ARGS)

##@ Generated pages

docs: setup ## write docs/settings.md, its schema and docs/metrics.md anew from the code
	@$(BIN)/python -m bridge.config.docs
	@$(BIN)/python -m bridge.edge.catalogue
	@$(BIN)/python tools/chart_schema.py

chart-docs: setup ## write the chart's README.md and values.schema.json anew from its values and the settings
	@tools/chart-tools.sh
	@$(BIN)/python tools/chart_schema.py
	@.cache/chart/bin/helm-docs -c deploy/helm/ocs-bridge -l error
