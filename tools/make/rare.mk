# Commands that few people need; `make help-rare` lists them.
.PHONY: help-rare house claims checks-report pictures appendix processors budget clean dist lab-bench clinic-bench clinic-check
.PHONY: grader-attack grader-agreement grader-doctor grader-bench clinic-rivals clinic-ceiling independent segment-ceiling
.PHONY: store-results

help-rare:
	@echo "Set up, clean up"
	@echo "  make setup            set up only"
	@echo "  make clean            remove what the other commands made"
	@echo "Check"
	@echo "  make coverage         the unit tests alone, and how much of nsputil they run"
	@echo "  make claims           what the notebooks' sentences assert: count it, list it, run its tests"
	@echo "  make checks-report    what the checks say to wrong answers, in a table"
	@echo "  make appendix         execute the notebook that needs PyTorch and compare its outputs"
	@echo "  make processors       run notebooks 07 and 08 as other processors would, and compare the outputs"
	@echo "  make house            circles, upward imports, functions without annotations: three numbers"
	@echo "  make clinic-check     whether the stored figures of the clinic still hold (half a minute)"
	@echo "  make grader-doctor    whether the box of the grader holds here what it promises"
	@echo "  make grader-attack    every attack on the grader, in real boxes, and their tests; QUICK=1 leaves out the slow ones"
	@echo "  make grader-agreement the grader's verdicts beside the visible check, and its seeds on all right answers (10 minutes)"
	@echo "Release (docs/releasing.md)"
	@echo "  make dist             build the wheel and the sdist into dist/, and try the wheel without the repository"
	@echo "Measure; results go to build/results"
	@echo "  make bench            what the documents state as ratios"
	@echo "  make clinic-bench     how well the clinic diagnoses, with intervals"
	@echo "  make grader-bench     how fast the grader is, and what hostile submissions and kills do to it (half an hour)"
	@echo "  make lab-bench        how fast widgets, notebooks and the installation are, in a real browser"
	@echo "  make budget           what a Binder session costs: install, first cell, memory"
	@echo "  make store-results    which results are not stored; RESULTS='accuracy clinic_bench' stores these"
	@echo "  make pictures         take the README's pictures of the widgets again"
	@echo "Research (research/README.md)"
	@echo "  make clinic-rivals    rule tools, trees and cleanlab beside the diagnosis"
	@echo "  make clinic-ceiling   why some figures of the clinic stay below their goals"
	@echo "  make independent      the diagnosis on defects that were written without sight of it (an hour; SET=open)"
	@echo "  make segment-ceiling  what a far larger model adds to the bag of words on segments"

# The ledger of claims, by notebook; docs/claims.md is written, and the tests of tests/claims run.
claims: setup
	$(BIN)/python tools/claims.py

# A machine without bubblewrap fails; nothing is skipped.
QUICK ?=
grader-attack: $(VENV)/.boxes
	$(BIN)/python tests/grading/attacks/run.py $(if $(QUICK),--quick)
	$(BIN)/python -m pytest -q tests/grading/boxes $(if $(QUICK),-k "tells or solutions")

grader-doctor: $(VENV)/.boxes
	$(BIN)/python -m nsputil.grading.doctor

grader-agreement: $(VENV)/.boxes
	$(BIN)/python tests/grading/agreement.py
	$(BIN)/python tests/grading/make_seeds.py

checks-report: setup
	$(BIN)/python tests/checks/mutation.py

pictures: $(VENV)/.browser
	$(BIN)/python tools/browser/take_pictures.py

# To store its outputs: tools/run_notebooks.py with this environment's Python.
appendix: $(PARITY)/.installed
	$(PARITY)/bin/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=120 appendix

processors: setup
	$(BIN)/python tools/check_processors.py

# The files get the time of the last commit: two builds of one commit are equal.
dist: $(VENV)/.release
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m pytest -q -s tests/wheel

budget: setup
	$(BIN)/python tools/binder_budget.py

# What is measured goes to build/results and never into the tree; store-results puts it there, with the documents that
# quote it, or changes nothing if a test would fail.
MEASURE := tools/results.py measure
RESULTS ?=
store-results: setup
	$(BIN)/python tools/results.py store $(RESULTS)

house: setup
	$(BIN)/python tools/architecture.py --check
	$(BIN)/python tools/typed_functions.py

# Rows are kept as they come; a second call goes on where the first one ended.
SET ?= open
independent: setup
	$(BIN)/python -m research.independent.measure $(SET)
	$(BIN)/python -m research.independent.table $(SET) | tee build/results/research/independent_$(SET).txt

clinic-check: setup
	$(BIN)/python -m benchmarks.clinic_bench --check

# CLINIC_ARGS=--quick leaves out the fits without a whole program; it prints and keeps no result.
CLINIC_ARGS ?=
clinic-bench: setup
	$(BIN)/python $(MEASURE) benchmarks/clinic_bench.py $(CLINIC_ARGS)

# In the instructors' environment, since nbgrader grades the same submissions.
grader-bench: $(NBGRADER)/.installed
	$(NBGRADER)/bin/python $(MEASURE) benchmarks/grader_bench.py

lab-bench: $(VENV)/.browser
	$(BIN)/python $(MEASURE) benchmarks/lab_bench.py

# cleanlab trains live cases, some minutes.
clinic-rivals: $(RIVALS)/.installed
	$(RIVALS)/bin/python $(MEASURE) research/clinic_rivals.py
	$(RIVALS)/bin/python $(MEASURE) research/clinic_cleanlab.py

clinic-ceiling: $(RIVALS)/.installed
	$(RIVALS)/bin/python $(MEASURE) research/clinic_ceiling.py

segment-ceiling: $(PARITY)/.minilm
	$(PARITY)/bin/python $(MEASURE) research/segment_ceiling.py

clean:
	rm -rf $(ENVIRONMENTS) build dist
