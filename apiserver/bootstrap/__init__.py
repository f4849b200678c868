"""What a cluster has before anybody has created anything: namespaces, roles, the Service that leads to the API.

What may enter here: objects that the server itself owns and puts right at each start.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiserver.core import Core


async def keep(core: Core) -> None:
    """Keeps what the server has to keep up while it serves, until cancelled: each a task of its own."""
    from apiserver.bootstrap.dangling import keep_dangling_told
    from apiserver.bootstrap.identity_lease import keep_identity
    from apiserver.bootstrap.kubernetes_service import keep_advertising
    from minikube_py.api.resources import FLOW_SCHEMAS, IP_ADDRESSES, PRIORITY_LEVEL_CONFIGURATIONS

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_advertising(core), name="advertise")
        group.create_task(keep_identity(core), name="identity-lease")
        for row in (FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS):
            if row in core.caches:
                group.create_task(keep_dangling_told(core, row), name=f"dangling-{row.plural}")
        if IP_ADDRESSES in core.caches:
            from apiserver.bootstrap.service_cidr import keep_addresses

            group.create_task(keep_addresses(core), name="ip-addresses")


async def bootstrap(core: Core) -> None:
    """Creates what is missing and puts right what the server owns. Raises StoreError."""
    from apiserver.bootstrap.api_services import ensure_api_services
    from apiserver.bootstrap.client_authentication import ensure_client_authentication
    from apiserver.bootstrap.ensure import ensure_all
    from apiserver.bootstrap.flow_control import ensure_flow_control
    from apiserver.bootstrap.kubernetes_service import ensure_kubernetes_service
    from apiserver.bootstrap.namespaces import ensure_namespaces
    from apiserver.bootstrap.priority_classes import ensure_priority_classes
    from apiserver.bootstrap.roles import ensure_roles
    from apiserver.reads import FRESH_TIMEOUT_SECONDS
    from minikube_py.api.resources import API_SERVICES, SERVICE_CIDRS, SERVICES

    await ensure_namespaces(core)
    together = [
        ensure_roles(core),
        ensure_priority_classes(core),
        ensure_flow_control(core),
        ensure_client_authentication(core),
    ]
    if API_SERVICES in core.caches:
        together.append(ensure_api_services(core))
    if SERVICE_CIDRS in core.caches:
        from apiserver.bootstrap.service_cidr import ensure_service_cidr

        together.append(ensure_service_cidr(core))
    await ensure_all(together)
    await core.caches[SERVICES].wait_fresh(FRESH_TIMEOUT_SECONDS)
    await core.allocation.repair([item.object for item in core.caches[SERVICES].list().items])
    await ensure_kubernetes_service(core)
