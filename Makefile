# Everything a person does here. Each target prepares what it needs first; repeating one is quick.
# Given are make, git and Python 3.11 or newer: `make PYTHON=python3.12 run` names another one.
PYTHON ?= python3
VENV_PYTHON = .venv/bin/python
SETUP = $(PYTHON) -m config.local.setup
PYTEST = $(VENV_PYTHON) -m pytest -n $(TEST_PROCESSES)
ON_POSTGRES = $(VENV_PYTHON) -m config.local.postgres --
# Three on two cores: many tests wait for a lease, a browser or a chore, and leave the processor to others.
TEST_PROCESSES ?= 3

.DEFAULT_GOAL := help
.PHONY: help run smoke setup check format test test-all audit bench password key lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*##/make \1 —/p' Makefile

run:  ## set up and start everything on this machine, until Ctrl-C
	@$(SETUP) run --then run

smoke:  ## prove the whole chain in a throw-away folder, without a person
	@$(SETUP) run --then smoke

setup:  ## prepare all that tests, checks and benchmarks need; starts nothing
	@$(SETUP) all

check: setup  ## lint, format, types, import contracts, migrations, sizes
	@$(VENV_PYTHON) -m config.local.check

format: setup  ## put the code into its format
	@$(VENV_PYTHON) -m ruff check --fix-only .
	@$(VENV_PYTHON) -m ruff format .

# The whole suite runs on SQLite, and every test that touches the database once more on PostgreSQL: here without those
# that also start browsers, which `test-all` repeats there too.
test: setup  ## run the tests, on SQLite and on PostgreSQL
	$(PYTEST) -m "not slow"
	$(ON_POSTGRES) $(PYTEST) -m "not slow and not browser" --only-database

test-all: setup  ## run the slow proofs too
	$(PYTEST)
	$(ON_POSTGRES) $(PYTEST) --only-database

audit: setup  ## ask the registries for known weaknesses of what the locks name; needs a network
	@$(VENV_PYTHON) -m config.local.audit

bench: setup  ## run the benchmarks, or one: make bench NAME=engine
	@$(VENV_PYTHON) -m config.local.bench $(NAME)

password:  ## give the operator a new password
	@$(SETUP) run
	@$(VENV_PYTHON) -m config.local.accounts password

key:  ## issue a new API key
	@$(SETUP) run
	@$(VENV_PYTHON) -m config.local.accounts key

lock:  ## write the requirements files again from their .in files
	@$(PYTHON) -m config.local.lock
