# make install | demo | test | test-fast | test-engines | test-installed | check | docs | bench
#
# Every target sets up what it needs. A GPU build of torch, or another version: make install TORCH="torch==2.9.1"

PYTHON ?= python3
# Installed before everything else, so that the range in pyproject.toml is satisfied and pip brings no second build.
TORCH ?= torch==2.13.0
EXTRAS ?= dev
OUT ?= demo-out
# Processes that run tests; a file's tests stay in one of them. Files are taken in the order of `tests/conftest.py`.
JOBS ?= 2
SHARED := --numprocesses '$(JOBS)' --dist loadfile --no-loadscope-reorder
# Libraries of others that need an environment of their own, each an extra.
ENGINES ?= verifiers openenv openevals inspect

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A busy machine with few cores: threads that wait must sleep, or they take the time of those that work.
export KMP_BLOCKTIME ?= 0
export OMP_WAIT_POLICY ?= PASSIVE
export TOKENIZERS_PARALLELISM ?= false

.PHONY: install demo test test-fast test-engines test-installed check docs bench clean
.DEFAULT_GOAL := install

install: $(STAMP)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "sml-agents needs Python 3.11 or newer: make install PYTHON=python3.12 (after removing $(VENV))" >&2; exit 2; }
	@echo "installing $(TORCH)"
	@$(PIP) install --quiet --quiet $(TORCH)
	@echo "installing sml-agents[$(EXTRAS)]"
	@$(PIP) install --quiet --quiet --editable '.[$(EXTRAS)]'
	@$(BIN)/python -c 'from sml_agents.backends.embedded import embedded_path as fetch; fetch(print)' || \
		echo "the embedded model is not here yet: its first use fetches it" >&2
	@touch $@

demo: $(STAMP)
	@$(BIN)/sml-agents demo --out '$(OUT)' $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest $(SHARED) $(ARGS)

# What goes wrong most often, in under two minutes: nothing that trains, opens a browser or starts a server.
test-fast: $(STAMP)
	@$(BIN)/python -m pytest $(SHARED) --quiet --durations=5 \
		-m 'not slow and not browser and not postgres' tests/test_package.py tests/test_architecture.py tests/test_contract.py \
		tests/text tests/roles tests/dialogue tests/verifiers tests/data tests/testing $(ARGS)

# The engines of others, each in an environment of its own: their pins clash. One alone: make test-engines ENGINES=openenv
test-engines:
	@for engine in $(ENGINES); do \
		test -x $(VENV)-$$engine/bin/python || $(PYTHON) -m venv $(VENV)-$$engine || exit 1; \
		$(VENV)-$$engine/bin/python -m pip install --quiet --quiet --editable ".[$$engine]" \
			blockbuster hypothesis pytest pytest-asyncio pytest-timeout || exit 1; \
		$(VENV)-$$engine/bin/python -m pytest -W default tests/engines/test_$$engine.py $(ARGS) || exit 1; \
	done

# The wheel with each extra in an empty environment: ARGS="--python python3.12 --python python3.13".
test-installed: $(STAMP)
	@$(BIN)/python tests/installed.py $(ARGS)

check: docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet --durations=0 --durations-min=60 \
		tests/test_package.py tests/test_architecture.py tests/test_contract.py

# The site, in build/site; a warning is an error.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: $(STAMP)
	@$(BIN)/python benchmarks/throughput.py $(ARGS)
	@test ! -x $(VENV)-verifiers/bin/python || \
		$(VENV)-verifiers/bin/python benchmarks/throughput.py --only ours-oracle verifiers $(ARGS)
	@$(BIN)/python benchmarks/parts.py
	@$(BIN)/python benchmarks/store.py

clean:
	@rm -rf $(VENV) $(addprefix $(VENV)-,$(ENGINES)) build dist .pytest_cache .mypy_cache .ruff_cache '$(OUT)'
