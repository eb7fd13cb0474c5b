#!/usr/bin/env bash
# Makes .venv from the hash-locked requirements. Needs python3 (3.11 or newer); brings uv if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "install: $python is older than 3.11; name a newer one with 'make PYTHON=python3.11 install'" >&2
    exit 2
}

# The interpreter itself, not a link in the .venv that is removed now.
python=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
rm -rf .venv
"$python" -m venv --without-pip .venv
if command -v uv > /dev/null; then
    uv=uv
else
    uv=.venv/bin/uv
    if ! "$python" -m pip --python .venv/bin/python install --quiet uv 2> /dev/null; then
        # Debian ships python3 without pip: its wheel of pip unpacks without root.
        folder=$(mktemp -d)
        (cd "$folder" && apt-get download --quiet python3-pip-whl && dpkg -x python3-pip-whl_*.deb .) || {
            echo "install: found neither uv nor pip; install one of them (Debian: apt-get install python3-pip)" >&2
            exit 2
        }
        .venv/bin/python "$folder"/usr/share/python-wheels/pip-*.whl/pip install --quiet uv
        rm -rf "$folder"
    fi
fi
"$uv" pip install --python .venv/bin/python --require-hashes --compile-bytecode --requirement envs/requirements.txt
"$uv" pip install --python .venv/bin/python --no-deps --no-build-isolation --editable .
