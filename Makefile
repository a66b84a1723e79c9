# `make` alone prints the targets.
PYTHON ?= python3
BIN    := .venv/bin
SOURCES := tools tests scripts

.DEFAULT_GOAL := help
.PHONY: help demo test accuracy accuracy-quick lint types coverage lock clean
.DELETE_ON_ERROR:

help:  ## Print the targets.
	@grep -E '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: .venv/run.done  ## Simulate a small season into demo/ and run the whole chain on it with cwltool.
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/demo.sh

test: .venv/dev.done  ## Run all tests.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest $(PYTEST_OPTIONS)

accuracy: .venv/dev.done  ## Measure the accuracy on simulated truth, print the table, write docs/accuracy.md.
	PYTHONPATH=tests $(BIN)/python -m accuracy --output docs/accuracy.md

accuracy-quick: .venv/dev.done  ## The same on fewer parcels; prints the table only.
	PYTHONPATH=tests $(BIN)/python -m accuracy --parcels 150 --seeds 2 --work build/accuracy-quick

lint: .venv/dev.done  ## Check style and formatting.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: .venv/dev.done  ## Check types.
	$(BIN)/mypy

coverage: .venv/dev.done  ## Run all tests and report which lines they reach.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest --cov --cov-report=term-missing:skip-covered --cov-report=html $(PYTEST_OPTIONS)

lock: .venv/dev.done  ## Resolve the versions of requirements/*.lock anew.
	bash scripts/lock.sh

clean:  ## Remove everything that make has made, but for the locks.
	rm -rf .venv demo build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache

# The virtual environment, in two steps: what runs the suite, and what tests it.
.venv/run.done: requirements/run.lock pyproject.toml
	bash scripts/system-packages.sh run $(PYTHON)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/run.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev.done: .venv/run.done requirements/dev.lock
	bash scripts/system-packages.sh dev $(PYTHON)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.lock
	@touch $@
