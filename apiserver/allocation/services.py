"""What a Service needs of addresses and ports, and how that follows its changes.

Follows ``k8s.io/kubernetes/pkg/registry/core/service/storage/alloc.go``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from apiserver.allocation.allocator import Allocator, AlreadyTaken, Full, OutOfRange
from apiserver.allocation.families import check_families
from apiserver.core import Operation
from apiserver.storage.store import KeyExists, NoSpace, RevisionMismatch, ValueTooLarge
from minikube_py.api.errors import FieldError, InternalError, field_invalid, invalid
from minikube_py.api.meta import Object, join_key
from minikube_py.api.resources import SERVICES, Resource

_WITH_ADDRESS = ("", "ClusterIP", "NodePort", "LoadBalancer")
_NOTHING_WRITTEN = (KeyExists, NoSpace, RevisionMismatch, ValueTooLarge)
log = structlog.get_logger("apiserver")


def needs_address(service: Object) -> bool:
    """Whether the Service's type has a ClusterIP and it is not headless."""
    spec = service.get("spec") or {}
    return spec.get("type", "") in _WITH_ADDRESS and spec.get("clusterIP") != "None"


def needs_ports(service: Object) -> bool:
    """Whether each port of the Service has a node port."""
    spec = service.get("spec") or {}
    kind = spec.get("type", "")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def needs_health_check_port(service: Object) -> bool:
    """Whether the Service has a ``healthCheckNodePort``."""
    spec = service.get("spec") or {}
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def addresses_of(service: Object) -> set[str]:
    """The ClusterIPs that a Service holds."""
    spec = service.get("spec") or {}
    held = {spec.get("clusterIP", ""), *(spec.get("clusterIPs") or ())}
    return held - {"", "None", None} if spec.get("type", "") in _WITH_ADDRESS else set()


def ports_of(service: Object) -> set[str]:
    """The node ports that a Service holds."""
    spec = service.get("spec") or {}
    held = {str(port["nodePort"]) for port in spec.get("ports") or () if port.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        held.add(str(spec["healthCheckNodePort"]))
    return held


@dataclass(slots=True)
class Reservation:
    """A Service with its numbers, which are taken already; finish it with ``commit`` or ``undo``."""

    obj: Object
    _undo: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    _commit: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)

    async def commit(self) -> None:
        """The Service is stored: gives back what it no longer has. A failure leaves a number for the repair."""
        await _all(self._commit)

    async def undo(self, error: BaseException) -> None:
        """The Service is not stored: gives back what was taken, unless it may have been written all the same."""
        if isinstance(error, _NOTHING_WRITTEN):
            await self.abandon()

    async def abandon(self) -> None:
        """Gives back what was taken."""
        await _all(self._undo)


async def _all(actions: list[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    for action in actions:
        try:
            await action()
        except Exception as error:
            log.warning("Number was not given back; it is freed when the API server starts", error=str(error))


class ServiceAllocation:
    """Addresses and ports of Services; nothing for any other kind."""

    def __init__(self, addresses: Allocator, ports: Allocator) -> None:
        self._addresses = addresses
        self._ports = ports

    async def reserve(self, operation: Operation, new: Object, old: Object | None) -> Reservation | None:
        """Takes what ``new`` needs and ``old`` does not have; None where nothing is to be taken or given back.

        Raises Invalid where a number asked for is taken or out of range, InternalError where none is left.
        """
        if operation.resource != SERVICES or operation.subresource:
            return None
        errors = check_families(new)
        if errors:
            raise invalid("", "Service", operation.name, errors)
        if operation.dry_run:
            shown = ServiceAllocation(self._addresses.dry_run(), self._ports.dry_run())
            return Reservation((await shown._reserve(operation, new, old)).obj)
        return await self._reserve(operation, new, old)

    async def _reserve(self, operation: Operation, new: Object, old: Object | None) -> Reservation:
        reservation = Reservation(new)
        owner = join_key(operation.namespace, operation.name)
        try:
            await self._reserve_address(reservation, operation, old, owner)
            await self._reserve_ports(reservation, operation, old, owner)
        except BaseException:
            await reservation.abandon()
            raise
        return reservation

    async def released(self, resource: Resource, old: Object) -> None:
        """The Service is gone: gives back all that it had."""
        if resource != SERVICES:
            return
        owner = join_key(old["metadata"].get("namespace", ""), old["metadata"]["name"])
        await _all([_release(self._addresses, value, owner) for value in addresses_of(old)])
        await _all([_release(self._ports, value, owner) for value in ports_of(old)])

    async def repair(self, services: list[Object]) -> None:
        """Makes the keys in the store agree with the Services there are."""
        for allocator, held in ((self._addresses, addresses_of), (self._ports, ports_of)):
            owners = {
                value: join_key(service["metadata"].get("namespace", ""), service["metadata"]["name"])
                for service in services
                for value in held(service)
            }
            freed, restored = await allocator.repair(owners)
            if freed or restored:
                log.warning("Repaired service numbers", path=allocator.band.path, freed=freed, restored=restored)

    async def _reserve_address(
        self, reservation: Reservation, operation: Operation, old: Object | None, owner: str
    ) -> None:
        held = addresses_of(old) if old is not None else set()
        spec = dict(reservation.obj.get("spec") or {})
        if needs_address(reservation.obj):
            wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
            if not wanted:
                wanted = await self._any(self._addresses, owner, "serviceIP", "range is full")
                reservation._undo.append(_release(self._addresses, wanted, owner))
            elif wanted not in held:
                await self._take_address(operation, wanted, owner)
                reservation._undo.append(_release(self._addresses, wanted, owner))
            spec |= {"clusterIP": wanted, "clusterIPs": [wanted]}
            reservation.obj = {**reservation.obj, "spec": spec}
        kept = addresses_of(reservation.obj)
        reservation._commit += [_release(self._addresses, value, owner) for value in held - kept]

    async def _reserve_ports(
        self, reservation: Reservation, operation: Operation, old: Object | None, owner: str
    ) -> None:
        held = ports_of(old) if old is not None else set()
        mine = set(held)
        spec = dict(reservation.obj.get("spec") or {})
        ports = [dict(port) for port in spec.get("ports") or ()]
        shared: dict[int, int] = {}
        if needs_ports(reservation.obj):
            for index, port in enumerate(ports):
                if port.get("nodePort"):
                    shared.setdefault(port["port"], port["nodePort"])
                    await self._hold_port(
                        reservation, operation, str(port["nodePort"]), mine, owner, f"spec.ports[{index}].nodePort"
                    )
            counts = Counter((port["port"], port.get("protocol", "TCP")) for port in ports)
            for port in ports:
                if port.get("nodePort"):
                    continue
                # The same port over TCP and UDP gets the same node port, as upstream.
                same = shared.get(port["port"])
                if same is not None and counts[port["port"], port.get("protocol", "TCP")] == 1:
                    port["nodePort"] = same
                    continue
                value = await self._any(self._ports, owner, "nodePort", "range is full")
                reservation._undo.append(_release(self._ports, value, owner))
                mine.add(value)
                port["nodePort"] = shared[port["port"]] = int(value)
            spec["ports"] = ports
        if needs_health_check_port(reservation.obj):
            wanted = spec.get("healthCheckNodePort")
            if wanted:
                path = "spec.healthCheckNodePort"
                await self._hold_port(reservation, operation, str(wanted), mine, owner, path)
            else:
                value = await self._any(self._ports, owner, "nodePort", "range is full")
                reservation._undo.append(_release(self._ports, value, owner))
                spec["healthCheckNodePort"] = int(value)
        reservation.obj = {**reservation.obj, "spec": spec}
        kept = ports_of(reservation.obj)
        reservation._commit += [_release(self._ports, value, owner) for value in held - kept]

    async def _hold_port(
        self, reservation: Reservation, operation: Operation, value: str, mine: set[str], owner: str, path: str
    ) -> None:
        if value in mine:
            return
        try:
            await self._ports.take(value, owner)
        except AlreadyTaken:
            raise _refused(operation, field_invalid(path, int(value), "provided port is already allocated")) from None
        except OutOfRange:
            detail = f"provided port is not in the valid range. The range of valid ports is {self._ports.band.extent}"
            raise _refused(operation, field_invalid(path, int(value), detail)) from None
        reservation._undo.append(_release(self._ports, value, owner))
        mine.add(value)

    async def _take_address(self, operation: Operation, value: str, owner: str) -> None:
        try:
            await self._addresses.take(value, owner)
        except AlreadyTaken:
            detail = f"failed to allocate IP {value}: provided IP is already allocated"
            raise _refused(operation, field_invalid("spec.clusterIPs", [value], detail)) from None
        except OutOfRange:
            detail = (
                f"failed to allocate IP {value}: the provided IP ({value}) is not in the valid range. "
                f"The range of valid IPs is {self._addresses.band.extent}"
            )
            raise _refused(operation, field_invalid("spec.clusterIPs", [value], detail)) from None
        except ValueError:
            detail = "must be a valid IP address, (e.g. 10.9.8.7)"
            raise _refused(operation, field_invalid("spec.clusterIPs[0]", value, detail)) from None

    async def _any(self, allocator: Allocator, owner: str, what: str, cause: str) -> str:
        try:
            return await allocator.take_any(owner)
        except Full:
            raise InternalError(f"Internal error occurred: failed to allocate a {what}: {cause}") from None


def _release(allocator: Allocator, value: str, owner: str) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: allocator.release(value, owner)


def _refused(operation: Operation, error: FieldError) -> Exception:
    return invalid("", "Service", operation.name, [error])
