#!/usr/bin/env bash
# Pins every dependency with its hashes, from pyproject.toml; the lock files name no index.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

build=$(mktemp --suffix=.in)
trap 'rm -f "$build"' EXIT
echo 'setuptools>=77' >"$build"
options=(
    --generate-hashes --allow-unsafe --strip-extras --quiet --no-annotate
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
)
export CUSTOM_COMPILE_COMMAND=deploy/lock.sh
"$venv/bin/pip-compile" "${options[@]}" -o requirements.lock pyproject.toml "$build"
"$venv/bin/pip-compile" "${options[@]}" --extra dev -o requirements-dev.lock pyproject.toml "$build"
