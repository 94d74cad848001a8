# Everything runs in .venv, which is made with Python and pip alone; PYTHON=… says with which one.
FITS := import sys; sys.exit(sys.version_info < (3, 11))
first = $(shell for each in $(1); do "$$each" -c '$(FITS)' 2>/dev/null && echo "$$each" && break; done)
of = python3.$(1) $(wildcard $(HOME)/.pyenv/versions/3.$(1).*/bin/python3.$(1))
PYTHON ?= $(call first,python3.11 python3.12 python3.13 python3.14 python3 python)
NEWEST ?= $(call first,$(foreach minor,13 12 11,$(call of,$(minor))))
LOWEST ?= $(call first,$(foreach minor,11 12,$(call of,$(minor))))
BIN := .venv/bin
WORKERS ?= 2
MINUTES ?= 40
# Containers often set it, and each process of the tests would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

QUICK := syntax elaborate analyze diagnostics selectors spec project/test_imports.py

.PHONY: help tables demo quick test test-newest test-lowest test-all soak plant bench mutants examples tutorial lint format clean

help: ## say what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.examples ## train on real digits with a loss from a YAML file
	$(BIN)/python examples/digits/train.py

tables: .venv/.test ## write the parser's tables anew, after a change of grammar/loss.lark
	$(BIN)/python grammar/lalr_tables.py

quick: .venv/.test ## run the tests of the language, its checker and the floors, in half a minute
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(QUICK:%=tests/%)

test: .venv/.test ## run the tests, but for trainings and second environments
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not long"

test-newest: .venv-newest/bin/pip ## run every test with the newest releases of everything
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[test]'
	.venv-newest/bin/python -m pytest -n $(WORKERS) --dist worksteal

test-lowest: .venv-lowest/bin/pip ## run every test with the oldest releases that pyproject.toml allows
	.venv-lowest/bin/python tests/project/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --constraint .venv-lowest/lowest.txt --editable '.[test]'
	# Old packages on the newest of what they need: what is deprecated there is no concern of ours.
	PYTHONWARNINGS=ignore::DeprecationWarning .venv-lowest/bin/python -m pytest -n $(WORKERS) --dist worksteal -W ignore::DeprecationWarning

test-all: .venv/.torch .venv/.configs .venv/.trackers .venv/.test test-lowest test-newest ## run every test with torch, Hydra and trackers beside it, and in those two
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

soak: .venv/.test ## run random programs for MINUTES=40 and count them, then every test for longer
	PYTHONPATH=tests $(BIN)/python -m soak --minutes $(MINUTES)
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

plant: .venv/.test ## plant faults, one in each stage, and see that the tests find them
	PYTHONPATH=tests $(BIN)/python -m planted

bench: .venv/.test ## compare with losses by hand: bytes, time, large products, traces, extremes, calls, the start of a check
	$(BIN)/python benchmarks/losses.py
	$(BIN)/python benchmarks/fusion.py
	$(BIN)/python benchmarks/trace_time.py
	$(BIN)/python benchmarks/stability.py
	$(BIN)/python benchmarks/call_overhead.py
	$(BIN)/python benchmarks/start.py

mutants: .venv/.test ## make mistakes in right specs and count those that check finds
	PYTHONPATH=tests:benchmarks $(BIN)/python -m mutants
	PYTHONPATH=tests:benchmarks $(BIN)/python -m mutants --alarms

examples: .venv/.examples ## run every example, the tutorial's short form included
	$(BIN)/python examples/digits/train.py
	$(BIN)/python examples/rate_network/train.py
	$(BIN)/python examples/spiking_digits/train.py
	$(BIN)/python examples/learning_rules/train.py

tutorial: .venv/.examples ## regenerate the table of examples/rate_network
	$(BIN)/python examples/rate_network/train.py --write

lint: .venv/.dev ## formatting, style, types and the floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/.dev ## format the source
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and what was built
	rm -rf .venv .venv-newest .venv-lowest build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# pip comes last into an environment, so that one without it was never finished and is made again.
.venv/bin/pip: WITH = $(PYTHON)
.venv-newest/bin/pip: WITH = $(NEWEST)
.venv-lowest/bin/pip: WITH = $(LOWEST)
.venv/bin/pip .venv-newest/bin/pip .venv-lowest/bin/pip:
	@"$(WITH)" -c '$(FITS)' 2>/dev/null || { echo "lossdsl needs Python ≥ 3.11, which PYTHON=… may name; '$(WITH)' is not" >&2; exit 1; }
	$(WITH) -m venv $(@D:/bin=)

# One stamp an extra: an install that is newer than pyproject.toml is not repeated.
.venv/.%: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
