# `make` alone prints the targets.
PYTHON ?= python3
BIN    := .venv/bin
SOURCES := tools tests scripts images
# A process a core, at most four: the tests of a file share what its fixtures make.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo images test accuracy accuracy-quick bench bench-quick lint types coverage lock clean \
        packages reference reference-update release-check slurm-test resources
.DELETE_ON_ERROR:

help:  ## Print the targets.
	@grep -E '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: .venv/run.done  ## Simulate a small season into demo/ and run the whole chain on it with cwltool.
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/demo.sh

images:  ## Build the images with podman or docker; BASE=local where no registry is reachable.
	bash scripts/system-packages.sh images $(PYTHON)
	bash scripts/images.sh

test: .venv/dev.done  ## Run all tests.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest $(PARALLEL) $(PYTEST_OPTIONS)

accuracy: .venv/dev.done  ## Measure the accuracy on simulated truth, print the table, write docs/accuracy.md.
	PYTHONPATH=tests $(BIN)/python -m accuracy --output docs/accuracy.md

accuracy-quick: .venv/dev.done  ## The same on fewer parcels; prints the table only.
	PYTHONPATH=tests $(BIN)/python -m accuracy --parcels 150 --seeds 2 --work build/accuracy-quick

bench: .venv/dev.done  ## Measure the speed beside peers, print the table, write docs/performance.md (40 minutes, 2 cores).
	PYTHONPATH=tests $(BIN)/python -m benchmarks --output docs/performance.md

bench-quick: .venv/dev.done  ## The same on smaller sizes, a few minutes; prints the table only.
	PYTHONPATH=tests $(BIN)/python -m benchmarks --quick

packages: .venv/dev.done  ## Bundle every workflow into an OGC application package in dist/, check it, write its listing.
	rm -f dist/*.cwl dist/*.record.json dist/*.benchmark.json
	$(BIN)/python scripts/bundle.py --output dist --digests dist/images.json
	$(BIN)/python scripts/check_packages.py dist/*.cwl
	$(BIN)/python scripts/records.py $(if $(SERVICE),--service '$(SERVICE)') dist/*.cwl

reference: .venv/dev.done  ## Run the benchmark and compare the results by value with packages/reference/.
	$(BIN)/python scripts/reference.py run $(if $(CONTAINERS),--containers)

reference-update: .venv/dev.done  ## Run the benchmark and make its results the reference.
	$(BIN)/python scripts/reference.py run --update

release-check: packages  ## Prove that packages, images, changelog and citation agree on the version.
	$(BIN)/python scripts/release_check.py $(if $(TAG),--tag '$(TAG)')

slurm-test: .venv/dev.done  ## Run the national workflow on a Slurm of three nodes, with faults; containers where images are built.
	bash scripts/system-packages.sh slurm $(PYTHON)
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest tests/slurm $(PYTEST_OPTIONS)

resources: .venv/dev.done  ## Measure memory and CPU of every tool, write docs/resources.md (10 minutes, 2 cores).
	PYTHONPATH=tests $(BIN)/python scripts/resources.py --output docs/resources.md $(if $(PARCELS),--parcels $(PARCELS)) $(if $(SIDES),--sides $(SIDES))

lint: .venv/dev.done  ## Check style and formatting.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --offline --quiet .github/workflows

types: .venv/dev.done  ## Check types.
	$(BIN)/mypy

coverage: .venv/dev.done  ## Run all tests and report which lines they reach.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest --cov --cov-report=term-missing:skip-covered --cov-report=html $(PARALLEL) $(PYTEST_OPTIONS)

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
