# make demo:  environment, built-in pictures checked, heads compared, explanations: pages
# make test:  environment, the whole test-suite      make quick: without what trains or waits
# make lint:  ruff
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.mlgcn-installed

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

test: quick
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2
	@echo "[mlgcn] all tests passed. Next: make demo, or README.md, 'Your own photographs'."

quick: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2

lint: env
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
