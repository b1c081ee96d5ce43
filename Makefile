# make demo | test | lint | bench | chaos | load | fuzz | requirements          PYTHON=... chooses the Python (3.11 to 3.13) of .venv
.PHONY: demo test lint bench chaos load fuzz requirements environment environment-dev environment-bench python
.DEFAULT_GOAL := demo
MAKEFLAGS += --no-print-directory
PORT ?= 8000
CATALOG ?=
ONCE ?=
export PORT CATALOG ONCE
# Where it is set, every one of the hundreds of processes that the tests start compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

CANDIDATES := python3 python3.13 python3.12 python3.11 python
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in .venv/bin/python $(CANDIDATES); do \
	$$python -c '$(SUITABLE)' >/dev/null 2>&1 && echo $$python && break; done)
VENV := .venv/bin/python
PRODUCTION := ENV_FILE=/dev/null DATABASE_URL=postgres://db/lookalike REDIS_URL=redis://redis/0 HTTPS=true DEBUG=false \
	SECRET_KEY=of-lint-alone-9d2f6b1c-7e43-4f0a-8c55-3b1e7a90d4f2-6a

# Everything: packages, servers, catalogue, worker, beat, web. CATALOG=feed or folder, PORT=8000, ONCE=1 ends after the table.
demo: environment
	@exec $(VENV) -m config.demo

# `make test LONG=1` runs those, too, that take long and show what other targets show at length.
# Many tests wait for the processes they start, so there is a test process more than there are cores. `make lint` runs
# beside them, and is printed last.
test: environment-dev
	@mkdir -p .local && { $(MAKE) lint >.local/lint.log 2>&1 & lint=$$!; \
	$(VENV) -m pytest --create-db --numprocesses logical --dist loadfile --no-loadscope-reorder --durations 25 -m "$(if $(LONG),,not long)" $(TESTS); \
	tests=$$?; wait $$lint; lint=$$?; cat .local/lint.log; exit $$((tests ? tests : lint)); }

lint: environment-dev
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(PRODUCTION) $(VENV) -m mypy .
	$(VENV) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(VENV) manage.py check --deploy --fail-level WARNING

# make bench BENCH="search --vectors 100000 --json docs/search.json", or BENCH="relevance --catalog feed.csv --labels category";
# with nothing said, those of the pipeline and of the search at a small size.
BENCH ?=
bench: environment-bench
	@if [ -n "$(BENCH)" ]; then $(VENV) manage.py bench $(BENCH); \
	else $(VENV) manage.py bench pipeline && $(VENV) manage.py bench search --vectors 10000; fi

# 5,000 photos, 100 kills at random: every decodable photo must end with its vector.
chaos: environment-dev
	@exec $(VENV) -m tests.chaos

# 50 requests a second while a space is built, activated and retired.
load: environment-dev
	@exec $(VENV) -m tests.load

# Random feeds, photos and parameters for longer than `make test` takes.
fuzz: environment-dev
	@HYPOTHESIS_PROFILE=fuzz exec $(VENV) -m pytest tests -k "property or fuzz" --timeout 3600

# Pins, with hashes, what requirements/*.in ask for, and lists it in NOTICE. Pins that still fit stay: `PIN=--upgrade` takes
# the newest. All lists are pinned against the tests' own, so that one package has one version in all of them.
COMPILE = ../.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements"
requirements: environment-dev
	cd requirements && $(COMPILE) $(PIN) test.in -o test.txt
	cd requirements && for list in web worker compile bench; do $(COMPILE) $(PIN) -c test.txt $$list.in -o $$list.txt || exit 1; done
	cd requirements && $(COMPILE) $(PIN) -c test.txt local.in -o ../requirements.txt
	@$(MAKE) environment-dev environment-bench
	$(VENV) -m tests.notice

environment environment-dev environment-bench: python
	@$(PYTHON) config/local/packages.py $(or $(patsubst environment-%,%,$(filter environment-%,$@)),run)

python:
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 to 3.13 with venv was found (Debian: apt-get install python3 python3-venv)." \
		"Say which to use: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3" >&2; exit 1; }
