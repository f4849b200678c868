"""Makes and keeps the ``kube-dns`` Service and this node's EndpointSlice of it, by which pods reach this server.

Nothing is selected: each node's server adds its own slice, which ends with its node.
"""

from __future__ import annotations

from typing import Final

import structlog

from minikube_py.api.errors import AlreadyExists, NotFound
from minikube_py.api.meta import Object, key_of, uid_of
from minikube_py.api.resources import ENDPOINT_SLICES, NODES, SERVICES
from minikube_py.client.protocol import Client, PatchType
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from proxy.dns.view import SERVICE_NAME_LABEL, InformerView

log = structlog.get_logger("dns")

NAMESPACE: Final = "kube-system"
SERVICE: Final = "kube-dns"
MANAGER: Final = "dns.minikube-py"
SERVICE_PORT: Final = 53
NODE_MISSING_SECONDS: Final = 5.0
_SERVICE_KEY: Final = f"{NAMESPACE}/{SERVICE}"


def desired_service(cluster_ip: str, port: int) -> Object:
    """The Service at the cluster's DNS address; a pod reaches the server of its own node only."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": SERVICE,
            "namespace": NAMESPACE,
            "labels": {
                "k8s-app": SERVICE,
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "internalTrafficPolicy": "Local",
            "ports": [
                {"name": "dns", "protocol": "UDP", "port": SERVICE_PORT, "targetPort": port},
                {"name": "dns-tcp", "protocol": "TCP", "port": SERVICE_PORT, "targetPort": port},
            ],
        },
    }


def desired_slice(node_name: str, node_ip: str, port: int, node: Object | None) -> Object:
    """The slice of this node, owned by its Node where that is known."""
    metadata: Object = {
        "name": f"{SERVICE}-{node_name}",
        "namespace": NAMESPACE,
        "labels": {
            SERVICE_NAME_LABEL: SERVICE,
            "endpointslice.kubernetes.io/managed-by": MANAGER,
            "k8s-app": SERVICE,
        },
    }
    if node is not None:
        metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": uid_of(node)}]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv6" if ":" in node_ip else "IPv4",
        "endpoints": [
            {
                "addresses": [node_ip],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": node_name,
            }
        ],
        "ports": [
            {"name": "dns", "protocol": "UDP", "port": port},
            {"name": "dns-tcp", "protocol": "TCP", "port": port},
        ],
    }


def repair(actual: Object, desired: Object) -> Object:
    """The merge patch that makes what the desired object sets so; empty where it is. Lists are compared as a whole."""
    patch: Object = {}
    for field, wanted in desired.items():
        found = actual.get(field)
        if isinstance(wanted, dict):
            inner = repair(found if isinstance(found, dict) else {}, wanted)
            if inner:
                patch[field] = inner
        elif isinstance(wanted, list):
            if not _same_list(found, wanted):
                patch[field] = wanted
        elif found != wanted:
            patch[field] = wanted
    return patch


def _same_list(found: object, wanted: list[object]) -> bool:
    if not isinstance(found, list) or len(found) != len(wanted):
        return False
    return all(
        not repair(have, want) if isinstance(want, dict) and isinstance(have, dict) else have == want
        for have, want in zip(found, wanted, strict=True)
    )


class Registration:
    """A controller of two objects; it looks again whenever one of them changes."""

    def __init__(
        self,
        client: Client,
        view: InformerView,
        clock: Clock,
        *,
        node_name: str,
        node_ip: str,
        cluster_ip: str,
        port: int,
    ) -> None:
        self._client = client
        self._node_name = node_name
        self._node_ip = node_ip
        self._cluster_ip = cluster_ip
        self._port = port
        self._slice_key = f"{NAMESPACE}/{SERVICE}-{node_name}"
        self._queue = WorkQueue("dns_registration", clock)
        self._controller = Controller("dns registration", self._queue, self.reconcile, clock)
        self._queue.add(_SERVICE_KEY)
        self._queue.add(self._slice_key)
        view.services.add_handler(self._changed)
        view.slices.add_handler(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        if obj is not None and (key := key_of(obj)) in (_SERVICE_KEY, self._slice_key):
            self._queue.add(key)

    async def run(self) -> None:
        """Works until cancelled."""
        await self._controller.run()

    async def reconcile(self, key: str) -> float | None:
        """Creates or repairs the object of that key; raises ApiError or ConnectionFailed, and is tried again then."""
        if key == _SERVICE_KEY:
            await self._keep_service()
            return None
        return await self._keep_slice()

    async def _keep_service(self) -> None:
        desired = desired_service(self._cluster_ip, self._port)
        try:
            actual = await self._client.get(SERVICES, SERVICE, NAMESPACE)
        except NotFound:
            try:
                await self._client.create(SERVICES, desired)
                log.info("Service created", service=_SERVICE_KEY, address=self._cluster_ip)
            except AlreadyExists:
                self._queue.add(_SERVICE_KEY)  # another node's server was faster
            return
        if actual["spec"].get("selector"):
            log.warning("Service left alone: it selects pods, another DNS server is in charge", service=_SERVICE_KEY)
            return
        patch = repair(actual, desired)
        if patch:
            await self._client.patch(SERVICES, SERVICE, patch, namespace=NAMESPACE, patch_type=PatchType.MERGE)
            log.info("Service repaired", service=_SERVICE_KEY, fields=sorted(patch))

    async def _keep_slice(self) -> float | None:
        try:
            node: Object | None = await self._client.get(NODES, self._node_name)
        except NotFound:
            node = None
        desired = desired_slice(self._node_name, self._node_ip, self._port, node)
        name = desired["metadata"]["name"]
        try:
            actual = await self._client.get(ENDPOINT_SLICES, name, NAMESPACE)
        except NotFound:
            await self._client.create(ENDPOINT_SLICES, desired)
            log.info("EndpointSlice created", slice=self._slice_key, address=self._node_ip)
        else:
            if actual.get("addressType") != desired["addressType"]:  # immutable
                await self._client.delete(ENDPOINT_SLICES, name, NAMESPACE, uid=uid_of(actual))
                return 0.0
            patch = repair(actual, desired)
            if patch:
                await self._client.patch(ENDPOINT_SLICES, name, patch, namespace=NAMESPACE, patch_type=PatchType.MERGE)
                log.info("EndpointSlice repaired", slice=self._slice_key, fields=sorted(patch))
        return None if node is not None else NODE_MISSING_SECONDS
