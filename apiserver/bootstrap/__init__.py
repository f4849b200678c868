"""What a cluster has before anybody has created anything: namespaces, roles, the Service that leads to the API.

What may enter here: objects that the server itself owns and puts right at each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiserver.core import Core


async def bootstrap(core: Core) -> None:
    """Creates what is missing and puts right what the server owns. Raises StoreError."""
    from apiserver.bootstrap.flow_control import ensure_flow_control
    from apiserver.bootstrap.kubernetes_service import ensure_kubernetes_service
    from apiserver.bootstrap.namespaces import ensure_namespaces
    from apiserver.bootstrap.priority_classes import ensure_priority_classes
    from apiserver.bootstrap.roles import ensure_roles
    from apiserver.reads import FRESH_TIMEOUT_SECONDS
    from minikube_py.api.resources import SERVICES

    await ensure_namespaces(core)
    await ensure_roles(core)
    await ensure_priority_classes(core)
    await ensure_flow_control(core)
    await core.caches[SERVICES].wait_fresh(FRESH_TIMEOUT_SECONDS)
    await core.allocation.repair([item.object for item in core.caches[SERVICES].list().items])
    await ensure_kubernetes_service(core)
