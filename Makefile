# demo · test · check · bench · install · lock: each sets itself up; see docs/install.md.
#
#   make demo ARGS="--once"          make test NIGHTLY=1          make install PYTHON=/path/to/python3.12

.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=
NIGHTLY ?=
# Tests write thousands of small databases: into memory where there is room for them, which is much quicker than most disks.
SCRATCH ?= $(shell free=$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	if [ "$${free:-0}" -gt 2000000 ] && [ -w /dev/shm ] && ! grep -q '^[^ ]* /dev/shm .*noexec' /proc/mounts; then echo /dev/shm; else echo "$${TMPDIR:-/tmp}"; fi)
# Five at a time: tests wait for servers as much as they compute. A file's tests stay in one process, because they share its servers.
SIDE_BY_SIDE ?= -n 5 --dist loadfile --no-loadscope-reorder

# Without kept bytecode each of the many processes would compile all its modules anew, which takes longer than what they do.
# Where the environment wants no __pycache__ folders in the sources, it is kept within the virtual environment.
ifneq ($(PYTHONDONTWRITEBYTECODE),)
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/$(VENV)/bytecode
endif

# The first Python that fits, looked for once and only when it is needed.
ifeq ($(origin PYTHON), undefined)
PYTHON = $(eval PYTHON := $$(shell $$(find-python)))$(PYTHON)
endif
find-python = for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { command -v $$python; break; }; done

# Two makes at once must not fill the same environment: the second waits for the first.
LOCK = import fcntl, subprocess, sys; lock = open(".venv.lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX); \
	sys.exit(subprocess.call(sys.argv[1:]))
SETUP = @$(require-python) && "$(PYTHON)" -c '$(LOCK)' $(MAKE) --silent --no-print-directory PYTHON="$(PYTHON)"
require-python = test -n "$(PYTHON)" || { echo "No suitable Python was found. Install Python 3.11, 3.12 or 3.13 with its\
	venv module (Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }

.PHONY: help install demo test check bench lock install-test install-bench

help:
	@echo "make demo     a store and a marketplace of our own, and the connector between them (ARGS=\"--once\" ends by itself)"
	@echo "make test     every test (NIGHTLY=1: the long settings; ARGS=\"tests/cli\": only these; SIDE_BY_SIDE=: one by one)"
	@echo "make check    formatting, lint, types, layers"
	@echo "make bench    the benchmarks (ARGS passes options)"
	@echo "make install  only $(VENV), for: $(BIN)/connector --help"
	@echo "make lock     pins every dependency anew (needs uv; ARGS=--upgrade takes newer ones)"

install:
	$(SETUP) $(VENV)/.stamp-run

install-test:
	$(SETUP) $(VENV)/.stamp-test $(VENV)/.stamp-chromium

install-bench:
	$(SETUP) $(VENV)/.stamp-bench

demo: install
	@$(BIN)/connector demo $(ARGS)

test: install-test
	@NIGHTLY=$(NIGHTLY) TMPDIR=$(SCRATCH) $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

check: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install-bench
	@$(BIN)/python -m benchmarks $(ARGS)

# Stamps: a file in the environment says what is already in it, so that a second run costs nothing.

$(VENV)/.stamp-venv:
	@$(require-python)
	@echo "Making $(VENV) with $(PYTHON) …"
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-run: requirements.txt pyproject.toml | $(VENV)/.stamp-venv
	@echo "Installing the pinned packages …"
	@$(PIP) install -qq --require-hashes -r requirements.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.stamp-test: requirements-test.txt $(VENV)/.stamp-run
	@echo "Installing the pinned test packages …"
	@$(PIP) install -qq --require-hashes -r requirements-test.txt
	@touch $@

$(VENV)/.stamp-bench: requirements-bench.txt $(VENV)/.stamp-run
	@echo "Installing the pinned benchmark packages …"
	@$(PIP) install -qq --require-hashes -r requirements-bench.txt
	@touch $@

# A browser where the system lets us install one; its absence skips the browser tests, it never fails a run.
$(VENV)/.stamp-chromium: | $(VENV)/.stamp-venv
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests …"; \
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } \
			>$(VENV)/chromium.log 2>&1 || echo "Chromium could not be installed (see $(VENV)/chromium.log): browser tests will be skipped."; \
	else echo "Chromium is not here and cannot be installed without root: browser tests will be skipped."; fi
	@touch $@

# Exact versions with hashes, for every supported Python and system, all three files in agreement; no index is named in them.
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml requirements-build.in $(ARGS)
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv)." >&2; exit 1; }
	$(COMPILE) --all-extras --output-file requirements-bench.txt
	$(COMPILE) --constraint requirements-bench.txt --extra test --output-file requirements-test.txt
	$(COMPILE) --constraint requirements-bench.txt --output-file requirements.txt
