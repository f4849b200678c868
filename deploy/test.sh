#!/usr/bin/env bash
# Sets this machine up as quickstart.sh does, then runs every check and test. Arguments go to pytest.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

require_root
packages+=(git:git node:nodejs npm:npm)
install_packages
install_python -dev
# Debian's kubectl 1.20 speaks SPDY where newer ones speak WebSockets. It is unpacked beside, the host's own stays; where the
# distribution has none, the tests that want it are skipped.
old_kubectl=$venv/kubectl-1.20
if [ ! -x "$old_kubectl/usr/bin/kubectl" ]; then
    say "Fetching Debian's kubectl"
    mkdir -p "$old_kubectl"
    (
        cd "$old_kubectl"
        apt-get -o APT::Sandbox::User=root download -qq kubernetes-client || { apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq kubernetes-client; }
        dpkg -x ./kubernetes-client_*.deb . && rm ./kubernetes-client_*.deb
    ) || echo "none to be had"
fi
[ ! -x "$old_kubectl/usr/bin/kubectl" ] || export KUBECTL_1_20=$old_kubectl/usr/bin/kubectl
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
