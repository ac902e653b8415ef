# Everything starts here; `make` alone lists the targets. Nothing has to be installed by hand beyond
# make, Python 3.11 or newer (to fetch uv) and Node 22 or newer (for the CDK command line).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# CDK's Python bridge works on Node 20 and warns at length that Node itself has ended its support.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# What a shell may have set for other work: it would hide a Python from find-python and uv, put other
# packages before those of the lock files, install elsewhere than into the clone, or refuse the clone itself.
unexport PYENV_VERSION PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT UV_REQUIRE_HASHES

# A company's certificates, for every tool, by whichever of the usual names has them.
CERTIFICATES := $(or $(SSL_CERT_FILE),$(REQUESTS_CA_BUNDLE),$(CURL_CA_BUNDLE),$(PIP_CERT),$(AWS_CA_BUNDLE))
ifneq ($(CERTIFICATES),)
export SSL_CERT_FILE := $(or $(SSL_CERT_FILE),$(CERTIFICATES))
export PIP_CERT := $(or $(PIP_CERT),$(CERTIFICATES))
export REQUESTS_CA_BUNDLE := $(or $(REQUESTS_CA_BUNDLE),$(CERTIFICATES))
export AWS_CA_BUNDLE := $(or $(AWS_CA_BUNDLE),$(CERTIFICATES))
export NODE_EXTRA_CA_CERTS := $(or $(NODE_EXTRA_CA_CERTS),$(CERTIFICATES))
endif

# Where HOME cannot be written, caches and whatever else the tools keep there are in the clone, unless a
# tool has been told where; where there is none, the clone has one.
ifneq ($(shell requirements/home-is-open && echo open),open)
CLOSED_HOME := $(CURDIR)/.linkage/home
export XDG_CACHE_HOME := $(CLOSED_HOME)/cache
export XDG_DATA_HOME := $(CLOSED_HOME)/data
export UV_CACHE_DIR := $(or $(UV_CACHE_DIR),$(CLOSED_HOME)/cache/uv)
export PIP_CACHE_DIR := $(or $(PIP_CACHE_DIR),$(CLOSED_HOME)/cache/pip)
export npm_config_cache := $(or $(npm_config_cache),$(CLOSED_HOME)/cache/npm)
export JSII_RUNTIME_PACKAGE_CACHE := disabled
ifneq ($(shell [ -d "$$HOME" ] && echo there),there)
export HOME := $(CLOSED_HOME)
endif
endif

# jsii refuses a cache where others could write, by the folder or one above it; it can do without.
ifneq ($(shell find "$$HOME" "$$HOME/.cache" -maxdepth 0 -perm /022 2>/dev/null),)
export JSII_RUNTIME_PACKAGE_CACHE := disabled
endif

HOUSE := .linkage
STAMPS := $(HOUSE)/stamps
UV := $(HOUSE)/tools/bin/uv
PYTHON := .venv/bin/python
READY := $(STAMPS)/node $(STAMPS)/python $(STAMPS)/emulator
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes \
  --no-emit-index-url --custom-compile-command 'make lock'

# A stamp is written last and by a rename, so a step that was interrupted is done again from the start.
begin = mkdir -p $(STAMPS) && if [ -e $@.begun ]; then rm -rf $(1); fi && touch $@.begun
finish = mv $@.begun $@

.PHONY: help dev test quick lint types unit flow layers synth orders faults bench figures bots lock edge preflight bootstrap tools ready format clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

dev: preflight bootstrap layers ## run the network on this machine, until Ctrl-C
	@exec .venv/bin/linkage dev

# The types are checked beside the tests over HTTP, which leave a processor idle now and then.
test: lint unit ## everything CI runs
	@$(MAKE) -j 2 types flow

quick: lint types ## lint, types, and the tests of the domain and of the rooms a change touches
	@touched=$$($(PYTHON) -m tests.touched) && \
	case " $$touched " in *" tests/infra "*|*test_layers*|*tests/bench*) $(MAKE) layers ;; esac && \
	echo "$$touched" | tr ' ' '\n' && \
	$(PYTHON) -m pytest -q -n auto --dist worksteal -m 'not flow and not orders and not faults' $$touched

lint: bootstrap ## formatting and lint rules
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

format: bootstrap ## rewrite the code in the house's format
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

types: bootstrap ## static types
	$(PYTHON) -m mypy

unit: bootstrap layers ## tests that need no emulator
	$(PYTHON) -m pytest -q -n auto --dist loadscope -m 'not flow and not orders and not faults' --ignore=tests/flow

flow: bootstrap layers ## tests of the deployed app on the emulator
	$(PYTHON) -m pytest -q -n 2 --dist loadgroup -m 'not orders' tests/flow

orders: bootstrap layers ## import all the real orders on the emulator
	$(PYTHON) -m pytest -q -m orders tests/flow

faults: bootstrap layers ## random facts delivered badly against the auditor, and attackers against the truth
	$(PYTHON) -m pytest -q -m faults --ignore=tests/flow

bench: bootstrap layers ## measure and count what a click, a conversion and a payout take; fails above a bound
	@$(PYTHON) -m bench.run

figures: bootstrap ## write the results of the last make bench into docs/performance.md
	@$(PYTHON) -m bench.page

layers: bootstrap ## build the layers and functions for this machine and for AWS
	@$(PYTHON) layers/build.py

edge: bootstrap ## build what the optional edge needs for AWS; before deploying with -c edge=true
	@$(PYTHON) layers/build.py --edge

synth: bootstrap layers ## the CloudFormation template of stage prod, in cdk.out
	npx --no-install cdk synth --quiet -c stage=prod -c without_alarm_email=true

bots: bootstrap ## write the list of bots anew, from npm's isbot
	@$(PYTHON) layers/bot_patterns.py

lock: tools ## resolve every dependency anew and write the lock files
	$(COMPILE) --upgrade requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --upgrade layers/vendor/requirements.in -o layers/vendor/requirements.txt \
	  --no-emit-package botocore --no-emit-package python-dateutil \
	  --no-emit-package six --no-emit-package urllib3
	$(COMPILE) --upgrade layers/api/requirements.in -o layers/api/requirements.txt \
	  -c layers/vendor/requirements.txt --no-emit-package typing-extensions
	$(COMPILE) --upgrade layers/edge/requirements.in -o layers/edge/requirements.txt
	$(COMPILE) --upgrade requirements/dev.in -o requirements/dev.txt \
	  -c layers/vendor/requirements.txt -c layers/api/requirements.txt
	$(COMPILE) --upgrade requirements/emulator.in -o requirements/emulator.txt
	rm -f package-lock.json
	npm install --package-lock-only

clean: ## remove everything that was built or installed here
	rm -rf .venv $(HOUSE) node_modules build cdk.out

preflight:
	@[ -e $(STAMPS)/python ] || { requirements/check-node && python=$$(requirements/find-python) && \
	  PYTHONPATH=cli "$$python" -B -m linkage_cli.local.preflight; }

# One make at a time installs; the others wait, and then find everything there.
bootstrap:
	@requirements/with-lock $(MAKE) ready

tools:
	@requirements/with-lock $(MAKE) $(STAMPS)/tools

ready: $(READY)
	@:

$(STAMPS)/tools: requirements/uv.txt
	@$(call begin,$(HOUSE)/tools)
	@requirements/find-python > $(HOUSE)/python
	@echo "Installing uv"
	@requirements/run-tool venv "$$(cat $(HOUSE)/python)" -m venv $(HOUSE)/tools
	@requirements/run-tool pip $(HOUSE)/tools/bin/python -m pip install --disable-pip-version-check \
	  --require-hashes -r requirements/uv.txt
	@$(finish)

$(STAMPS)/python: $(STAMPS)/tools requirements/dev.txt pyproject.toml .python-version
	@$(call begin,.venv)
	@requirements/make-environment .venv requirements/dev.txt
	@requirements/run-tool uv-editable $(UV) pip install --python .venv --no-deps \
	  --no-build-isolation --editable .
	@$(finish)

$(STAMPS)/emulator: $(STAMPS)/tools requirements/emulator.txt .python-version
	@$(call begin,$(HOUSE)/emulator)
	@requirements/make-environment $(HOUSE)/emulator requirements/emulator.txt
	@$(finish)

$(STAMPS)/node: package-lock.json .npmrc
	@$(call begin,node_modules)
	@requirements/check-node
	@requirements/install-node-modules
	@$(finish)
