# What quickstart.sh and test.sh share: system packages, the virtual environment, a Docker that answers. Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
started_dockerd=

say() { printf '\n== %s\n' "$*"; }

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# NAME-OF-PROGRAM-OR-FILE:PACKAGE; only what is missing is installed.
packages=(
    dockerd:docker.io etcd:etcd-server etcdctl:etcd-client nft:nftables ip:iproute2 iptables:iptables conntrack:conntrack
    busybox:busybox-static
)

# The newest Python that will do; Ubuntu 22.04 has 3.11 beside its own 3.10.
python_command() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

require_root() {
    [ "$(id -u)" = 0 ] || fail "must run as root: sudo $0"
}

install_packages() {
    local missing=() entry python etcd_was_there=yes
    command -v etcd >/dev/null || etcd_was_there=no
    for entry in "${packages[@]}"; do
        command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
    done
    # A Docker that somebody installed otherwise serves as well.
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        missing=("${missing[@]/docker.io/}")
    fi
    [ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ] || missing+=(containernetworking-plugins)
    if python=$(python_command); then
        "$python" -c 'import ensurepip' 2>/dev/null || missing+=("$(basename "$python")-venv")
    else
        missing+=(python3.11 python3.11-venv)
    fi
    # shellcheck disable=SC2206 # the empty string that the removal above may leave must vanish
    missing=(${missing[@]})
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "missing: ${missing[*]}; this machine has no apt-get to install them with"
    say "Installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    # Debian's package starts an etcd of its own on the port that the cluster's needs.
    if [ $etcd_was_there = no ] && [ -d /run/systemd/system ]; then
        systemctl disable --now etcd >/dev/null 2>&1 || true
    fi
}

install_python() {
    local lock=$root/requirements$1.lock python stamp
    stamp=$venv/.installed$1-$(sha256sum "$lock" "$root/pyproject.toml" | sha256sum | cut -c1-16)
    [ -e "$stamp" ] && return 0
    say "Installing Python packages (locked, with hashes)"
    python=$(python_command) || fail "Python 3.11 or newer is needed"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e "$root"
    touch "$stamp"
}

ensure_docker() {
    docker info >/dev/null 2>&1 && return 0
    say "Starting Docker"
    if [ -d /run/systemd/system ]; then
        systemctl start docker
    else
        mkdir -p /var/log
        setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
        started_dockerd=$!
    fi
    for _ in $(seq 150); do
        docker info >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    fail "Docker did not start: see /var/log/dockerd.log or 'journalctl -u docker'"
}
