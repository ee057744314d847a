# `make help` lists what can be asked for. Everything works without root and away from a git checkout.

HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
PYTHON := .venv/bin/python

.PHONY: help run test check bench requirements prepare-tests
.DEFAULT_GOAL := help

help:
	@echo 'make run                 install what is missing, then serve on http://127.0.0.1:8000/'
	@echo 'make run PORT=8001       the same on another port'
	@echo 'make run HOST=0.0.0.0    the same, open to the local network'
	@echo 'make test                install what is missing, run the checks, then the tests'
	@echo 'make test ARGS="-k admin"  run some of the tests; ARGS goes to pytest'
	@echo 'make check               lint, format, types, migrations'
	@echo 'make bench               measure latency, accuracy, CPU and memory'
	@echo 'make requirements        recompile the pinned requirements (ARGS=--upgrade renews them)'

run:
	@sh deploy/bootstrap.sh run --host '$(HOST)' --port '$(PORT)'

prepare-tests:
	@sh deploy/bootstrap.sh test

check: prepare-tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy .
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) manage.py check

test: check
	$(PYTHON) -m pytest -n2 --dist loadgroup --no-loadscope-reorder --durations=15 $(ARGS)

bench: prepare-tests
	$(PYTHON) -m tests.bench $(ARGS)
	$(PYTHON) -m tests.bench.azure
	$(PYTHON) -m tests.bench.fan_out
	$(PYTHON) -m tests.bench.listeners
	$(PYTHON) -m tests.bench.review
	$(PYTHON) -m tests.bench.exports

requirements: prepare-tests
	set -e; for file in requirements/*.in; do \
		$(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 \
			--custom-compile-command 'make requirements' $(ARGS) "$$file" -o "$${file%.in}.txt"; \
	done
