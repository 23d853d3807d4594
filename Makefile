# The two commands: `make run` and `make test`. Nothing is needed but Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet
EDITABLE := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
STACKS := --legacy legacy_flask.wsgi:app --modern fastapi_app.asgi:app

.DEFAULT_GOAL := help
.PHONY: help install compile pure fresh run test e2e check fix bench bench-quick lock

help:  ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

install: .venv/installed  ## Make .venv from the lock files

.venv/installed: requirements.lock exchanges.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 install"; exit 2; }
	@$(PYTHON) -m venv .venv || \
	  { echo "this Python has no venv; on Debian: apt install python3-venv"; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
# Apart and without its dependencies: ccxt pins other versions of what we have
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r exchanges.lock
	$(EDITABLE)
	@touch $@

compile: install pure  ## Compile the hot path to C in place (needs a C compiler; after every change to it)
	@command -v cc >/dev/null || { echo "a C compiler is needed; on Debian: apt install gcc libc6-dev python3-dev"; exit 2; }
	HATCH_BUILD_HOOK_ENABLE_MYPYC=true $(EDITABLE)

pure:  ## Go back to interpreted Python
	@find gateway -name '*.so' -delete; rm -f *__mypyc.*.so

# What was compiled of an older source would run in its place.
fresh:
	@compiled=$$(ls -- *__mypyc.*.so 2>/dev/null | head -1); \
	if [ -n "$$compiled" ] && find gateway -name '*.py' -newer "$$compiled" | grep -q .; then \
	  echo "gateway has changed since it was compiled: interpreted again (make compile)"; $(MAKE) --no-print-directory pure; fi

run: install fresh  ## Start gateway and control plane over the trading system (8000, 8001)
	$(BIN)/banyan up $(STACKS)

test: install fresh  ## Run every test
	$(BIN)/pytest -n auto

e2e: install fresh  ## Run the tests that start real processes
	$(BIN)/pytest -m e2e

check: install  ## Format, lint, types, imports and conventions; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_conventions.py

fix: install  ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## Measure everything in docs/performance.md anew (20 minutes)
	$(BIN)/python -m benchmarks.install
	$(MAKE) compile
	$(BIN)/python -m benchmarks

bench-quick: install fresh  ## Fail if the hot path takes more instructions than were kept (2 minutes; after `make compile`)
	$(BIN)/python -m benchmarks.instructions --check

lock:  ## Write the lock files anew (needs uv)
	uv pip compile pyproject.toml --extra postgres --group dev $(LOCK) --output-file requirements.lock
	uv pip compile pyproject.toml --extra exchanges --override requirements.lock \
	  $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock) \
	  $(LOCK) --output-file exchanges.lock
	uv pip compile benchmarks/peers.in --constraint requirements.lock $(LOCK) --output-file benchmarks/peers.lock
