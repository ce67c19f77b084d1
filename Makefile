# Two commands suffice on a fresh machine: `make demo` and `make test`. Both create their own virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: wheel demo check check-tests check-more machine-code test test-with-workers test-with-brokers test-with-files test-of-learning test-of-the-rest test-checked search lint docs bench requirements console-assets clean

demo: $(STAMP)
	$(BIN)/shelfwise demo --console

# tests that mostly wait for brokers and workers run in parallel with the others: half the time on two cores
WITH_WORKERS := $(addprefix tests/,benchmarks console forgetting harness pipeline security)
WITH_BROKERS := $(addprefix tests/,brokers dead_letters docs exactly_once subscribers topics)
WITH_FILES := $(addprefix tests/,growing mapping replaying)

# Long computations, in two parts of equal length. Those that wait go first, whenever they have something to do; these take what is left.
OF_LEARNING := $(addprefix tests/,auditing backtesting bandit cocluster drift evaluation leaderboard metrics policies ranking rewards)
GIVES_WAY := nice -n 10

test: machine-code
	$(MAKE) --no-print-directory --jobs=6 test-with-workers test-with-brokers test-with-files test-of-learning test-of-the-rest lint

# the quick subset for developers: under a minute on an idle machine, once machine code and mypy's cache exist
QUICK := $(addprefix tests/,test_loop.py bandit policies rewards tasks)
QUICK_TOO := schemas processors $(addprefix tests/,test_house_style.py schemas drift)
LONG := $(addprefix tests/,drift/test_incidents.py drift/test_planted.py tasks/test_cores.py)

check: machine-code
	$(MAKE) --no-print-directory --jobs=3 check-tests check-more lint

check-tests: $(STAMP)
	$(BIN)/python -m pytest -q -m "not slow and not kafka" $(addprefix --ignore=,$(LONG)) $(QUICK)

check-more: $(STAMP)
	$(BIN)/python -m pytest -q -m "not slow and not kafka" $(addprefix --ignore=,$(LONG)) $(QUICK_TOO)

machine-code: $(STAMP)  ## compiled once, on all cores, before tests have to wait for it
	$(BIN)/shelfwise compile

test-with-workers: $(STAMP)
	$(BIN)/python -m pytest --durations=10 $(WITH_WORKERS)

test-with-brokers: $(STAMP)
	$(BIN)/python -m pytest --durations=10 $(WITH_BROKERS)

test-with-files: $(STAMP)
	$(BIN)/python -m pytest --durations=10 $(WITH_FILES)

test-of-learning: $(STAMP)
	$(GIVES_WAY) $(BIN)/python -m pytest --durations=10 $(OF_LEARNING)

test-of-the-rest: $(STAMP)
	$(GIVES_WAY) $(BIN)/python -m pytest --durations=10 $(addprefix --ignore=,$(WITH_WORKERS) $(WITH_BROKERS) $(WITH_FILES) $(OF_LEARNING))

CHECKED := $(addprefix tests/,settlement wire ranking/test_ranked_pages.py tasks/test_crediting.py)

test-checked: $(STAMP)  ## every access of compiled code to memory is checked
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -q $(CHECKED)

search: $(STAMP)  ## the properties again, with random examples instead of those that every test run has
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -q -m "hypothesis and not kafka"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## the documentation site, in build/site/index.html; a link that leads nowhere fails
	$(BIN)/python -m streams.documentation.site_sources build/docs
	rm -rf build/site
	$(BIN)/sphinx-build -q -W --keep-going -n -d build/doctrees build/docs build/site

bench: $(STAMP)
	$(BIN)/shelfwise bench pipeline

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
	--no-annotate

wheel: $(STAMP)  ## with machine code for any processor of this architecture, for this Python
	$(BIN)/shelfwise compile --ship
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf processors/machine_code/shipped build

requirements:  ## update the pins after a change of the dependencies in pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	$(PIP_COMPILE) --extra dev --extra docs --output-file requirements.txt pyproject.toml requirements-build.in
	$(PIP_COMPILE) --extra formats --constraint requirements.txt --output-file requirements-run.txt pyproject.toml requirements-build.in

console-assets: $(STAMP)  ## fetch the console's JavaScript again with npm; fails if a digest differs
	$(BIN)/python -m streams.console.vendored

clean:
	rm -rf $(VENV) build dist *.egg-info
