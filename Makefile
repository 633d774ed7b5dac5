# The commands of the project. Every one does its own set-up; README.md and CONTRIBUTING.md explain them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SEEDS ?= 1-200
SEED ?= 1
FILES ?=
BENCH ?=
# Debian's python3-redis and python3-pytest belong to Debian's python, whatever python3 comes first in PATH.
PYTHON := /usr/bin/python3
NODE_MODULES := tests/e2e/node/node_modules/.package-lock.json

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run stop clean-run node
run: build ## Build and start a six-node cluster on 127.0.0.1:6001-6006
	@tools/cluster.sh start
stop: ## End the nodes that 'make run' started; their data stays in run/
	@tools/cluster.sh stop
clean-run: ## The same, and remove their data
	@tools/cluster.sh clean
node: build ## Start one more empty node: make node PORT=6007
	@tools/cluster.sh node "$(PORT)"

.PHONY: build
build: packages-build ## Build the release programs into build/bin/
	@cmake --preset release >build/configure-release.log || { cat build/configure-release.log; exit 1; }
	@cmake --build --preset release -j $(JOBS) -- --quiet
	@mkdir -p build/bin
	@shopt -s nullglob; for program in build/release/bin/*; do cp --remove-destination -p "$$program" build/bin/; done

.PHONY: test test-sanitizers check conformance bench fuzz differential soak sim format
test: packages $(NODE_MODULES) ## Build and run all test tiers: checks, simulator, end to end, suite of Redis, headers, unit, fuzz, tsan
	@$(PYTHON) tools/run_tests.py --jobs $(JOBS)
test-sanitizers: packages ## Unit tests under ASAN+UBSAN, the concurrent ones under TSAN, fuzz targets
	@$(PYTHON) tools/run_tests.py --jobs $(JOBS) unit fuzz tsan
check: packages ## Layers, tidy, format, headers alone
	@$(PYTHON) tools/run_tests.py --jobs $(JOBS) checks headers
conformance: packages build ## The unit tests of Redis 7.0's own suite against our programs: make conformance FILES="unit/type/list"
	@tests/conformance/run.py --table build/conformance/table.md $(FILES)
bench: packages build ## Compare with Debian's redis-server, side by side; writes bench/RESULTS.md
	@cmake --preset release -DASHLAR_BENCH=ON >build/configure-release.log
	@cmake --build --preset release -j $(JOBS) --target slot_growth_bench two_threads_bench -- --quiet
	@cmake --preset release -DASHLAR_BENCH=OFF >>build/configure-release.log
	@bench/run $(BENCH)
fuzz: packages ## Every fuzz target for FUZZ_SECONDS (60) each
	@$(PYTHON) tools/run_tests.py --jobs $(JOBS) --fuzz-all-long --fuzz-seconds $(FUZZ_SECONDS) fuzz
differential: packages build ## 1,000,000 random commands to us and to redis-server: make differential SEED=7
	@ASHLAR_BIN_DIR=build/bin ASHLAR_DIFF_COMMANDS=100000 ASHLAR_DIFF_SEED=$(SEED) $(PYTHON) -m pytest -q -p no:cacheprovider tests/diff
soak: packages build ## Faults for hours: 200 failovers, 100 crashes, 90 s of saturating writes, 100,000 seeds of power loss
	@ASHLAR_BIN_DIR=build/bin ASHLAR_FAILOVERS=200 ASHLAR_CRASHES=100 ASHLAR_SATURATED_SECONDS=90 $(PYTHON) -m pytest -q -s -p no:cacheprovider \
	  tests/e2e/test_failover_losses.py tests/e2e/test_crashes.py tests/e2e/test_slow_replica.py
	@cmake --preset asan >build/configure-asan.log && cmake --build --preset asan -j $(JOBS) --target aof_tests snapshot_tests -- --quiet
	@ASHLAR_CRASH_TIMES=10 setarch -R build/asan/bin/aof_tests --gtest_filter='AofCrash.*'
sim: packages ## The simulated cluster: make sim SEEDS=1-200
	@$(PYTHON) tools/run_tests.py --jobs $(JOBS) --seeds $(SEEDS) sim
format: packages ## Format all C++ sources
	@tools/check_format.sh --fix

.PHONY: packages packages-build
packages-build:
	@mkdir -p build
	@tools/install-packages.sh build
packages:
	@mkdir -p build
	@tools/install-packages.sh

$(NODE_MODULES): tests/e2e/node/package.json tests/e2e/node/package-lock.json | packages
	@cd tests/e2e/node && npm ci --silent
	@touch $@

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf build
