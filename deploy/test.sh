#!/usr/bin/env bash
# Sets this machine up as quickstart.sh does, then runs every check and test. Arguments go to pytest.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

require_root
packages+=(git:git node:nodejs npm:npm)
install_packages
install_python -dev
say "Installing the JavaScript client (locked, with hashes)"
npm ci --prefix "$root/tests/e2e/javascript" --silent
# A Docker that only the tests needed goes with them.
trap '[ -z "$started_dockerd" ] || { kill "$started_dockerd"; wait "$started_dockerd" || true; }' EXIT
ensure_docker
cd "$root"

if [ $# -eq 0 ]; then
    say "ruff"
    "$venv/bin/ruff" check .
    "$venv/bin/ruff" format --check .
    say "mypy"
    "$venv/bin/mypy"
    say "import-linter"
    "$venv/bin/lint-imports"
    set -- --conformance=check
fi

say "pytest"
"$venv/bin/python" -m pytest "$@"
