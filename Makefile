# Everything a person does with Relevo. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

UV := $(shell command -v uv || echo .uv/bin/uv)
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= copy
export UV_COMPILE_BYTECODE := 1
RUN := $(UV) run --frozen
PARALLEL := -n 2 --dist loadfile

IMAGES := data-api airflow mlflow inference-api streamlit locust
# What an image may weigh, in MB, its Python included (a large one takes 242).
MOST := 2000
MOST_inference-api := 400
REGISTRY ?= docker.io/relevo
COMMIT := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
TAG ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)
BUILDER ?= $(shell command -v podman || command -v docker)

.PHONY: help setup up clean test test-kills bench ci format lint types imports coverage images manifests load test-cluster

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## install everything Relevo needs into .venv (the other targets call it)

.uv/bin/uv:
	@command -v python3 >/dev/null || { echo "python3 is not installed; Relevo needs Python 3.11, 3.12 or 3.13"; exit 1; }
	python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv

.venv/.ready: $(if $(findstring .uv/,$(UV)),$(UV)) uv.lock pyproject.toml $(wildcard apps/*/pyproject.toml)
	$(UV) sync --frozen
	@touch $@

up: setup ## run the whole loop on this machine: data API, MLflow, Airflow, inference API, UI; Ctrl-C stops it
	@$(RUN) relevo up

clean: ## delete all state of `make up` and `relevo run` on this machine
	rm -rf .relevo

test: setup ## run the tests; a server that is missing is named, with how to get it
	$(RUN) pytest $(PARALLEL) -m "not kills and not cluster"

test-kills: setup ## kill the loop at fifty random instants and at every step boundary
	$(RUN) pytest -m kills

test-cluster: setup ## check what runs on the cluster of KUBECONFIG; tests/cluster/README.md says what it needs
	$(RUN) pytest -m cluster tests/cluster

bench: setup ## measure accuracy, speed and memory, each beside something to compare with
	$(RUN) python -m benchmarks

ci: setup lint types imports coverage ## what CI runs: format, lint, types, import contracts, tests with coverage

format: setup ## put the code into its one format
	$(RUN) ruff format . && $(RUN) ruff check --fix .

lint: setup ## check format and lint
	$(RUN) ruff format --check . && $(RUN) ruff check . && $(RUN) yamllint --strict .

types: setup ## check types strictly, in all Python that is not a test
	$(RUN) mypy

imports: setup ## check that imports point one way
	$(RUN) lint-imports

coverage: setup ## run the tests and show what they cover
	$(RUN) pytest $(PARALLEL) -m "not kills and not cluster" --cov --cov-report=term:skip-covered

images: $(IMAGES:%=image-%) ## build the apps' images, tagged with the commit, and weigh them; BUILD_FLAGS, REGISTRY and TAG may be set

image-%:
	$(if $(BUILDER),,$(error neither podman nor docker is installed; BUILDER names another))
	$(BUILDER) build $(BUILD_FLAGS) --build-arg APP=$* --build-arg COMMIT=$(COMMIT) \
	  --tag $(REGISTRY)/$*:$(TAG) --file apps/Dockerfile .
	@$(BUILDER) image inspect --format '{{.Size}}' $(REGISTRY)/$*:$(TAG) \
	  | awk -v most=$(or $(MOST_$*),$(MOST)) '{ printf "$* weighs %.1f MB of %d\n", $$1 / 1e6, most; exit $$1 >= most * 1e6 }'

manifests: setup ## render what Argo CD applies and validate it (part of `make test`)
	$(RUN) pytest $(PARALLEL) tests/manifests

load: ## load the API of dev for a minute, from inside the cluster, and print the figures
	k8s/run-now.sh load
