# `make demo` and `make test` work on a fresh machine: they find a Python, make .venv and install into it themselves.

PYTHONS := python3.13 python3.12 python3.11 python3.14 python3
VENV := .venv
# What is installed is the same on every day; `make constraints` renews it. The package's own ranges stay open.
CONSTRAINTS := constraints.txt
# More words for pytest, such as the name of a test. CI (a variable there) tries the same examples every time.
PYTEST := $(if $(CI),--hypothesis-profile=ci)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# A name on the PATH may be a shim that fails, so each is tried.
PYTHON = $(shell for python in $(PYTHONS); do \
  $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.DEFAULT_GOAL := help
.PHONY: help test demo serve-demo lint format schemas docs bench package constraints newest oldest

help: ## Show this list
	@sed -n 's/^\([a-z -]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

test: $(READY) ## Run the tests
	@$(BIN)/pytest -n auto --dist worksteal $(PYTEST)

demo: $(READY) ## Watch everything at work on the emulator; takes a minute
	@$(BIN)/reconciler demo

serve-demo: $(READY) ## Watch the service at work on the emulator; with KEEP=1 its page stays
	@$(BIN)/python tools/serve_demo.py $(if $(KEEP),--keep)

lint: $(READY) ## Everything that CI checks beside the tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/reconciler schema --check
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/reconciler validate

format: $(READY) ## Put the code into shape
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

schemas: $(READY) ## Write schemas/ from the models
	@$(BIN)/reconciler schema

docs: $(READY) ## Write the generated pages of docs/
	@$(BIN)/python docs/generate.py

bench: $(READY) ## Measure; writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

package: $(READY) ## Build the wheel and the source distribution, and try them in an environment of their own
	@$(PIP) wheel --build-constraint $(CONSTRAINTS) --no-deps --wheel-dir dist .
	@$(BIN)/pytest -q tests/house/test_package.py

constraints: $(READY) ## Renew constraints.txt: the newest versions allowed, for every Python and platform
	@$(BIN)/python tools/versions.py renew

newest oldest: ## Run the tests with the newest, or the oldest, versions that pyproject.toml allows
	@rm -rf .venv-$@
	@$(PYTHON) tools/versions.py $@ > .venv-$@.txt
	@$(MAKE) --no-print-directory test VENV=.venv-$@ CONSTRAINTS=.venv-$@.txt || \
	  { .venv-$@/bin/python tools/versions.py blame; exit 1; }

# pip 25.3 is the first that knows constraints for what builds a package.
$(READY): pyproject.toml $(CONSTRAINTS)
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
	  test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found (tried: $(PYTHONS))." >&2; exit 1; }; \
	  echo "Making $(VENV) with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv --clear $(VENV); \
	fi
	@echo "Installing reconciler and its tools into $(VENV) (once, and when pyproject.toml or $(CONSTRAINTS) changes)"
	@$(PIP) install --upgrade --constraint $(CONSTRAINTS) 'pip>=25.3'
	@$(PIP) install --constraint $(CONSTRAINTS) --build-constraint $(CONSTRAINTS) --editable '.[all]' --group dev
	@touch $(READY)
