"""The Lease by which an API server is known to be there: ``kube-system/apiserver-<hash of the host's name>``.

Follows ``k8s.io/kubernetes/pkg/controlplane/controller/apiserverleasegc`` and the lease that kube-apiserver keeps of
itself. The workers of one host share it: one renews what the others find fresh.
"""

from __future__ import annotations

import hashlib
import socket
from base64 import b32encode
from datetime import datetime, timedelta

import structlog

from apiserver.bootstrap.ensure import SERVER, ensure
from apiserver.core import Core, Operation
from apiserver.handlers.delete import delete_object
from apiserver.handlers.options import DeleteOptions
from apiserver.storage.cached import Cached
from apiserver.storage.store import StoreError
from minikube_py.api.errors import ApiError, Conflict, NotFound
from minikube_py.api.meta import Object, labels_of, metadata
from minikube_py.api.resources import LEASES
from minikube_py.api.times import format_micro_time, parse_time

NAMESPACE = "kube-system"
LEASE_SECONDS, RENEW_SECONDS, COLLECT_SECONDS = 3600, 10.0, 3600.0
_LABELS = {"apiserver.kubernetes.io/identity": "kube-apiserver"}
_HOST_LABEL = "kubernetes.io/hostname"
log = structlog.get_logger("apiserver")


async def keep_identity(core: Core) -> None:
    """Renews this server's Lease every 10 s and takes away those long expired every hour, until cancelled."""
    host, collected = socket.gethostname(), core.clock.monotonic() - COLLECT_SECONDS
    holder = f"{lease_name(host)}_{core.new_uid()}"
    while True:
        try:
            await renew(core, host, holder)
            if core.clock.monotonic() - collected >= COLLECT_SECONDS:
                await collect(core)
                collected = core.clock.monotonic()
        except (ApiError, StoreError) as error:
            log.warning("Could not renew the Lease of this server", error=str(error))
        await core.clock.sleep(RENEW_SECONDS)


async def renew(core: Core, host: str, holder: str) -> None:
    """Renews the Lease, or creates it. Raises ApiError, StoreError."""
    now = core.clock.now()
    await ensure(core, LEASES, lease(host, holder, now), lambda old: renewed(old, host, holder, now))


async def collect(core: Core) -> None:
    """Deletes the Leases of API servers that are gone. Raises ApiError, StoreError."""
    for item in expired(core.caches[LEASES].list(NAMESPACE).items, core.clock.now()):
        options = DeleteOptions(resource_version=str(item.revision))
        try:
            await delete_object(Operation(core, SERVER, LEASES, NAMESPACE, item.name), options)
        except (NotFound, Conflict):
            continue


def lease_name(host: str) -> str:
    """``apiserver-`` and 26 letters and digits that follow from the host's name. Pure."""
    return f"apiserver-{b32encode(hashlib.sha256(host.encode()).digest())[:26].decode().lower()}"


def lease(host: str, holder: str, now: datetime) -> Object:
    """The Lease as it is created."""
    time = format_micro_time(now)
    return {
        "kind": "Lease",
        "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"name": lease_name(host), "namespace": NAMESPACE, "labels": {**_LABELS, _HOST_LABEL: host}},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": time,
            "renewTime": time,
        },
    }


def renewed(old: Object, host: str, holder: str, now: datetime) -> Object:
    """The Lease renewed, unless another process of this host has just done so. Pure."""
    spec = old.get("spec") or {}
    last = spec.get("renewTime")
    if spec.get("holderIdentity") != holder and last and now - parse_time(last) < timedelta(seconds=2 * RENEW_SECONDS):
        return old
    wanted = lease(host, holder, now)
    if spec.get("holderIdentity") == holder:
        wanted["spec"]["acquireTime"] = spec.get("acquireTime") or wanted["spec"]["acquireTime"]
    labels = {**labels_of(old), **labels_of(wanted)}
    return {**old, "metadata": {**metadata(old), "labels": labels}, "spec": {**spec, **wanted["spec"]}}


def expired(items: list[Cached], now: datetime) -> list[Cached]:
    """The Leases of API servers that have not been renewed for as long as they last. Pure."""
    gone = []
    for item in items:
        if not _LABELS.items() <= item.labels.items():
            continue
        spec = item.object.get("spec") or {}
        last, seconds = spec.get("renewTime"), spec.get("leaseDurationSeconds")
        if not last or not seconds or parse_time(last) + timedelta(seconds=seconds) < now:
            gone.append(item)
    return gone
