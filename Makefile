# The commands of the README. Everything is installed into .venv, in this clone.
BIN := .venv/bin
PYTHON ?= python3
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: reproduce install test lint lock schema

reproduce: install
	snakemake --profile laptop all
	@# The report is made again only where a figure or a table is newer.
	@[ -e results/report.html ] \
	&& [ -z "$$(find results/figures results/tables -newer results/report.html -print -quit)" ] \
	|| snakemake --profile laptop --report results/report.html all
	@echo "The report: results/report.html"

install: .venv/installed

.venv/installed: envs/requirements.txt envs/install.sh pyproject.toml
	PYTHON=$(PYTHON) bash envs/install.sh
	touch $@

test: install lint
	pytest

lint: install
	ruff format --check .
	ruff check .
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint --configfile config/smoke.yaml

# The exact set of all that pyproject.toml names; versions that still do stay.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra tests pyproject.toml -o envs/requirements.txt

# The schema of config.yaml, from the types; a test holds the two together.
schema: install
	python -m hallmarks.config.schema > workflow/schemas/config.schema.json
