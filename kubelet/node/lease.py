"""The node's heartbeat: its Lease in ``kube-node-lease``."""

from __future__ import annotations

import structlog

from minikube_py.api.errors import AlreadyExists, ApiError, Conflict, NotFound
from minikube_py.api.meta import Object
from minikube_py.api.resources import LEASES, NODES
from minikube_py.api.times import format_micro_time
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("kubelet")

NAMESPACE = "kube-node-lease"
RENEWED_AFTER = 0.25
"""The share of its duration after which the lease is renewed."""
FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 7.0


class NodeLease:
    """Renews the lease for as long as it runs; the Node, once it is there, owns it."""

    def __init__(self, client: Client, clock: Clock, node_name: str, duration_seconds: int = 40) -> None:
        self._client = client
        self._clock = clock
        self._node_name = node_name
        self._duration = duration_seconds
        self._held: Object | None = None

    async def run(self) -> None:
        """Never returns."""
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                await self.renew()
            except (ApiError, ConnectionFailed) as error:
                log.info("Node lease could not be renewed", node=self._node_name, error=str(error))
                await self._clock.sleep(delay)
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)
                continue
            delay = FIRST_RETRY_SECONDS
            await self._clock.sleep(self._duration * RENEWED_AFTER)

    async def renew(self) -> None:
        """One renewal. Raises ApiError, ConnectionFailed."""
        if self._held is None:
            await self._take()
            return
        try:
            self._held = await self._client.update(LEASES, self._renewed(self._held))
        except (Conflict, NotFound):
            self._held = None
            await self._take()

    async def _take(self) -> None:
        """Creates the lease, or goes on with the one that an earlier kubelet left."""
        owner = await self._owner()
        lease: Object = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._node_name, "namespace": NAMESPACE, **owner},
        }
        try:
            self._held = await self._client.create(LEASES, self._renewed(lease))
        except AlreadyExists:
            found = await self._client.get(LEASES, self._node_name, NAMESPACE)
            found = {**found, "metadata": {**found["metadata"], **owner}}
            self._held = await self._client.update(LEASES, self._renewed(found))

    async def _owner(self) -> Object:
        try:
            node = await self._client.get(NODES, self._node_name)
        except NotFound:
            return {}
        reference = {
            "apiVersion": NODES.api_version,
            "kind": NODES.kind,
            "name": self._node_name,
            "uid": node["metadata"]["uid"],
        }
        return {"ownerReferences": [reference]}

    def _renewed(self, lease: Object) -> Object:
        spec = {
            **(lease.get("spec") or {}),
            "holderIdentity": self._node_name,
            "leaseDurationSeconds": self._duration,
            "renewTime": format_micro_time(self._clock.now()),
        }
        return {**lease, "spec": spec}
