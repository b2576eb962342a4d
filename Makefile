# The whole developer interface. `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.base
STAMP := $(VENV)/.installed

.PHONY: install run test check snapshots soak soak-cockpit faults bench drill halts clean tools

install: $(STAMP)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --constraint constraints.txt

# what runs, without what tests, research and models need
$(BASE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable .
	@touch $@

$(STAMP): $(BASE)
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

run: $(BASE)
	$(BIN)/sovereign tui

# flatc is no Python package; whoever changes or checks the schemas needs the pinned one
tools:
	@flatc --version 2>/dev/null | grep -q 2.0.8 || \
	{ command -v apt-get >/dev/null && { apt-get update -qq; apt-get install -y -qq flatbuffers-compiler; }; } || \
	{ echo 'flatc 2.0.8 is needed: install flatbuffers-compiler, or the FlatBuffers release of that number' >&2; exit 1; }

# three workers on two cores: many of the tests wait for real processes
test: install tools
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: install tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m pytest -q tests/contract

# the pictures of the screens are from now on as they are drawn now
snapshots: install
	SNAPSHOTS=accept $(BIN)/python -m pytest -q tests/sovereign_tui/cockpit/test_snapshots.py

# the model test with many more steps, other ones each time: make soak MODEL_STEPS=1000000
soak: MODEL_STEPS ?= 200000
soak: install
	MODEL_STEPS=$(MODEL_STEPS) $(BIN)/python -m pytest -q -s --timeout 0 tests/engine/execution/test_model.py

# does a cockpit that is used all the time grow? make soak-cockpit SOAK_MINUTES=30 SEED=7
soak-cockpit: SOAK_MINUTES ?= 10
soak-cockpit: install
	SOAK_MINUTES=$(SOAK_MINUTES) $(BIN)/python -m tests.drill.cockpit_soak

# every fault of the simulated exchange, and what came of it
faults: install
	$(BIN)/python -m tests.engine.execution.faults_table

bench: install
	$(BIN)/python -m tests.bench

# how long each step of each emergency takes, in real processes: make drill DRILL_N=20 DRILL_ONLY=halts,brain
drill: install
	$(BIN)/python -m tests.drill

# so many HALTs of a system in trouble, and the proof that no order passed after one: make halts HALTS=1000 SEED=7
halts: HALTS ?= 1000
halts: install
	HALTS=$(HALTS) $(BIN)/python -m tests.drill.halts

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .bench build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
