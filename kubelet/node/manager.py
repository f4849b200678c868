"""Registers the node, keeps its status true, and gives the runtime its pod CIDR."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from kubelet.node.facts import HostFacts
from kubelet.node.status import (
    NodeObservation,
    NodeSettings,
    Pressure,
    new_node,
    node_labels,
    node_status,
    significant,
    transitions,
)
from kubelet.pod_events import Recorder
from kubelet.runtime import ContainerRuntime, ImageStatus, RuntimeFailure, RuntimeVersion
from minikube_py.api.errors import AlreadyExists, ApiError
from minikube_py.api.meta import Object, labels_of, resource_version_of
from minikube_py.api.resources import NODES
from minikube_py.client.protocol import Client, ConnectionFailed, PatchType
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("kubelet")

REPORT_SECONDS = 300.0
"""An unchanged status is reported this often."""
IMAGES_SECONDS = 60.0
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 7.0


class NodeManager:
    """Owns the Node object of this kubelet."""

    def __init__(
        self,
        client: Client,
        runtime: ContainerRuntime,
        clock: Clock,
        recorder: Recorder,
        settings: NodeSettings,
        facts: HostFacts,
        pressure: Callable[[], Pressure],
        runtime_is_lost: Callable[[], bool],
        update_seconds: float = 10.0,
    ) -> None:
        self._client = client
        self._runtime = runtime
        self._clock = clock
        self._recorder = recorder
        self._settings = settings
        self._facts = facts
        self._pressure = pressure
        self._runtime_is_lost = runtime_is_lost
        self._update_seconds = update_seconds
        self._reported: Object = {}
        self._revision = 0
        self._reported_at = float("-inf")
        self._images: tuple[ImageStatus, ...] = ()
        self._images_at = float("-inf")
        self._version: RuntimeVersion | None = None
        self._registered = False
        self._wake = asyncio.Event()
        self._pod_cidr = ""
        self.ready = False

    def check(self) -> None:
        """Has the status looked at now, because something that it tells of has changed."""
        self._wake.set()

    def on_node(self, old: Object | None, new: Object | None) -> None:
        """Takes news of the Node in the API."""
        if new is None:
            self._registered = False
            self._reported = {}
            self.check()
            return
        self._heed_conditions(new)
        cidr = (new.get("spec") or {}).get("podCIDR") or ""
        if cidr and cidr != self._pod_cidr:
            self._pod_cidr = cidr
            self.check()

    def _heed_conditions(self, node: Object) -> None:
        """Others may turn our conditions, as the node lifecycle controller does when the lease stops."""
        if not self._reported or resource_version_of(node) <= self._revision:
            return
        ours = {c["type"] for c in self._reported.get("conditions") or []}
        shown = [c for c in (node.get("status") or {}).get("conditions") or [] if c["type"] in ours]
        before = {c["type"]: c["status"] for c in self._reported.get("conditions") or []}
        if {c["type"]: c["status"] for c in shown} != before:
            self._reported = {**self._reported, "conditions": shown}
            self.check()

    async def run(self) -> None:
        """Registers, then reports whenever something changes; never returns."""
        delay = FIRST_RETRY_SECONDS
        told_cidr = ""
        while True:
            self._wake.clear()
            try:
                if self._pod_cidr and told_cidr != self._pod_cidr:
                    await self._runtime.update_pod_cidr(self._pod_cidr)
                    told_cidr = self._pod_cidr
                await self._report()
            except (ApiError, ConnectionFailed, RuntimeFailure) as error:
                log.info("Node status could not be reported", node=self._settings.name, error=str(error))
                await self._clock.sleep(delay)
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)
                continue
            delay = FIRST_RETRY_SECONDS
            timer = self._clock.call_later(self._update_seconds, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()

    async def _report(self) -> None:
        observation = await self._observe()
        status = node_status(self._settings, self._facts, observation, self._reported)
        self.ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])
        if not self._registered:
            await self._register(status)
            status = node_status(self._settings, self._facts, observation, self._reported)
        elapsed = self._clock.monotonic() - self._reported_at
        if significant(status) == significant(self._reported) and elapsed < REPORT_SECONDS:
            return
        patch = {"status": status}
        before = {c["type"]: c for c in self._reported.get("conditions") or []}
        answer = await self._client.patch(NODES, self._settings.name, patch, subresource="status")
        log.debug("Node status reported", node=self._settings.name)
        for reason in transitions(status, {"conditions": list(before.values())}):
            self._event("Normal", reason, f"Node {self._settings.name} status is now: {reason}")
        self._reported = status
        self._reported_at = self._clock.monotonic()
        self._revision = resource_version_of(answer)
        self.on_node(None, answer)

    async def _observe(self) -> NodeObservation:
        if self._runtime_is_lost():
            self._version = None
            return NodeObservation(self._clock.now(), None, None, self._images, self._pressure())
        try:
            runtime = await self._runtime.status()
            if runtime.runtime.ready and self._version is None:
                self._version = await self._runtime.version()
            if runtime.runtime.ready and self._clock.monotonic() - self._images_at >= IMAGES_SECONDS:
                self._images = tuple(await self._runtime.list_images())
                self._images_at = self._clock.monotonic()
        except RuntimeFailure:
            self._version = None
            return NodeObservation(self._clock.now(), None, None, self._images, self._pressure())
        return NodeObservation(self._clock.now(), runtime, self._version, self._images, self._pressure())

    async def _register(self, status: Object) -> None:
        """Creates the Node, or takes over the one that is there; then its conditions' times are carried on."""
        node = new_node(self._settings, self._facts, status)
        try:
            found = await self._client.create(NODES, node)
            log.info("Node registered", node=self._settings.name)
        except AlreadyExists:
            found = await self._take_over(await self._client.get(NODES, self._settings.name))
            known = found.get("status") or {}
            self._reported = {"conditions": known.get("conditions") or [], "nodeInfo": known.get("nodeInfo") or {}}
        self._registered = True
        self.on_node(None, found)

    async def _take_over(self, found: Object) -> Object:
        wanted = node_labels(self._settings, self._facts)
        missing = {key: value for key, value in wanted.items() if labels_of(found).get(key) != value}
        if not missing:
            return found
        patch = {"metadata": {"labels": missing}}
        return await self._client.patch(NODES, self._settings.name, patch, patch_type=PatchType.MERGE)

    def started(self) -> None:
        """Tells that the kubelet has started."""
        self._event("Normal", "Starting", "Starting kubelet.")

    def _event(self, kind: str, reason: str, message: str) -> None:
        # Upstream's kubelet names its node by name in the uid, and kubectl describe looks for exactly that.
        name = self._settings.name
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}}
        self._recorder.event(node, kind, reason, message)
