from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apiserver.handlers import component_statuses

PATH = "/api/v1/componentstatuses"


@pytest.fixture
async def components(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A scheduler that is well; nobody listens where the controller manager should be."""

    async def healthz(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(healthz, "127.0.0.1", 0)
    closed = await asyncio.start_server(healthz, "127.0.0.1", 0)
    ports = [item.sockets[0].getsockname()[1] for item in (server, closed)]
    closed.close()
    await closed.wait_closed()
    probed = {"controller-manager": ports[1], "scheduler": ports[0]}
    monkeypatch.setattr(component_statuses, "PROBED_PORTS", probed)
    yield
    server.close()


@pytest.mark.usefixtures("components")
async def test_components_are_asked_at_each_request(api: Any) -> None:
    answer = await api("GET", PATH)
    assert any("v1 ComponentStatus is deprecated in v1.19+" in warning for warning in answer.warnings)
    document = answer.json
    assert (document["kind"], document["apiVersion"]) == ("ComponentStatusList", "v1")
    found = {item["metadata"]["name"]: item["conditions"][0] for item in document["items"]}
    assert found["scheduler"] == {"type": "Healthy", "status": "True", "message": "ok"}
    assert found["etcd-0"] == {"type": "Healthy", "status": "True", "message": "ok"}
    assert found["controller-manager"]["status"] == "False"
    assert found["controller-manager"]["message"].startswith('Get "https://127.0.0.1:')
    assert found["controller-manager"]["message"].endswith(": connect: connection refused")


@pytest.mark.usefixtures("components")
async def test_one_component(api: Any) -> None:
    found = await api.ok("GET", f"{PATH}/scheduler")
    assert (found["kind"], found["metadata"]["name"]) == ("ComponentStatus", "scheduler")
    assert (await api("GET", f"{PATH}/nobody")).status == 404
    assert (await api("POST", PATH, {})).status == 405


@pytest.mark.usefixtures("components")
async def test_components_as_a_table_and_by_name(api: Any) -> None:
    table = await api.ok("GET", PATH, headers={"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    assert [row["cells"][:2] for row in table["rows"]] == [
        ["controller-manager", "Unhealthy"],
        ["scheduler", "Healthy"],
        ["etcd-0", "Healthy"],
    ]
    chosen = await api.ok("GET", f"{PATH}?fieldSelector=metadata.name%3Dscheduler")
    assert [item["metadata"]["name"] for item in chosen["items"]] == ["scheduler"]
