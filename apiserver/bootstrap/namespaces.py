"""The namespaces that are always there."""

from __future__ import annotations

from apiserver.bootstrap.ensure import ensure, ensure_all
from apiserver.core import Core
from minikube_py.api.resources import NAMESPACES

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


async def ensure_namespaces(core: Core) -> None:
    """Creates those that are missing."""
    await ensure_all(
        ensure(core, NAMESPACES, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
        for name in SYSTEM_NAMESPACES
    )
