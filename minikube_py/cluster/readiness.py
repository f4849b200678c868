"""Waiting until a started cluster answers: the API server, the node, DNS."""

from __future__ import annotations

import asyncio
import datetime
import socket
import time

from minikube_py.api import errors
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.resources import NODES
from minikube_py.api.times import parse_time
from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.cluster.failures import NotReady
from minikube_py.cluster.settings import ClusterSettings

POLL_SECONDS = 0.02
DNS_ATTEMPT_SECONDS = 0.25


def open_client(settings: ClusterSettings) -> HttpClient:
    """The administrator's client."""
    return HttpClient.from_kubeconfig(str(settings.data_dir / "admin.conf"), user_agent="minikube-py")


async def wait_api(client: Client, timeout: float) -> None:
    """Returns when the API server answers a request. Raises NotReady."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            await client.list(NODES, limit=1)
            return
        except (ConnectionFailed, errors.ApiError) as error:
            if time.monotonic() > deadline:
                raise NotReady(f"the API server did not answer within {timeout:g} s: {error}") from error
        await asyncio.sleep(POLL_SECONDS)


async def wait_node(client: Client, name: str, timeout: float, *, since: datetime.datetime | None = None) -> None:
    """Returns when the node's condition Ready is True, as told by a kubelet that spoke after ``since``.

    Raises NotReady with the node's own message.
    """
    seen = "the kubelet has not registered it"
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            listed = await client.list(NODES, field_selector=f"metadata.name={name}")
            revision = listed.resource_version
            for node in listed.items:
                seen = _not_ready_because(node, since)
                if not seen:
                    return
            remaining = max(1, int(deadline - time.monotonic()))
            async with asyncio.timeout(remaining):
                async for event in client.watch(
                    NODES, resource_version=revision, field_selector=f"metadata.name={name}", timeout_seconds=remaining
                ):
                    if event.type in ("ADDED", "MODIFIED"):
                        seen = _not_ready_because(event.object, since)
                        if not seen:
                            return
        except (ConnectionFailed, errors.ApiError, TimeoutError) as error:
            seen = seen or str(error)
            await asyncio.sleep(POLL_SECONDS)
    raise NotReady(f"node {name} was not Ready within {timeout:g} s: {seen}")


def _not_ready_because(node: Object, since: datetime.datetime | None) -> str:
    condition = find_condition(node, "Ready")
    if condition is None:
        return "it has no Ready condition yet"
    heartbeat = condition.get("lastHeartbeatTime")
    if since is not None and heartbeat and parse_time(heartbeat) < since.replace(microsecond=0):
        return "its kubelet has not spoken since it was started"
    if condition.get("status") != "True":
        return str(condition.get("message") or condition.get("reason") or "its Ready condition is not True")
    return ""


async def wait_dns(settings: ClusterSettings, timeout: float) -> None:
    """Returns when the cluster's DNS address gives the ``kubernetes`` Service's. Raises NotReady."""
    deadline = time.monotonic() + timeout
    name = f"kubernetes.default.svc.{settings.cluster_domain}"
    while time.monotonic() < deadline:
        if await asyncio.to_thread(_resolve, settings.dns_address, name) == settings.api_address:
            return
        await asyncio.sleep(POLL_SECONDS)
    raise NotReady(f"DNS at {settings.dns_address} did not answer for {name} within {timeout:g} s")


def _resolve(server: str, name: str) -> str | None:
    """The first A record, or None where there was no answer in time."""
    import dnslib

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(DNS_ATTEMPT_SECONDS)
        try:
            channel.connect((server, 53))
            channel.send(dnslib.DNSRecord.question(name).pack())
            answer = dnslib.DNSRecord.parse(channel.recv(4096))
        except (OSError, dnslib.DNSError):
            return None
    return next((str(record.rdata) for record in answer.rr if record.rtype == dnslib.QTYPE.A), None)
