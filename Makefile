# csbot. `make run` starts everything, `make test` tests it; both set themselves up.

SHELL := /bin/sh
BIN := .venv/bin
# Files of tests beside each other, those of one file in their order.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# The first Python that csbot runs with. None: the last one is asked, and says what is missing.
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; \
	done; echo python3)

# Arguments for pytest: make test ARGS="-k consumer"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev browser check test test-fast test-browser test-postgres test-model benchmark

help:
	@echo 'make run            start csbot: http://127.0.0.1:8000 (CSBOT_PORT=... for another port)'
	@echo 'make test           all tests that need no model weights, in a browser too'
	@echo 'make test-fast      the same without the browser'
	@echo 'make test-postgres  the tests of everything with rows, on PostgreSQL'
	@echo 'make test-model     the tests that need the real model (fetched once)'
	@echo 'make check          linters, formatting, types, import rules'
	@echo 'make benchmark      measure the engines and the whole stack'

setup:
	@command -v $(PYTHON) >/dev/null || { echo 'csbot: no Python found: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv).' >&2; exit 1; }
	@$(PYTHON) -m csbot.bootstrap requirements/cpu.txt

setup-dev:
	@command -v $(PYTHON) >/dev/null || { echo 'csbot: no Python found: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv).' >&2; exit 1; }
	@$(PYTHON) -m csbot.bootstrap requirements/dev.txt

run: setup
	@exec $(BIN)/python manage.py run

# The browser tests drive a Chromium of the system. Root on Debian gets one installed; others
# without one see their browser tests skipped, with the reason.
browser: setup-dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo 'Installing Chromium for the browser tests ...'; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null \
				|| echo 'csbot: Chromium could not be installed: THE BROWSER TESTS ARE SKIPPED.' >&2; \
		else \
			echo 'csbot: no Chromium here: THE BROWSER TESTS ARE SKIPPED. Install chromium to run them.' >&2; \
		fi; }

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

test: browser
	$(PYTEST) -m 'not model' $(ARGS)

test-fast: setup-dev
	$(PYTEST) -m 'not model and not browser' $(ARGS)

test-browser: browser
	$(PYTEST) -m browser $(ARGS)

test-postgres: setup-dev
	CSBOT_TEST_POSTGRES=1 $(PYTEST) tests/chat tests/moderation tests/training/services tests/training/console tests/training/test_supervisor.py --ignore tests/chat/inference -m 'not model and not browser and not process' $(ARGS)

test-model: setup-dev
	$(BIN)/python manage.py fetch_model
	$(BIN)/python manage.py export_model
	$(PYTEST) -m model $(ARGS)

benchmark: setup-dev
	$(BIN)/python manage.py fetch_model
	$(BIN)/python manage.py export_model
	$(BIN)/python manage.py export_model --format onnx
	$(BIN)/python -m benchmarks.serving
