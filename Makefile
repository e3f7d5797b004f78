# The words of this project. Each does its own set-up: Python 3.11 and make are all it takes.
.DEFAULT_GOAL := help
.PHONY: run test e2e demo bench deep pictures fmt check lock help

VENV := .venv
PYTHON := $(VENV)/bin/python
GOVERNOR := $(VENV)/bin/governor
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
WORKERS ?= auto

run: $(VENV)/.run  ## Set up, then start the proxy with the built-in X contract and tell what to do next
	$(GOVERNOR) init
	$(GOVERNOR) run

test: $(VENV)/.test $(VENV)/.redis  ## Set up what the tests need, a Redis server included, and run all of them
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

e2e: $(VENV)/.test $(VENV)/.redis  ## Run only the tests with real crawlers
	$(PYTHON) -m pytest tests/e2e $(ARGS)

demo: $(VENV)/.run  ## Watch three crawlers meet a limit, on a platform that runs on this machine
	$(GOVERNOR) demo

bench: $(VENV)/.test $(VENV)/.redis  ## Show the worst window that an adversary finds under each limiter
	@$(PYTHON) -m tests.bench

deep: $(VENV)/.test $(VENV)/.redis $(VENV)/.deep $(VENV)/.spin  ## Run what takes hours: every fault, mutant, model and simulated day (ARGS: some)
	@$(PYTHON) -m pytest -m deep $(ARGS)
ifeq ($(ARGS),)
	@$(PYTHON) -m tests.simulation --all --state build/simulation
endif

pictures:  ## Render the dashboards for the README (issue 6 brings it)
	@echo "make pictures: there are no dashboards yet; issue 6 (what ops see) brings them."

fmt: $(VENV)/.test  ## Format the code and mend what can be mended without thought
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format .

check: $(VENV)/.test  ## Lint, check the format, check the types and the rules of the house
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest --quiet tests/test_house.py tests/house

# Needs uv. Hashes, but no address: the same lock serves every mirror of the registry.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --extra build
lock:  ## Lock the newest versions that pyproject.toml allows (needs uv)
	$(LOCK) --upgrade --output-file requirements.lock
	$(LOCK) --upgrade --constraint requirements.lock --extra dev --extra test --extra e2e \
		--extra bench --output-file tests/requirements.lock

help:  ## Say what each word does
	@awk -F ':.*##  *' '/^[a-z0-9]+:.*##/ { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Stamps: set-up is done again only when its lock or the project's own file changes.
$(VENV)/.run: requirements.lock pyproject.toml | $(PYTHON)
	$(call install,requirements.lock)

$(VENV)/.test: tests/requirements.lock pyproject.toml | $(PYTHON)
	$(call install,tests/requirements.lock)

define install
@echo "Installing what $(1) names (once, until it changes) ..."
@$(PIP) install --require-hashes --requirement $(1)
@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
@touch $@
endef

$(PYTHON):
	@sh .ci/venv $(VENV)

$(VENV)/.redis: | $(PYTHON)
	@sh .ci/redis
	@touch $@

$(VENV)/.deep: | $(PYTHON)
	@sh .ci/deep
	@touch $@

$(VENV)/.spin: | $(PYTHON)
	@sh .ci/spin
	@touch $@
