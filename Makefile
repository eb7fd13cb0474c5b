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
	@# What it finds is told, and fails nothing: what was made stands.
	@hallmarks audit --profile laptop --html results/audit.html --numbers results/numbers.json \
		--summary || true

install: .venv/installed

.venv/installed: envs/requirements.txt envs/install.sh pyproject.toml
	PYTHON=$(PYTHON) bash envs/install.sh
	touch $@

# What tries SLURM waits more than it computes: it runs beside the rest, and says afterwards what it found.
test: install lint
	@found=$$(mktemp); pytest tests/slurm > $$found 2>&1 & slurm=$$!; \
	pytest --ignore=tests/slurm; rest=$$?; \
	wait $$slurm; slurm=$$?; cat $$found; rm $$found; exit $$((rest || slurm))

lint: install
	ruff format --check .
	ruff check .
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint --configfile config/smoke.yaml

# The exact set of all that pyproject.toml names, and of what the tests run beside it; versions that still do stay.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra tests pyproject.toml -o envs/requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		envs/validator.in -o envs/validator.txt

# The schema of config.yaml, from the types; a test holds the two together.
schema: install
	python -m hallmarks.config.schema > workflow/schemas/config.schema.json
