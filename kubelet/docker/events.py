"""The engine's event stream, narrowed to the kubelet's own containers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson

from kubelet.docker import labels
from kubelet.docker.client import DockerClient
from kubelet.runtime import EventType, RuntimeEvent, RuntimeUnavailable

_TYPES = {
    "create": EventType.CREATED,
    "start": EventType.STARTED,
    "die": EventType.DIED,
    "oom": EventType.OOM,
    "destroy": EventType.REMOVED,
}


async def watch_events(client: DockerClient, owner: str) -> AsyncIterator[RuntimeEvent]:
    """Yields from now on; ends only by raising RuntimeUnavailable."""
    filters = {"type": ["container"], "event": list(_TYPES), "label": [f"{labels.OWNER}={owner}"]}
    try:
        async with client.stream("GET", "/events", params={"filters": orjson.dumps(filters).decode()}) as content:
            async for line in content:
                event = decode(orjson.loads(line))
                if event is not None:
                    yield event
    except ValueError as error:
        raise RuntimeUnavailable(f"Docker Engine's events: {error}") from error
    raise RuntimeUnavailable("Docker Engine ended its events")


def decode(message: dict[str, Any]) -> RuntimeEvent | None:
    """One message of the stream; None for an event that is not of interest."""
    kind = _TYPES.get(message.get("Action", ""))
    if kind is None:
        return None
    attributes = message["Actor"]["Attributes"]
    sandbox = attributes.get(labels.KIND) == labels.SANDBOX
    return RuntimeEvent(
        type=kind,
        id=message["Actor"]["ID"],
        pod_uid=attributes.get(labels.POD_UID, ""),
        pod_name=attributes.get(labels.POD_NAME, ""),
        pod_namespace=attributes.get(labels.POD_NAMESPACE, ""),
        container_name="" if sandbox else attributes.get(labels.CONTAINER_NAME, ""),
        at=datetime.fromtimestamp(message["timeNano"] / 1e9, UTC),
        exit_code=labels.number(attributes, "exitCode"),
    )
