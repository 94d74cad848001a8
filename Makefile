# Everything runs in .venv, which is made with python3.11 and pip alone.
PYTHON ?= python3.11
BIN := .venv/bin
WORKERS ?= 2

.PHONY: help demo test soak examples tutorial lint format clean

help: ## say what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.examples ## train on real digits with a loss from a YAML file
	$(BIN)/python examples/digits/train.py

test: .venv/.test ## run every test
	$(BIN)/python -m pytest -n $(WORKERS)

soak: .venv/.test ## run every test for longer: more shapes, more random programs
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n $(WORKERS)

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
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv .venv

# One stamp an extra: an install that is newer than pyproject.toml is not repeated.
.venv/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
