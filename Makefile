# SensorForge: `make demo` shows the main job end to end, `make test` runs the tests. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
PROTOS := $(shell cd protos && find . -name '*.proto' | sort | sed 's|^\./||')

export OMP_NUM_THREADS ?= 1

.PHONY: help demo test test-all lint protos check-protos bench docs clean
help:            ## Say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("SensorForge needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing SensorForge into $(VENV) (a few minutes the first time)"
	$(PIP) -e '.[all]'
	@touch $@

$(VENV)/.development: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing SensorForge and its test tools into $(VENV) (a few minutes the first time)"
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime  ## Run the six steps on a generated sample and print the report
	$(BIN)/sensorforge demo

test: $(VENV)/.development  ## Run the tests (slow suites excepted)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: $(VENV)/.development  ## Run every test, the slow ones too
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -m 'slow or not slow'

lint: $(VENV)/.development  ## Check style, types, import rules and contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint

protos: $(VENV)/.development  ## Generate the stubs beside the contracts
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=protos --pyi_out=protos \
		--grpc_python_out=protos --mypy_grpc_out=quiet:protos $(PROTOS)

check-protos: protos  ## Fail when the committed stubs differ from the contracts
	@test -z "$$(git status --porcelain protos)" || \
		{ git --no-pager diff --stat protos; echo "the stubs differ from the contracts: run 'make protos' and commit"; exit 1; }

docs: $(VENV)/.development  ## Generate the pages that come from code and contracts
	$(BIN)/python -m services.embedded.error_catalogue > docs/errors.md
	$(BIN)/python docs/generate_client_errors.py > docs/client-errors.md
	$(BIN)/python docs/generate_api.py > docs/api.md
	$(BIN)/python docs/generate_commands.py markdown > docs/commands.md
	$(BIN)/python docs/generate_commands.py man > docs/sensorforge.1

bench: $(VENV)/.development  ## Measure against named peers, as ratios
	$(BIN)/python -m benchmarks

clean:           ## Remove what make made
	rm -rf $(VENV) sensorforge-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
