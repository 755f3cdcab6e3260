# The targets people use. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYNCED := $(VENV)/.synced
INSTALLED := $(VENV)/.installed
GENERATED := gen/.generated
OPS := .venv-ops
OPS_SYNCED := $(OPS)/.synced
TEST_LOGS := $(VENV)
ASIDE := tests/contract/test_refusals.py tests/contract/test_strangers.py tests/stories tests/replay tests/workflow \
	tests/wheel tests/fault/test_local_stack.py
CONTRACTS := $(shell find protos third_party/protos -name '*.proto' 2>/dev/null)

# uv brings its own list of certificate authorities; a machine behind a proxy has others.
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo run test stories drill bench check format lock histories docs proto baseline manifests container-test clean

##@ Start here

help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(GENERATED) ## Make the virtual environment from the hashed lock file.

demo: setup ## Play three applications side by side, submission to invoice (ONCE=1 stops the stack after it).
	$(BIN)/socialcare demo $(if $(ONCE),--once)

run: setup ## Start the whole stack on this machine; Ctrl-C stops it.
	$(BIN)/socialcare up

##@ Work on it

# Most tests wait for processes or for the database most of their time, so three parts run side by side; ARGS runs one.
test: setup ## Run the tests (ARGS="-k pause" chooses some).
ifeq ($(ARGS),)
	@$(BIN)/pytest tests/fault $(ASIDE:%=--ignore=%) >$(TEST_LOGS)/fault-tests.log 2>&1 & fault=$$!; \
	$(BIN)/pytest $(ASIDE) >$(TEST_LOGS)/aside-tests.log 2>&1 & aside=$$!; \
	trap 'kill $$fault $$aside 2>/dev/null' INT TERM; \
	$(BIN)/pytest --ignore=tests/fault $(ASIDE:%=--ignore=%); others=$$?; \
	echo "waiting for $(ASIDE), which ran beside (tail -f $(TEST_LOGS)/aside-tests.log)"; \
	wait $$aside; asides=$$?; cat $(TEST_LOGS)/aside-tests.log; \
	echo "waiting for tests/fault, which ran beside (tail -f $(TEST_LOGS)/fault-tests.log)"; \
	wait $$fault; faults=$$?; cat $(TEST_LOGS)/fault-tests.log; \
	exit $$((others | asides | faults))
else
	$(BIN)/pytest $(ARGS)
endif

stories: setup ## Play every story of tests/stories, published and further ones, to its last check.
	EVERY_STORY=1 $(BIN)/pytest tests/stories/test_stories.py -k every_story $(ARGS)

drill: setup ## Break the system at work; the result must not change (CASES=10 KILLS=5 RACES=500 APPLICATIONS=10000 PEOPLE=20000 MORTALS=1000 ACCOUNTS=100000 SEED=1; small where CI=true).
	$(BIN)/python -m drill $(if $(CASES),--cases $(CASES)) $(if $(KILLS),--kills $(KILLS)) $(if $(RACES),--races $(RACES)) $(if $(APPLICATIONS),--applications $(APPLICATIONS)) $(if $(PEOPLE),--people $(PEOPLE)) $(if $(MORTALS),--mortals $(MORTALS)) $(if $(ACCOUNTS),--accounts $(ACCOUNTS)) $(if $(SEED),--seed $(SEED)) $(ARGS)
	$(if $(filter true,$(CI))$(ARGS),,EVERY_BOUNDARY=1 $(BIN)/pytest tests/fault/test_signing_under_fire.py)
	$(if $(filter true,$(CI))$(ARGS),,$(MAKE) stories)

bench: setup ## Measure against floors taken in the same run (SIZE=small, usual or large).
	$(BIN)/python -m bench $(if $(SIZE),--size $(SIZE)) $(ARGS)

check: setup ## Lint, format, types, import rules, contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/buf lint
	$(BIN)/buf format -d --exit-code protos
	$(BIN)/buf breaking protos --against protos/baseline.binpb

manifests: setup $(OPS_SYNCED) ## Check what deploy/ has: manifests, schemas, policies, container files.
	@rm -rf $(OPS)/rendered && mkdir -p $(OPS)/rendered
	@for overlay in production staging production/jobs staging/jobs; do \
		$(OPS)/bin/kubectl kustomize deploy/kubernetes/overlays/$$overlay >$(OPS)/rendered/$$(echo $$overlay | tr / -).yaml || exit 1; \
	done
	@mkdir -p $(OPS)/temporal-tls
	@for overlay in production production/jobs; do \
		printf 'resources: [../../deploy/kubernetes/overlays/%s]\ncomponents: [../../deploy/kubernetes/temporal-tls]\n' \
			$$overlay >$(OPS)/temporal-tls/kustomization.yaml; \
		rendered=$(OPS)/rendered/temporal-tls-$$(echo $$overlay | tr / -).yaml; \
		$(OPS)/bin/kubectl kustomize $(OPS)/temporal-tls >$$rendered || exit 1; \
		grep --quiet SOCIALCARE_TEMPORAL_TLS_CA_FILE $$rendered || { echo "$$rendered has no TLS to Temporal"; exit 1; }; \
	done
	$(OPS)/bin/kubernetes-validate --strict --no-warn --quiet $(OPS)/rendered/*.yaml
	$(OPS)/bin/python deploy/kubernetes/monitors.py $(OPS)/rendered/*.yaml
	$(OPS)/bin/python deploy/kubernetes/selecting.py $(OPS)/rendered/*.yaml
	$(OPS)/bin/python deploy/kubernetes/wiring.py $(OPS)/rendered/*.yaml
	$(OPS)/bin/hadolint deploy/Containerfile deploy/standin/Containerfile
	@cp deploy/Containerfile $(OPS)/rendered/Dockerfile
	$(OPS)/bin/checkov --config-file deploy/checkov.yaml --directory $(OPS)/rendered

container-test: setup $(OPS_SYNCED) ## Build the image, run the compose stack with podman, play three stories on it (needs podman).
	PODMAN_COMPOSE=$(CURDIR)/$(OPS)/bin/podman-compose $(BIN)/python -m tests.containers

format: setup ## Put code and contracts into the one format.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w protos

##@ Generated files

proto: setup ## Compile the contracts into gen/.
	$(BIN)/python tools/genproto.py
	@touch $(GENERATED)

baseline: setup ## Accept the present contracts as what must not break (needs an ADR).
	$(BIN)/buf build protos -o protos/baseline.binpb --exclude-source-info

histories: setup ## Record the ways through workflows that no stored history has taken yet.
	$(BIN)/python -m tests.replay.record

docs: setup ## Write the parts of the documentation that follow from the code.
	$(BIN)/python tools/gendocs.py
	$(BIN)/python tools/dashboards.py

lock: setup ## Resolve the dependencies again and write the hashed lock files.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" $(UPGRADE) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" $(UPGRADE) --extra dev -c requirements.lock pyproject.toml \
		-o requirements-dev.lock

clean: ## Remove what was generated or cached; the state of the local stack stays.
	rm -rf $(INSTALLED) gen gen.tmp dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The environment is made again only when the lock file changed, the editable install only when the project did.
$(SYNCED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet uv || echo "uv cannot be installed; pip takes longer"
	@if test -x $(BIN)/uv; \
	then VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.lock; \
	else $(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock; fi
	@touch $@

# Large, and needed for deploy/ only, hence an environment of its own.
$(OPS_SYNCED): requirements-ops.lock $(SYNCED)
	@test -x $(OPS)/bin/python || $(PYTHON) -m venv $(OPS)
	@if test -x $(BIN)/uv; \
	then $(BIN)/uv pip sync --quiet --require-hashes --python $(OPS)/bin/python requirements-ops.lock; \
	else $(OPS)/bin/pip install --quiet --require-hashes -r requirements-ops.lock; fi
	@touch $@

$(INSTALLED): $(SYNCED) pyproject.toml tools/hatch_build.py
	@if test -x $(BIN)/uv; \
	then $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else $(BIN)/pip install --quiet --no-deps --no-build-isolation -e .; fi
	@touch $@ $(GENERATED)

$(GENERATED): $(INSTALLED) $(CONTRACTS) tools/genproto.py
	$(BIN)/python tools/genproto.py
	@touch $@
