#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 22.04+ machine to a real application answering through a Service.
# Safe to repeat. Arguments are passed on to 'minikube-py up'; MINIKUBE_PY_DATA_DIR names another directory.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

require_root
install_packages
install_python ""
ensure_docker

data_dir=${MINIKUBE_PY_DATA_DIR:-/var/lib/minikube-py}
case " $*" in *" --data-dir"*) fail "name the directory in the variable MINIKUBE_PY_DATA_DIR" ;; esac

say "Starting the cluster"
"$venv/bin/minikube-py" up "$@"

say "Deploying deploy/examples/hello-node.yaml"
image=asbubam/hello-node
if ! docker image inspect "$image" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$image" 2>/dev/null; then
    echo "The image $image can't be pulled here: making a stand-in of that name that answers 'Hello World!'."
    "$root/deploy/images.sh" "$image" "Hello World!"
fi
"$venv/bin/python" "$root/deploy/apply.py" "$data_dir/admin.conf" "$root/deploy/examples/hello-node.yaml"

cat <<TXT

  export KUBECONFIG=$data_dir/admin.conf
  kubectl get pods
TXT
