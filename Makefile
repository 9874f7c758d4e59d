# `make demo` trains a bot on real conversations and starts a conversation with it; `make test` runs the tests.
# `make demo START=conversations` first trains a start model, for about ten minutes, on conversations that the demo does not use.
# `make demo-lora` trains a language model on the same conversations, in about five minutes.
# All install what they need into .venv. PYTHON=/path/to/python3 selects the interpreter.
#
# Your own bot in containers (docs/bots/docker.md): put chat logs into tg_data, then
#   make generate_corpus TELEGRAM_SERVER_ID=user123456789
#   make docker_train_from_scratch       or: make docker_update_pretrained
#   make docker_deploy_model             with TELEGRAM_BOT_TOKEN and TELEGRAM_ALLOW in .env
# All values may also be set in the environment or below. Keep the token in .env, which git ignores.
TELEGRAM_SERVER_ID ?=
TELEGRAM_BOT_TOKEN ?=
TELEGRAM_ALLOW ?=

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& command -v $$name && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Values that are not set are read from .env.
from-env = $(strip $(shell sed -n 's/^ *\(export  *\)*$(1) *= *//p' .env 2>/dev/null | tail -n 1 | tr -d "\"'\r"))
TELEGRAM_SERVER_ID := $(or $(TELEGRAM_SERVER_ID),$(call from-env,TELEGRAM_SERVER_ID))
TELEGRAM_BOT_TOKEN := $(or $(TELEGRAM_BOT_TOKEN),$(call from-env,TELEGRAM_BOT_TOKEN))
TELEGRAM_ALLOW := $(or $(TELEGRAM_ALLOW),$(call from-env,TELEGRAM_ALLOW))

# $(call need,VALUE,MESSAGE) fails with the message if the value is empty.
need = $(if $(strip $(1)),,$(error $(2)))

# A build of PyTorch without CUDA, unless there may be a GPU: the one on PyPI for Linux takes several gigabytes.
# `make demo-lora TORCH=torch` installs the one on PyPI.
TORCH_CPU := https://download.pytorch.org/whl/cpu
TORCH ?= torch$(if $(filter Linux,$(shell uname)),$(if $(shell command -v nvidia-smi),, --index-url $(TORCH_CPU)))

.PHONY: demo demo-lora test pytest coverage lint types soak docs lock audit generate_corpus clean
.DELETE_ON_ERROR:

DEMO_EXPORT := $(BIN)/python examples/demo/chitchat_export.py examples/demo/tg_data --conversations 400

demo: $(VENV)/demo
	@$(DEMO_EXPORT) $(if $(filter conversations,$(START)),--unseen)
	@$(BIN)/acc run examples/demo/pipeline.toml $(if $(START),--set trainer.start=$(START))

demo-lora: $(VENV)/demo-lora
	@$(DEMO_EXPORT)
	@$(BIN)/acc run examples/demo/language-model.toml

test: lint types pytest

# The tests of a file run in one process: they share what takes long to make. tests/conftest.py orders the files.
# Without MAKEFLAGS, `make` as the tests call it does not depend on the options of this one, such as --jobs.
pytest: $(VENV)/dev
	MAKEFLAGS= $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 10

coverage: $(VENV)/dev
	$(BIN)/python -m coverage run -m pytest
	@$(BIN)/python -m coverage report --skip-covered

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@[ ! -x $(BIN)/hadolint ] || $(BIN)/hadolint docker/Dockerfile

PACKAGES := $(patsubst %/__init__.py,%,$(wildcard examples/plugins/*/autocakechat_*/__init__.py))

# mypy cannot follow an editable install, so it checks a copy laid out like the installed package.
types: $(VENV)/dev
	@rm -rf build/types
	@mkdir -p build/types/autocakechat
	@cp -R core/. build/types/autocakechat/
	@cp -R plugins build/types/autocakechat/plugins
	@cp -R $(PACKAGES) build/types/
	cd build/types && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../setup.cfg \
		--python-executable ../../$(BIN)/python --cache-dir ../../.mypy_cache -p autocakechat \
		$(foreach package,$(notdir $(PACKAGES)),-p $(package))

# Any warning, such as a broken link, is an error.
docs: $(VENV)/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "Documentation: build/docs/index.html"

soak: $(VENV)/dev
	ACC_SOAK=1 $(BIN)/python -m pytest --timeout 0

# The libraries of the images, with the hashes of their files; `make lock` takes the newest releases.
LOCKED := $(addprefix docker/locked/,bot.txt cakechat-cpu.txt cakechat-gpu.txt)
docker/locked/bot.txt: EXTRAS := reply llama retrieval telegram
docker/locked/cakechat-cpu.txt: EXTRAS := cakechat-cpu conversations retrieval telegram
docker/locked/cakechat-gpu.txt: EXTRAS := cakechat-gpu conversations retrieval telegram

lock: $(VENV)/tools
	@rm -f $(LOCKED)
	@$(MAKE) --no-print-directory $(LOCKED)

$(LOCKED):
	$(BIN)/uv pip compile setup.cfg $(addprefix --extra ,$(EXTRAS)) --output-file $@ --generate-hashes --universal \
		--python-version 3.11 --no-annotate --no-header --quiet

# Known vulnerabilities of the libraries of the images.
audit: $(VENV)/tools
	$(BIN)/pip-audit --strict --require-hashes --disable-pip $(addprefix --requirement ,$(LOCKED))

generate_corpus: export TELEGRAM_SERVER_ID := $(TELEGRAM_SERVER_ID)
generate_corpus: $(VENV)/core
	$(call need,$(TELEGRAM_SERVER_ID),TELEGRAM_SERVER_ID is not set: `$(BIN)/acc inspect tg_data` lists the ids)
	@ACC_TYPED="make $@" $(BIN)/acc run --until corpus --set "extractor.server=$$TELEGRAM_SERVER_ID"
	@mkdir -p corpus
	@$(BIN)/acc corpus export --set "extractor.server=$$TELEGRAM_SERVER_ID" --part train \
		--output corpus/train_processed_dialogs.txt

include docker/targets.mk

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(VENV)/core: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing autocakechat into $(VENV)."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/demo: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing the demo's requirements into $(VENV); TensorFlow is large, this takes a few minutes."
	@$(PIP) install --editable '.[telegram,cakechat-cpu,conversations]'
	@touch $@

$(VENV)/demo-lora: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing the language model's requirements into $(VENV); PyTorch is large, this takes a few minutes."
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) install $(TORCH)
	@$(PIP) install --editable '.[lora,llama,conversations]'
	@touch $@

$(VENV)/dev: $(VENV)/python setup.cfg pyproject.toml
	@echo "Installing the tests' requirements into $(VENV); TensorFlow is large, this takes a few minutes."
	@$(PIP) install --editable '.[dev]'
	@touch $@

$(VENV)/tools: $(VENV)/python
	@$(PIP) install pip-audit uv
	@touch $@

$(VENV)/docs: $(VENV)/python setup.cfg pyproject.toml
	@$(PIP) install --editable '.[docs]'
	@touch $@

$(VENV)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11, 3.12 or 3.13 with venv is required. Debian: apt install python3-venv. macOS: brew install python@3.13." >&2; \
		exit 2; \
	fi
	@$(PYTHON) -m venv $(VENV)
	@touch $@
