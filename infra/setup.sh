#!/bin/sh
# Creates the virtual environment and installs the locked dependencies. Called by the Makefile; safe to repeat.
set -eu
python=$1
venv=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "rapport: $python is missing or older than 3.11; name another one: make PYTHON=python3.12 ..." >&2
  exit 1
}
if ! "$venv/bin/python" -c '' 2>/dev/null; then
  echo "rapport: creating $venv"
  rm -rf "$venv"
  "$python" -m venv "$venv" || {
    echo "rapport: this Python has no venv module; install it (Debian: python3-venv)" >&2
    exit 1
  }
fi
echo "rapport: installing the locked dependencies (first time: about a minute)"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
touch "$venv/.installed"
