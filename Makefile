# make lab: set up and open the course.  make test: set up and prove every printed output.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help setup lab test clean

help:
	@echo "make lab    set up and open the course in JupyterLab"
	@echo "make test   set up and run everything: tests, strict nbval over every notebook"
	@echo "make setup  set up only"
	@echo "make clean  remove what the other commands made"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $(STAMP)

setup: $(STAMP)

lab: setup
	$(BIN)/jupyter lab --ip=127.0.0.1 notebooks

test: setup
	$(BIN)/ruff check nsputil tests
	$(BIN)/codespell nsputil tests docs
	$(BIN)/python -m pytest -q tests --ignore=tests/browser
	$(BIN)/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=60 notebooks

clean:
	rm -rf $(VENV) build *.egg-info
