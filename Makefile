# Everything starts here. Needs Python >= 3.11 and make, nothing else: `.venv` is made from the hash-locked requirements.
#
#   make demo                      the story on one screen (DEMO_EXIT=1: exits afterwards)
#   make test ARGS="-k replay"     the whole suite, or a part of it
#   make PYTHON=python3.12 test    with another interpreter

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help demo serve test check bench bench-pages bench-judgement mutants chaos fuzz lock runtime dev clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: runtime ## a realistic day of events through the whole machine, then keeps serving
	@COUNTERFOIL_ENV=development $(BIN)/python -m sandbox.demo

serve: runtime ## door, worker, sweeper and console in one process, without sample data
	@COUNTERFOIL_ENV=$${COUNTERFOIL_ENV:-development} $(BIN)/counterfoil serve

test: check ## style, types, import floors, then every test on real Postgres and Redis
	@.ci/browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: dev ## style, types and import floors only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: dev ## figures against anchors measured in the same run
	@$(BIN)/python tests/bench/run.py $(ARGS)

bench-pages: dev ## every page of the console at 1,000,000 events (ARGS="--events 10000": a quick look)
	@$(BIN)/python tests/bench/run.py --pages $(ARGS)

bench-judgement: dev ## the judge's figures; DATA=folder with banking77/ and clinc150/
	@$(BIN)/python -m judgement.local.weights
	@nice -n 10 $(BIN)/python tests/bench/judging.py $(DATA) $(ARGS)

mutants: dev ## takes each mechanism of a promise out of a copy and expects its tests to fail, the slow ones too
	@MUTANTS=all $(BIN)/python -m pytest -n 2 tests/promises/test_removed.py tests/promises/test_removed_later.py tests/promises/every_removed.py $(ARGS)

chaos: dev ## all seeded schedules of writes, with real processes and without; `make test` plays a part
	@SCHEDULES=all SCHEDULES_REAL=all $(BIN)/python -m pytest -n 2 --dist load tests/chaos/test_schedules.py tests/chaos/test_schedules_real.py $(ARGS)

fuzz: dev ## ten thousand drawn requests over the API's own description; `make test` plays a few of each kind
	@FUZZ_EXAMPLES=70 $(BIN)/python -m pytest -n 2 --dist load tests/console/test_openapi.py $(ARGS)

lock: ## new locks from pyproject.toml (UPGRADE=1: newest versions)
	@.ci/lock

runtime:
	@$(PYTHON) .ci/venv.py runtime

dev:
	@$(PYTHON) .ci/venv.py dev

clean: ## removes .venv and caches; data in .counterfoil stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
