# `make demo` and `make test` work on a fresh machine: they find a Python, make .venv and install into it themselves.

PYTHONS := python3.13 python3.12 python3.11 python3.14 python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help test demo lint format schemas docs bench package

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

test: $(READY) ## Run the tests
	@$(BIN)/pytest -n auto

demo: $(READY) ## Watch everything at work on the emulator; takes a minute
	@$(BIN)/reconciler demo

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
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@$(BIN)/pytest -q tests/house/test_package.py

# A name on the PATH may be a shim that fails, so each is tried. pip 25.1 is the first that knows dependency groups.
$(READY): pyproject.toml
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
	  for python in $(PYTHONS); do \
	    $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
	  done; \
	  test -n "$$python" || { echo "No Python 3.11 or newer with venv was found (tried: $(PYTHONS))." >&2; exit 1; }; \
	  echo "Making $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV); \
	fi
	@echo "Installing reconciler and its tools into $(VENV) (once, and when pyproject.toml changes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
	@touch $(READY)
