"""What newer versions show of the addresses of Services: the ServiceCIDR ``kubernetes``, and an IPAddress for each.

The keys of ``apiserver.allocation`` decide who has an address; these objects follow the Services.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from apiserver.allocation.services import addresses_of
from apiserver.bootstrap.ensure import SERVER, ensure, ensure_all
from apiserver.core import Core, Operation
from apiserver.handlers.create import create_object
from apiserver.handlers.delete import delete_object
from apiserver.handlers.options import DeleteOptions
from apiserver.handlers.update import prepare
from apiserver.storage.cached import Delivery
from apiserver.storage.store import StoreError
from apiserver.writes import current, guaranteed_update
from minikube_py.api.errors import AlreadyExists, ApiError, Conflict, NotFound
from minikube_py.api.meta import Object, name_of, namespace_of, uid_of
from minikube_py.api.resources import IP_ADDRESSES, SERVICE_CIDRS, SERVICES
from minikube_py.api.times import format_time

NAME = "kubernetes"
RETRY_SECONDS = 5.0
_LABELS = {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
}
log = structlog.get_logger("apiserver")


async def ensure_service_cidr(core: Core) -> None:
    """Creates the ServiceCIDR of this server's range, and says that it is ready. Raises ApiError, StoreError."""
    network = str(core.settings.service_network)
    await ensure(
        core,
        SERVICE_CIDRS,
        {
            "kind": "ServiceCIDR",
            "apiVersion": "networking.k8s.io/v1",
            "metadata": {"name": NAME},
            "spec": {"cidrs": [network]},
        },
    )
    operation = Operation(core, SERVER, SERVICE_CIDRS, "", NAME, "status")
    time = format_time(core.clock.now())

    async def transform(old: Object) -> Object:
        new = ready(old, network, time)
        return old if new is old else await prepare(operation, new, old)

    await guaranteed_update(operation, transform)


def ready(old: Object, network: str, time: str) -> Object:
    """The ServiceCIDR with its condition; itself where it has one, or is of another range. Pure."""
    conditions = (old.get("status") or {}).get("conditions") or []
    if any(each.get("type") == "Ready" for each in conditions):
        return old
    if network not in (old.get("spec") or {}).get("cidrs", ()):
        log.warning("The default ServiceCIDR is of another range than this server's", network=network)
        return old
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "",
        "message": "Kubernetes default Service CIDR is ready",
        "lastTransitionTime": time,
    }
    return {**old, "status": {"conditions": [*conditions, condition]}}


async def keep_addresses(core: Core) -> None:
    """Creates and deletes IPAddresses as Services come and go, until cancelled."""
    cache = core.caches[SERVICES]
    while True:
        try:
            await cache.wait_fresh(RETRY_SECONDS)
            await core.caches[IP_ADDRESSES].wait_fresh(RETRY_SECONDS)
            with cache.subscribe(0, initial_events=True) as services:
                followed = FollowedServices(core)
                await followed.begin({each for item in cache.list().items for each in addresses_of(item.object)})
                while True:
                    await followed.follow(await services.take(None))
        except (ApiError, StoreError) as error:
            log.info("Could not follow the addresses of Services, trying again", error=str(error))
            await core.clock.sleep(RETRY_SECONDS)


class FollowedServices:
    """The Services seen so far with their addresses, and what is known to be there of IPAddresses.

    It goes by what it has itself done since it began: the cache of IPAddresses is behind that.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._held: dict[tuple[str, str], set[str]] = {}
        self._parents: dict[str, Object] = {}

    async def begin(self, held: set[str]) -> None:
        """Takes what there is, and deletes what no Service has. The cache is fresh. Raises ApiError, StoreError."""
        items = self._core.caches[IP_ADDRESSES].list().items
        managed = [item for item in items if _LABELS.items() <= item.labels.items()]
        self._parents = {item.name: _parent(item.object) for item in managed}
        await ensure_all(self._remove(item.name) for item in managed if item.name not in held)

    async def follow(self, deliveries: Iterable[Delivery]) -> None:
        """Does what the events of Services ask for, in their order. Raises ApiError, StoreError."""
        for delivery in deliveries:
            if delivery.cached is None:
                continue
            service = delivery.cached.object
            key, reference = (namespace_of(service), name_of(service)), _reference(service)
            had, held = self._held.pop(key, set()), addresses_of(service)
            if delivery.type == "DELETED":
                had, held = had | held, set()
            else:
                self._held[key] = held
            for address in had - held:
                if self._parents.get(address) == reference:
                    await self._remove(address)
            for address in held - had:
                if self._parents.get(address) != reference:
                    await self._remove(address)
                    await self._create(address, service)

    async def _create(self, address: str, service: Object) -> None:
        try:
            await create_object(Operation(self._core, SERVER, IP_ADDRESSES), ip_address(address, service))
        except AlreadyExists:
            log.debug("Another server has created an IPAddress", address=address)
        self._parents[address] = _reference(service)

    async def _remove(self, address: str) -> None:
        parent = self._parents.pop(address, None)
        if parent is None:
            return
        operation = Operation(self._core, SERVER, IP_ADDRESSES, "", address)
        try:
            # Another server may be further, and the address with another Service by now.
            found = await current(operation)
            if _parent(found) == parent:
                await delete_object(operation, DeleteOptions(uid=uid_of(found)))
        except (NotFound, Conflict):
            log.debug("Another server has deleted an IPAddress", address=address)


def ip_address(address: str, service: Object) -> Object:
    """The IPAddress of a Service's address."""
    return {
        "kind": "IPAddress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": address, "labels": dict(_LABELS)},
        "spec": {"parentRef": _reference(service)},
    }


def _reference(service: Object) -> Object:
    return {"group": "", "resource": "services", "namespace": namespace_of(service), "name": name_of(service)}


def _parent(address: Object) -> Object:
    return {"group": "", **((address.get("spec") or {}).get("parentRef") or {})}
