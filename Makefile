# make demo:  environment, built-in pictures checked, heads compared, explanations: pages
# make test:  environment, the whole test-suite      make quick: without what trains or waits
# make lint:  ruff
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.mlgcn-installed
# compiled once and kept, whatever the shell says: else every process compiles all it imports
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

.PHONY: demo test quick lint env
env: $(STAMP)

$(STAMP): setup.py requirements/runtime.txt requirements/tests.txt $(wildcard mlgcn/ops/_c/*.c)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "mlgcn needs Python 3.10 or later; set PYTHON=python3.x"; exit 2; }
	@echo "[mlgcn] installing into $(VENV) (about 6 GB with torch; minutes)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip wheel setuptools
	$(BIN)/python -m pip install -r requirements/tests.txt -e .
	@touch $@

demo: env
	PATH="$(abspath $(BIN)):$$PATH" bash tools/demo.sh

test: env
	$(PYTEST)
	@echo "[mlgcn] all tests passed. Next: make demo, or README.md, 'Your own photographs'."

quick: env
	$(PYTEST) -m "not slow"

lint: env
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
