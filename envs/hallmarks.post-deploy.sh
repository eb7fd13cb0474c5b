#!/usr/bin/env bash
# Snakemake runs this once in the conda environment that it made of hallmarks.yaml: it adds the project itself,
# from the clone and editable, so that edits are seen. The Snakefile names the clone.
set -euo pipefail
clone=${HALLMARKS_ROOT:-$PWD}
[ -f "$clone/pyproject.toml" ] || {
    echo "hallmarks.post-deploy.sh: $clone is not the clone; set HALLMARKS_ROOT to its path" >&2
    exit 1
}
python -m pip install --no-deps --no-build-isolation --editable "$clone"
