# Muster: `make run` starts everything, `make test` proves everything; both set up what they need first.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Muster needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment: install python3-venv."; exit 1; }
	$(BIN)/pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.txt
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	$(BIN)/pip install --quiet --requirement requirements-bench.txt
	@touch $@

FRONT := app/web/static/dist/manifest.json

# its styles are those that the templates and the code beside them name
$(FRONT): $(VENV)/run package-lock.json $(shell find app/web -path app/web/static -prune -o -type f ! -name '*.pyc' -print)
	@$(BIN)/python -m runner.front

front: $(FRONT)  ## build the front end of the panel

MESSAGES := $(patsubst %.po,%.mo,$(wildcard app/translations/*/LC_MESSAGES/messages.po))

%/messages.mo: %/messages.po $(VENV)/run
	@$(BIN)/python -m runner.messages compile

messages: $(VENV)/run  ## bring the catalogues of translations up to date with the texts in the code
	@$(BIN)/python -m runner.messages

run: $(VENV)/run $(FRONT) $(MESSAGES)  ## start Muster: panel, workers, scheduler, Redis
	@exec $(BIN)/python run.py

demo: $(VENV)/run $(FRONT) $(MESSAGES)  ## the same in a second instance, filled with examples, messages go to the inbox page
	@exec $(BIN)/python run.py --demo

test: $(VENV)/dev $(FRONT) $(MESSAGES)  ## every test; on MariaDB too when it runs here
	@$(BIN)/python -m tests.everything

faults: $(VENV)/dev $(FRONT) $(MESSAGES)  ## the fault tests in full (an hour)
	MUSTER_FULL=1 $(BIN)/python -m pytest tests/faults --timeout 1800

bench: $(VENV)/bench  ## the measurements of docs/performance.md, on DATABASE_URL and REDIS_URL
	@$(BIN)/python -m bench

lint: $(VENV)/dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app jobs runner config.py

fmt: $(VENV)/dev  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migration: $(VENV)/dev  ## write the next migration from the models (MESSAGE="what it does")
	$(BIN)/flask --app wsgi:migrations db migrate --rev-id $$(printf %04d $$(($$(ls migrations/versions/0*.py | wc -l) + 1))) -m "$(MESSAGE)"

docs-shots: $(VENV)/dev $(FRONT) $(MESSAGES)  ## the screenshots of the documentation
	$(BIN)/python -m docs.shots

lock:  ## pin requirements*.in anew (needs uv)
	for part in "" -dev -bench; do uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links requirements$$part.in -o requirements$$part.txt; done

.PHONY: help front messages run demo test faults bench lint fmt migration docs-shots lock
