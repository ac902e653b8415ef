# Everything starts here; `make` alone lists the targets. Nothing has to be installed by hand beyond
# make, Python 3.11 or newer (to fetch uv) and Node 20 or newer (for the CDK command line).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# CDK's Python bridge works on Node 20 and warns at length that Node itself has ended its support.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# It hides from find-python and uv every Python of pyenv but one.
unexport PYENV_VERSION

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

.PHONY: help dev test lint types unit flow layers synth orders faults bench figures bots lock edge preflight bootstrap format clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

dev: preflight bootstrap layers ## run the network on this machine, until Ctrl-C
	@exec .venv/bin/linkage dev

test: lint types unit flow ## everything CI runs

lint: $(STAMPS)/python ## formatting and lint rules
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

format: $(STAMPS)/python ## rewrite the code in the house's format
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

types: $(STAMPS)/python ## static types
	$(PYTHON) -m mypy

unit: bootstrap layers ## tests that need no emulator
	$(PYTHON) -m pytest -q -n auto --dist loadscope -m 'not flow and not orders and not faults' --ignore=tests/flow

flow: bootstrap layers ## tests of the deployed app on the emulator
	$(PYTHON) -m pytest -q -m 'not orders' tests/flow

orders: bootstrap layers ## import all the real orders on the emulator
	$(PYTHON) -m pytest -q -m orders tests/flow

faults: bootstrap layers ## random facts delivered badly against the auditor, and attackers against the truth
	$(PYTHON) -m pytest -q -m faults --ignore=tests/flow

bench: bootstrap layers ## measure and count what a click, a conversion and a payout take; fails above a bound
	@$(PYTHON) -m bench.run

figures: $(STAMPS)/python ## write the results of the last make bench into docs/performance.md
	@$(PYTHON) -m bench.page

layers: $(STAMPS)/python ## build the layers and functions for this machine and for AWS
	@$(PYTHON) layers/build.py

edge: bootstrap ## build what the optional edge needs for AWS; before deploying with -c edge=true
	@$(PYTHON) layers/build.py --edge

synth: bootstrap layers ## the CloudFormation template of stage prod, in cdk.out
	npx --no-install cdk synth --quiet -c stage=prod -c without_alarm_email=true

bots: $(READY) ## write the list of bots anew, from npm's isbot
	@$(PYTHON) layers/bot_patterns.py

lock: $(STAMPS)/tools ## resolve every dependency anew and write the lock files
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
	  PYTHONPATH=cli "$$python" -B -m linkage_cli.preflight; }

bootstrap: $(READY)

$(STAMPS)/tools: requirements/uv.txt
	@$(call begin,$(HOUSE)/tools)
	@requirements/find-python > $(HOUSE)/python
	@echo "Installing uv"
	@"$$(cat $(HOUSE)/python)" -c 'import runpy, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); \
	  runpy.run_module("venv", run_name="__main__")' $(HOUSE)/tools || { \
	  echo "Python cannot make virtual environments: install its venv package" \
	    "(Debian and Ubuntu: apt install python3-venv) and run make again." >&2; exit 1; }
	@$(HOUSE)/tools/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements/uv.txt
	@$(finish)

$(STAMPS)/python: $(STAMPS)/tools requirements/dev.txt pyproject.toml .python-version
	@$(call begin,.venv)
	@requirements/make-environment .venv requirements/dev.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@$(finish)

$(STAMPS)/emulator: $(STAMPS)/tools requirements/emulator.txt .python-version
	@$(call begin,$(HOUSE)/emulator)
	@requirements/make-environment $(HOUSE)/emulator requirements/emulator.txt
	@$(finish)

$(STAMPS)/node: package-lock.json .npmrc
	@$(call begin,node_modules)
	@requirements/check-node
	@echo "Installing the CDK command line"
	@npm ci --silent --no-progress || { echo "npm ci failed: is the npm registry reachable?" >&2; exit 1; }
	@$(finish)
