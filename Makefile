# Everything needs Python 3.11 or newer and make, and nothing else.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# Tests start hundreds of processes: where this is set, each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-fast test-e2e test-wire lint types contracts coverage bench schemas docs test-ceph clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "repl needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e '.[lab]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.lab

demo: $(VENV)/.lab ## Watch the whole story: plan, apply, proof, a change by hand, and back
	$(BIN)/repl lab demo

lab: $(VENV)/.lab ## Start the emulators with a ready workspace; Ctrl-C ends them
	$(BIN)/repl lab up

# What talks to emulators for long: the cases that all providers pass, fuzzers of their documents, worlds by the hundred,
# and how each system copies, errs, drifts, surprises, is shared and is met by a crash. Coverage doubles their time, and core rooms are above
# their share without them; what it says of the room of providers is the less for it.
SYSTEMS := s3 qumulo bos alarik scp clonecloudstore
WIRE := $(foreach system,$(SYSTEMS),$(wildcard \
	tests/contract/test_conformance_$(system).py tests/contract/test_fuzz_$(system).py \
	$(foreach story,copies crash drift effects errors killed moved shared twins,tests/contract/test_$(system)_$(story).py) \
	tests/property/test_$(system)_convergence.py))

test: coverage test-wire test-e2e ## Run all tests

test-fast: $(VENV)/.dev ## Run the tests that start no processes
	$(BIN)/python -m pytest -n auto -q tests/unit tests/property tests/repo

lint: $(VENV)/.dev ## Style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## Types
	$(BIN)/mypy

contracts: $(VENV)/.dev ## Directions of imports
	$(BIN)/lint-imports

coverage: $(VENV)/.dev ## Run what the other two do not, and measure branch coverage; core rooms must be above 95 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 3 --dist loadgroup -q tests/unit tests/contract tests/property tests/repo $(addprefix --ignore=,$(WIRE))
	$(BIN)/coverage combine -q
	$(BIN)/python tests/coverage_rooms.py

test-wire: $(VENV)/.dev ## Run the conformance suites, fuzzers and worlds over the wire; without coverage
	$(BIN)/python -m pytest -n 3 --dist loadgroup -q $(WIRE)

test-e2e: $(VENV)/.dev ## Run the tests that start real processes
	$(BIN)/python -m pytest -n 3 --dist loadgroup -q tests/e2e tests/real

docs: $(VENV)/.dev ## Write the generated pages anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/.dev ## Measure, and print what bench/RESULTS.md holds
	$(BIN)/python bench/manifest_load.py
	$(BIN)/python bench/start_up.py

schemas: $(VENV)/.dev ## Write the JSON Schemas anew
	$(BIN)/repl schema --write schemas

test-ceph: $(VENV)/.dev ## Start Ceph RGW (Debian packages) and run the S3 suite against it for real
	tests/real/ceph.sh $(BIN)/python

clean: ## Remove what was installed and made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
