# make serve   everything on this machine: http://127.0.0.1:3000 (PORT=…, DATA=folder keeps the items)
# make scaffold  writes what depends on your models into template.yaml, events/ and the examples of the API's document
# make test    linters, types and all tests (THOROUGH=1: many more examples; ENGINE=ministack, or dynamodb-local
#              with Java and Maven: those that need an engine, on another one)
# make test-fast  what tells most in a few seconds
# make invoke FUNCTION=ApiFunction EVENT=events/api-put-book.json   beside `make serve`, a function under Lambda's own
#              runtime: in a container (sam local; SAM_FLAGS=…), or with RIE=1 without one, on Linux
# make start-api  the API in front of such containers: http://127.0.0.1:3001 (API_PORT=…)
# make bench   surewrite beside Powertools and a plain UpdateItem: about a quarter of an hour (BENCH=--quick)
# make curve   draws what the ledger costs by rate and workers: docs/ledger-units.svg
# make deploy STAGE=dev  sam build, sam deploy: without a question (CURSOR_KEY=…, PARAMETERS='LogLevel=WARNING')
# make docs    the documents as a site, in site/ (make docs-serve: as they are written, on 127.0.0.1:8000)
# They set up what they need first: Python >= 3.11 (PYTHON=… chooses one), and npm if there is one.

PORT ?= 3000
API_PORT ?= 3001
ARCHITECTURE ?= arm64
STAGE ?= dev
BENCH ?= --output benchmarks
export PORT API_PORT DATA ARCHITECTURE SAM_FLAGS

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
BIN := .venv/bin
# The lists are complete, so pip has nothing to resolve.
PIP := -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --only-binary=:all:
SOURCES := layers functions local benchmarks tests docs

# As one job after the other, so that the setup's messages stay readable.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: serve scaffold invoke start-api test test-fast test-sam test-deployed mutants
.PHONY: bench curve docs docs-serve lint format setup engines env validate build deploy lock clean

serve: setup
	@exec $(BIN)/python -m local serve

scaffold: .venv/installed
	@$(BIN)/python -m local scaffold

# What containers need is made when all else is there: `python -m local` calls make for it.
invoke: .venv/installed $(if $(RIE),.engines/rie/installed)
	@$(BIN)/python -m local invoke --runtime $(if $(RIE),rie,container) $(FUNCTION) $(EVENT)

start-api: .venv/installed
	@exec $(BIN)/python -m local start-api

# Every worker has an engine of its own; who has finished takes over what another one has left.
RUN := -m pytest --numprocesses=auto --dist=worksteal

# Another engine (see tests/engines.py) concerns the suites that stand on one.
SUITES := $(if $(ENGINE),tests/engine tests/property tests/faults --ignore=tests/faults/kill)
SECOND := $(if $(filter dynamodb-local,$(ENGINE)),.engines/dynamodb-local/installed)

# Lambda's runtime is for Linux.
RUNTIME := $(if $(filter Linux,$(shell uname -s 2>/dev/null)),.engines/rie/installed)

test: setup $(SECOND) $(RUNTIME) lint
	@$(BIN)/python $(RUN) $(SUITES) $(PYTEST)

test-fast: setup
	@$(BIN)/python $(RUN) --quiet tests/unit tests/engine --ignore=tests/engine/test_races.py $(PYTEST)

# Every event of events/ through `sam local invoke`: seven minutes, and a container engine.
test-sam: setup
	@$(BIN)/python -m pytest tests/e2e/sam_local.py $(PYTEST)

# The template deployed to an emulator that enforces IAM, and every event by the functions' roles: a quarter of a minute.
test-deployed: setup .engines/sam/installed .engines/rie/installed
	@$(BIN)/python -m pytest tests/e2e/deployed.py $(PYTEST)

# Breaks the commit engine in one place at a time: which tests notice? A quarter of an hour.
mutants: setup
	@$(BIN)/python -m tests.mutants $(MUTANTS)

bench: setup .venv/bench
	@$(BIN)/python -m benchmarks.run $(BENCH)

curve: .venv/bench
	@$(BIN)/python -m benchmarks.curve --output docs

# Without the theme's notice of its successor: what builds the site is pinned.
MKDOCS := NO_MKDOCS_2_WARNING=1 .engines/docs/bin/python -m mkdocs

# Not --quiet, under which no warning is an error.
docs: .engines/docs/installed
	@$(MKDOCS) build

docs-serve: .engines/docs/installed
	@$(MKDOCS) serve

lint: setup .engines/checkov/installed
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo 'ruff format would change files: make format'; exit 1; }
	@$(BIN)/mypy --no-error-summary $(SOURCES)
	@$(BIN)/cfn-lint template.yaml
	@found=$$(.engines/checkov/bin/checkov --config-file .checkov.yaml 2>&1) || { echo "$$found"; exit 1; }

format: .venv/installed
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

setup: .venv/installed engines

# ---- What the two commands need, installed once --------------------------------------------------

# $(call venv,folder,what): a virtual environment, or one clear line.
define venv
	@test -n "$(PYTHON)" || { echo 'surewrite needs Python 3.11 or newer: install it, or name it with PYTHON=…' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo '$(PYTHON) is older than Python 3.11, or no Python: name another one with PYTHON=…' >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo '$(PYTHON) has no venv: install it (Debian and Ubuntu: python3-venv)' >&2; exit 1; }
	@for link in $(1) $(patsubst %/,%,$(dir $(1))); do test ! -L "$$link" || \
		{ echo "$$link is a symbolic link, and what it points to would be emptied: remove the link" >&2; exit 1; }; done
	@echo 'Installing $(2) (once) …' >&2
	@"$(PYTHON)" -m venv --clear $(1)
endef

# The library itself, for the command `surewrite`, which finds the models without being told.
.venv/installed: requirements/dev.txt pyproject.toml
	$(call venv,.venv,the Python packages)
	@$(BIN)/python $(PIP) -r $<
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@echo '$(CURDIR)/layers/bookstore' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/models.pth"
	@touch $@

.venv/bench: requirements/bench.txt .venv/installed
	@echo 'Installing what the plot needs (once) …' >&2
	@$(BIN)/python $(PIP) -r $<
	@touch $@

NPM := --ignore-scripts --no-audit --no-fund --loglevel=error
DYNOXIDE = "@dynoxide/$$(node -p 'process.platform + "-" + process.arch')@$$(node -p \
	'Object.values(require("./package.json").optionalDependencies)[0]')"

engines: .engines/ministack/installed node_modules/installed

.engines/ministack/installed: requirements/ministack.txt
	$(call venv,.engines/ministack,ministack: the SQS engine)
	@.engines/ministack/bin/python $(PIP) -r $<
	@touch $@

# Dynoxide is one binary a platform. The lock file pins the one for Linux on x64; the others are not in
# every registry, which a lock file cannot say, so they are pinned by their version only. Where there is
# none, or no npm, ministack takes over.
node_modules/installed: package.json package-lock.json
	@echo 'Installing Dynoxide: the DynamoDB engine (once) …' >&2
	@if ! command -v npm >/dev/null; then echo 'There is no npm: ministack will do without Dynoxide' >&2; exit 0; fi; \
	found() { ls node_modules/@dynoxide/*/dynoxide >/dev/null 2>&1; }; \
	npm ci $(NPM) >/dev/null; \
	found || npm install --no-save --no-package-lock $(NPM) $(DYNOXIDE) >/dev/null 2>&1; \
	if found; then touch $@; else echo 'npm has no Dynoxide for this machine: ministack will do without it' >&2; fi

# AWS's own engine, only for ENGINE=dynamodb-local; all that Maven copies has the checksums of jars.sha256.
.engines/dynamodb-local/installed: tests/dynamodb_local/pom.xml tests/dynamodb_local/jars.sha256
	@command -v mvn >/dev/null && command -v javac >/dev/null || \
		{ echo 'ENGINE=dynamodb-local needs a JDK, 17 or newer, and Maven: install them' >&2; exit 1; }
	@echo "Fetching DynamoDB Local from Maven Central under Amazon's own licence terms, which ask for an AWS account (once) …" >&2
	@rm -rf $(@D)
	@mvn --quiet --batch-mode --strict-checksums --file $< dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory=$(abspath $(@D))/lib
	@cd $(@D)/lib && LC_ALL=C sha256sum * | cmp -s - $(abspath tests/dynamodb_local/jars.sha256) || \
		{ echo 'What Maven copied is not what tests/dynamodb_local/jars.sha256 lists' >&2; exit 1; }
	@touch $@

.engines/sam/installed: requirements/sam.txt
	$(call venv,.engines/sam,the AWS SAM command)
	@.engines/sam/bin/python $(PIP) -r $<
	@touch $@

.engines/checkov/installed: requirements/checkov.txt
	$(call venv,.engines/checkov,checkov: what asks after the security of template.yaml)
	@.engines/checkov/bin/python $(PIP) -r $<
	@touch $@

.engines/docs/installed: requirements/docs.txt
	$(call venv,.engines/docs,what builds the site)
	@.engines/docs/bin/python $(PIP) -r $<
	@touch $@

.engines/rie/installed: requirements/rie.txt
	@test "$$(uname -s)" = Linux || { echo 'RIE=1 needs Linux, for which the Lambda runtime is made: leave it out' >&2; exit 1; }
	$(call venv,.engines/rie,the Lambda runtime)
	@.engines/rie/bin/python $(PIP) -r $<
	@touch $@

# ---- AWS -----------------------------------------------------------------------------------------

SAM := SAM_CLI_TELEMETRY=0 LAYER_PYTHON=$(abspath $(BIN)/python) .engines/sam/bin/sam

validate: .engines/sam/installed
	@$(SAM) validate --lint

build: .venv/installed .engines/sam/installed
	@$(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)

# What `make invoke` and `make start-api` run: for this machine's processor, beside what is deployed.
MACHINE := $(if $(filter aarch64 arm64,$(shell uname -m 2>/dev/null)),arm64,x86_64)
.aws-sam/local/template.yaml: template.yaml requirements/layer.txt \
		$(shell find layers functions -name '*.py' -o -name '*.json' -o -name Makefile 2>/dev/null) \
		| .venv/installed .engines/sam/installed
	@echo 'Building the functions and their layers for a container …' >&2
	@ARCHITECTURE=$(MACHINE) $(SAM) build --build-dir $(@D) --parameter-overrides Architecture=$(MACHINE) >/dev/null

# Asks nothing, so that a pipeline can run it; what has not changed is no error.
deploy: stages/$(STAGE).toml build
	@test -n "$$CURSOR_KEY" || \
		echo 'CURSOR_KEY is not set: a stack that exists keeps its own, a new one needs it (README, Deploy)' >&2
	@$(SAM) deploy --config-env $(STAGE) --parameter-overrides file://$< Architecture=$(ARCHITECTURE) \
		$${CURSOR_KEY:+"CursorKey=\"$$CURSOR_KEY\""} $(PARAMETERS)

stages/%.toml:
	@echo 'There is no stage $*: it needs $@, and a section of samconfig.toml' >&2; exit 1

# ---- Upkeep --------------------------------------------------------------------------------------

# The variables of a handler that runs by hand; on stdout is nothing but shell code. README shows its use.
env: .venv/installed
	@$(BIN)/python -m local env $(FUNCTION)

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Newer pins of everything; needs uv.
lock:
	$(COMPILE) --upgrade pyproject.toml --group dev -o requirements/dev.txt
	$(COMPILE) --upgrade requirements/bench.in -o requirements/bench.txt
	$(COMPILE) --upgrade requirements/ministack.in -o requirements/ministack.txt
	$(COMPILE) --upgrade requirements/sam.in -o requirements/sam.txt
	$(COMPILE) --upgrade --no-deps requirements/rie.in -o requirements/rie.txt
	$(COMPILE) --upgrade requirements/checkov.in -o requirements/checkov.txt
	$(COMPILE) --upgrade requirements/docs.in -o requirements/docs.txt
	$(subst --universal --python-version 3.11,--python-version 3.13 --python-platform x86_64-manylinux2014,$(COMPILE)) \
		--upgrade requirements/layer.in -o requirements/layer.txt

clean:
	@rm -rf .venv .engines node_modules site .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
