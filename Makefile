# Two commands on a fresh machine: `make run` and `make test`. Everything is installed into .venv from the hashed lock.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# A demo and a test run start many processes: each module is compiled once, not in each of them, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test setup check style types imports suite bench prove browser lock clean

run: setup
	@$(BIN)/entrepot demo

# What only waits for the network, and what only needs one core, goes beside the rest. The last line is the tests'.
test:
	@$(MAKE) --no-print-directory --jobs=2 setup browser
	@$(MAKE) --no-print-directory style
	@$(MAKE) --no-print-directory --jobs=3 suite types imports

suite: setup browser
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml assets.lock hatch_build.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "entrepot: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: python3-venv)" >&2; exit 1; }
	@if command -v uv >/dev/null 2>&1; then VIRTUAL_ENV=$(VENV) uv pip install --quiet --require-hashes -r requirements.lock; \
	 else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

check: style types imports

style: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

browser:
	@sh scripts/chromium.sh

bench: setup
	$(BIN)/python -m bench

prove: setup
	$(BIN)/entrepot prove
	ENTREPOT_TESTS=deep $(BIN)/python -m pytest -n 3 --dist loadscope tests/blueprint tests/bulk tests/proof tests/stories

lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra dev --extra bench pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
