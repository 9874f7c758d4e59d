# The targets that need Docker; docs/bots/docker.md explains the variables.
DOCKER ?= docker
GPU ?=
# What docker_update_pretrained starts from if the published model cannot be downloaded: conversations, or none to stop.
START_FALLBACK ?= conversations
# The confirmed SHA-256 of the published model's files, separated by spaces.
SHA256 ?=
PLUGINS ?=
export DOCKER_BUILDKIT := 1
export DOCKER_USER := $(or $(DOCKER_USER),$(shell id -u):$(shell id -g))
# Each checkout has its own containers.
export COMPOSE_PROJECT_NAME := $(or $(COMPOSE_PROJECT_NAME),autocakechat-$(firstword $(shell pwd | cksum)))

ENGINE_MISSING := no Docker engine is running: install it (https://docs.docker.com/engine/install) or start it; `$(DOCKER) ps` must work
COMPOSE_MISSING := Docker Compose is missing: install the package docker-compose-plugin or docker-compose
CORPUS_MISSING := there is no corpus: run make generate_corpus
LORA_MISSING := pipeline.toml trains no language model: write use = "lora" under [trainer], and remove the options of cakechat there and under [reply]
MODEL_MISSING := there is no model: run make docker_train_from_scratch
TOKEN_MISSING := TELEGRAM_BOT_TOKEN is not set: write TELEGRAM_BOT_TOKEN=... into .env
ALLOW_MISSING := TELEGRAM_ALLOW is not set: write TELEGRAM_ALLOW=123456789 @name into .env, with the ids (digits) or usernames \
	of those who may talk to the bot; `$(BIN)/acc inspect tg_data` lists ids; TELEGRAM_ALLOW=everyone allows everyone
IMAGE_MISSING = there is no image $(IMAGE): run again without DOCKER_BUILD=no

CONTAINERS = $(DOCKER) ps --quiet --filter label=com.docker.compose.project=$(COMPOSE_PROJECT_NAME)
COMPOSE = $(COMPOSE_PROGRAM) --file docker/compose.yaml
COMPOSE_PROGRAM = $(shell $(DOCKER) compose version >/dev/null 2>&1 && echo $(DOCKER) compose || command -v docker-compose)
BUILD = $(DOCKER) build --file docker/Dockerfile --tag $(IMAGE) --build-arg PLUGINS="$(PLUGINS)" $(DOCKER_BUILD_FLAGS)
TOKEN_FILE := .secrets/telegram_bot_token
# An optional start model: a model folder, or files of the original CakeChat.
PRETRAINED = $(if $(wildcard results.nosync/pretrained/*),results.nosync/pretrained)

# The option `allow` in TOML: "everyone", or a list of ids and usernames, which TELEGRAM_ALLOW separates by spaces or commas.
comma := ,
allowed = $(subst $(comma), ,$(TELEGRAM_ALLOW))
allow = $(if $(filter-out everyone,$(allowed)),[$(foreach who,$(allowed),"$(who)"$(comma))],"everyone")

need-docker = $(call need,$(shell $(DOCKER) version --format '{{.Server.Version}}' 2>/dev/null),$(ENGINE_MISSING)) \
	$(call need,$(COMPOSE_PROGRAM),$(COMPOSE_MISSING))
need-image = $(call need,$(shell $(DOCKER) image ls --quiet $(IMAGE)),$(IMAGE_MISSING))
# Builds the image; with DOCKER_BUILD=no only checks that it exists.
image = $(if $(filter no,$(DOCKER_BUILD)),$(need-image),@$(BUILD) $(1) .)

.PHONY: docker_train_from_scratch docker_update_pretrained docker_train_lora docker_deploy_model docker_stop docker_remove

docker_train_from_scratch: START = --set trainer.start=scratch
docker_update_pretrained: START = --set trainer.start=pretrained $(if $(PRETRAINED),\
	--set trainer.start_path=$(PRETRAINED),--set trainer.start_fallback=$(START_FALLBACK)) \
	$(if $(SHA256),--set 'trainer.sha256=[$(foreach checksum,$(SHA256),"$(checksum)"$(comma))]')
# The network is only for downloading a model.
docker_update_pretrained: export TRAIN_NETWORK := $(or $(TRAIN_NETWORK),$(if $(PRETRAINED),none,bridge))
# The corpus is the one that generate_corpus made last: it has set the server, which may be known to that target only.
docker_train_from_scratch docker_update_pretrained docker_train_lora: CORPUS = --any $(if $(TELEGRAM_SERVER_ID),--set "extractor.server=$$TELEGRAM_SERVER_ID")
docker_train_from_scratch docker_update_pretrained docker_train_lora: export TELEGRAM_SERVER_ID := $(TELEGRAM_SERVER_ID)
docker_train_from_scratch docker_update_pretrained: SERVICE = $(if $(GPU),train-gpu,train)
docker_train_from_scratch docker_update_pretrained: TRAINER = $(if $(GPU),--build-arg TRAINER=cakechat-gpu)
docker_train_lora: SERVICE = $(if $(GPU),train-lora-gpu,train-lora)
docker_train_lora: TRAINER = --build-arg TRAINER=lora $(if $(GPU),,--build-arg TORCH=$(TORCH_CPU))
docker_train_from_scratch docker_update_pretrained docker_train_lora: IMAGE = autocakechat:$(SERVICE)
docker_train_from_scratch docker_update_pretrained docker_train_lora:
	$(need-docker)
	$(if $(filter docker_train_lora,$@),$(call need,$(shell grep -E '^use *= *"lora"' pipeline.toml),$(LORA_MISSING)))
	$(call need,$(wildcard .acc/corpus/*),$(CORPUS_MISSING))
	$(call image,--target train $(TRAINER))
	@mkdir -p results.nosync
	@ACC_TYPED="make $@" $(COMPOSE) run --rm $$([ -t 0 ] && [ -t 1 ] || echo -T) $(SERVICE) \
		train $(CORPUS) $(START) --export-model results.nosync/model

docker_deploy_model: export TELEGRAM_BOT_TOKEN := $(TELEGRAM_BOT_TOKEN)
docker_deploy_model: export BOT_ALLOW = $(allow)
docker_deploy_model: IMAGE = autocakechat:bot
docker_deploy_model:
	$(need-docker)
	$(call need,$(wildcard results.nosync/model/model.json),$(MODEL_MISSING))
	$(call need,$(TELEGRAM_BOT_TOKEN)$(wildcard $(TOKEN_FILE)),$(TOKEN_MISSING))
	$(call need,$(allowed),$(ALLOW_MISSING))
	$(call image,--target bot)
	@mkdir -p -m 700 results.nosync/bot .secrets
	@[ -z "$$TELEGRAM_BOT_TOKEN" ] || (umask 077 && printf '%s\n' "$$TELEGRAM_BOT_TOKEN" >$(TOKEN_FILE))
	@$(COMPOSE) up --detach --force-recreate bot
	@DOCKER=$(DOCKER) docker/await-bot "$$($(COMPOSE) ps --quiet bot)"

docker_stop:
	$(need-docker)
	@containers=$$($(CONTAINERS)) && { [ -z "$$containers" ] || $(DOCKER) stop $$containers >/dev/null; }

docker_remove: docker_stop
	@containers=$$($(CONTAINERS) --all) && { [ -z "$$containers" ] || $(DOCKER) rm $$containers >/dev/null; }
	@images=$$($(DOCKER) image ls --quiet autocakechat | sort -u) && { [ -z "$$images" ] || $(DOCKER) rmi --force $$images; }
	@echo "The corpus, the model (results.nosync) and the token (.secrets) are kept."
