# Every target does its own set-up: Python >= 3.11, make and a package index are all a machine needs.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin

.PHONY: demo up test test-full check bench drill setup format lock clean

demo: setup     ## the whole product on real servers, driven over the public API
	@$(BIN)/rapport demo
up: setup       ## start everything and stay
	@$(BIN)/rapport up
test: setup     ## the suite CI runs; says what it left out
	@$(BIN)/python -m infra.suite -m "not slow"
test-full: setup ## slow suites too
	@$(BIN)/python -m pytest
check: setup    ## format, lint, types, room rules
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports > .rapport-lint.log 2>&1 || { tail -n 40 .rapport-lint.log; exit 1; }
	@$(BIN)/python -m infra.checks
	@$(BIN)/mypy
bench: setup    ## every row, or one group: make bench ONLY=turn
	@$(BIN)/python -m infra.bench $(if $(ONLY),--only $(ONLY))
drill: setup    ## dump, wipe everything, restore: does all accepted work end?
	@$(BIN)/python -m infra.drill
format: setup
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
lock:           ## needs uv on the PATH; writes pins with hashes and no address
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --allow-unsafe --group dev \
	  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml -o requirements.lock
clean:
	rm -rf $(VENV) .rapport

setup: $(STAMP)
$(STAMP): requirements.lock pyproject.toml infra/setup.sh
	@sh infra/setup.sh $(PYTHON) $(VENV)
