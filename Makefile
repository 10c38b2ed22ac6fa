# Two commands for a newcomer: `make demo` and `make test`. Each makes .venv if it is missing.

PYTHON ?= python3
BIN := .venv/bin
# One thread per process: on tiny networks a second one costs more than it brings.
export OMP_NUM_THREADS ?= 1
ifneq ($(wildcard ../shared/data),)
export OODLES_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test lint bench bench-quick results paper clean

demo: .venv/installed
	$(BIN)/oodles demo --output demo

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/rivals
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/streaming.py
	$(BIN)/python benchmarks/performance.py

bench-quick: .venv/rivals
	$(BIN)/python benchmarks/speed.py --quick

results: .venv/rivals
	$(BIN)/python benchmarks/adbench.py
	$(BIN)/python benchmarks/kddcup99.py
	$(BIN)/python benchmarks/million.py
	$(BIN)/python benchmarks/demo.py
	$(BIN)/python benchmarks/page.py

paper: .venv/installed
	$(BIN)/python -m pytest -m paper tests/papers
	$(BIN)/oodles reproduce csiszarik2019
	$(BIN)/oodles report csiszarik2019
	$(BIN)/oodles reproduce engan2018
	$(BIN)/oodles report engan2018
	$(BIN)/oodles reproduce fiorino2020
	$(BIN)/oodles report fiorino2020
	$(BIN)/oodles reproduce patuzzo2020
	$(BIN)/oodles report patuzzo2020
	$(BIN)/oodles reproduce snu2015
	$(BIN)/oodles report snu2015

.venv/rivals: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv demo build dist

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
