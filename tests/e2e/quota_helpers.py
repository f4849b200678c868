"""The controllers that tests of quotas need beside an API server."""

from __future__ import annotations

import yaml
from api_rig import ApiRig
from harness import MINIKUBE_PY, free_ports


def start_controllers(rig: ApiRig) -> None:
    """The controller-manager, with what pods and quotas need."""
    settings = {
        "kubeconfig": str(rig.directory / "controller-manager.conf"),
        "port": free_ports(1)[0],
        "leader_elect": False,
        "root_ca_file": str(rig.directory / "pki" / "ca.crt"),
        "controllers": ["resourcequota-controller", "serviceaccount-controller"],
    }
    path = rig.directory / "controller-manager.yaml"
    path.write_text(yaml.safe_dump(settings))
    rig.start("controller-manager", [str(MINIKUBE_PY), "controller-manager", "--config", str(path)])
