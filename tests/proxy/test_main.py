from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import aiohttp
import pytest
from proxy_lab import make_service, needs_root
from pydantic import ValidationError

from minikube_py.api.resources import SERVICES
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import RealClock
from proxy.conntrack import ProgramConntrack
from proxy.main import Settings, run_with
from proxy.nft import ProgramNft
from proxy.node import NodeNetwork
from proxy.proxier import Host

GIVEN: dict[str, Any] = {"kubeconfig": "proxy.conf", "node_name": "here", "node_ip": "192.0.2.1"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"clusterCIDR": "10.0.0.0/8"},
        {"cluster_cidr": "10.0.0.1/8"},
        {"service_cidr": "fd00::/108"},
        {"node_ip": "here"},
        {"table_name": "a b"},
        {"healthz_port": 65536},
    ],
    ids=["unknown field", "host bits", "IPv6", "no address", "not an nft name", "not a port"],
)
def test_settings_that_are_refused(wrong: dict[str, Any]):
    Settings(**GIVEN)
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Settings(**(GIVEN | wrong))


@needs_root
async def test_the_process_programs_the_host_and_tells_of_its_health(namespace: str):
    settings = Settings(**GIVEN, healthz_port=_free_port(), metrics_port=_free_port())
    client, nft, stop = FakeClient(clock=RealClock()), ProgramNft(), asyncio.Event()
    client.seed(SERVICES, make_service())
    network = NodeNetwork(
        table=settings.table_name,
        cluster_cidr=settings.cluster_cidr,
        service_cidr=settings.service_cidr,
        node_ip=settings.node_ip,
    )
    running = asyncio.create_task(run_with(settings, stop, client, Host(nft, ProgramConntrack(), network), RealClock()))
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        for path in ("healthz", "livez"):
            answer = await _until_ok(session, f"http://127.0.0.1:{settings.healthz_port}/{path}")
            assert answer == "ok"
        contents = await nft.contents(settings.table_name)
        text = await _until_ok(session, f"http://127.0.0.1:{settings.metrics_port}/metrics")
        stop.set()
        await running
    assert contents is not None
    assert contents.elements["no-endpoint-services"] == 1
    assert 'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}' in text
    assert await nft.contents(settings.table_name) == contents, "rules stay when the process ends"


async def _until_ok(session: aiohttp.ClientSession, url: str) -> str:
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            answer = await session.get(url)
            if answer.status == 200:
                return await answer.text()
        await asyncio.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
