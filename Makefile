# `make demo` trains a bot on real conversations and lets you talk to it; `make test` passes the tests.
# Both set up what they need in .venv. PYTHON=/path/to/python3 picks the interpreter.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& command -v $$name && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint types soak clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo
	@$(BIN)/python examples/demo/chitchat_export.py examples/demo/tg_data --conversations 400
	@$(BIN)/acc run examples/demo/pipeline.toml

test: lint types
	$(BIN)/python -m coverage run -m pytest
	@$(BIN)/python -m coverage report --skip-covered

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# mypy cannot see through an editable install, so it looks at a copy laid out like the installed package.
types: $(VENV)/dev
	@rm -rf build/types
	@mkdir -p build/types/autocakechat
	@cp -R core/. build/types/autocakechat/
	@cp -R plugins build/types/autocakechat/plugins
	@cp -R examples/plugins/*/autocakechat_* build/types/
	cd build/types && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../setup.cfg \
		--python-executable ../../$(BIN)/python --cache-dir ../../.mypy_cache -p autocakechat \
		$(foreach package,$(notdir $(wildcard examples/plugins/*/autocakechat_*)),-p $(package))

soak: $(VENV)/dev
	ACC_SOAK=1 $(BIN)/python -m pytest

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(VENV)/demo: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing what the demo needs into $(VENV); tensorflow is large, this takes a few minutes."
	@$(PIP) install --editable '.[telegram,cakechat-cpu]' chitchat-dataset
	@touch $@

$(VENV)/dev: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing what the tests need into $(VENV); tensorflow is large, this takes a few minutes."
	@$(PIP) install --editable '.[dev]'
	@touch $@

$(VENV)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11, 3.12 or 3.13 with venv is needed. Debian: apt install python3-venv. macOS: brew install python@3.13." >&2; \
		exit 2; \
	fi
	@$(PYTHON) -m venv $(VENV)
	@touch $@
