"""The namespaces that are always there."""

from __future__ import annotations

from apiserver.bootstrap.ensure import ensure
from apiserver.core import Core
from minikube_py.api.resources import NAMESPACES

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


async def ensure_namespaces(core: Core) -> None:
    """Creates those that are missing."""
    for name in SYSTEM_NAMESPACES:
        await ensure(core, NAMESPACES, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
