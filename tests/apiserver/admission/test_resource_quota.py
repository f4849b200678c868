"""ResourceQuota admission, over a whole server and over two servers on one store."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from apiserver.admission.chain import AdmissionChain
from apiserver.admission.quota_ledger import QuotaLedger
from apiserver.admission.resource_quota import ResourceQuota
from apiserver.bootstrap import bootstrap
from apiserver.main import fill_caches, make_core
from apiserver.storage.etcd import EtcdStore
from apiserver.storage.hub import WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import Store, StoreTimeout
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.tasks import Tasks

NAMESPACE = "/api/v1/namespaces/default"


async def make_quota(api: Any, name: str, hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Any:
    """A quota whose usage was computed, as the controller does."""
    quota = {"metadata": {"name": name}, "spec": {"hard": hard, **spec}}
    created = await api.ok("POST", f"{NAMESPACE}/resourcequotas", quota)
    created["status"] = {"hard": hard, "used": dict.fromkeys(hard, "0") | (used or {})}
    await api.ok("PUT", f"{NAMESPACE}/resourcequotas/{name}/status", created)
    await see_quotas(api)
    return created


async def see_quotas(api: Any) -> None:
    """A read from which on the server knows of every quota."""
    await api.ok("GET", f"{NAMESPACE}/resourcequotas")


async def used_of(api: Any, name: str) -> dict[str, str]:
    status: dict[str, dict[str, str]] = (await api.ok("GET", f"{NAMESPACE}/resourcequotas/{name}"))["status"]
    return status["used"]


def pod(name: str, requests: Any = None, limits: Any = None, **spec: Any) -> Any:
    container = {"name": "c", "image": "busybox", "resources": {"requests": requests or {}, "limits": limits or {}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def config_map(name: str) -> Any:
    return {"metadata": {"name": name}}


def without_waiting(api: Any) -> None:
    """New quotas stay without a status, and nobody waits for it."""
    core = api.core
    own = ResourceQuota(QuotaLedger(status_wait_seconds=0))
    core.admission = AdmissionChain([own if p.name == "ResourceQuota" else p for p in core.admission.plugins])


async def test_a_create_is_charged_and_the_one_too_many_refused(api: Any) -> None:
    await make_quota(api, "q", {"pods": "1", "requests.cpu": "500m"})
    await api.ok("POST", f"{NAMESPACE}/pods", pod("a", {"cpu": "100m"}))
    assert await used_of(api, "q") == {"pods": "1", "requests.cpu": "100m"}
    answer = await api("POST", f"{NAMESPACE}/pods", pod("b", {"cpu": "100m"}))
    assert answer.status == 403
    assert answer.json["reason"] == "Forbidden"
    assert answer.json["details"] == {"name": "b", "kind": "pods"}
    told = 'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    assert answer.message == told


async def test_every_exceeded_amount_is_told(api: Any) -> None:
    await make_quota(api, "q", {"pods": "5", "requests.cpu": "500m", "requests.memory": "1Gi"})
    answer = await api("POST", f"{NAMESPACE}/pods", pod("a", {"cpu": "1", "memory": "2Gi"}))
    assert answer.message == (
        'pods "a" is forbidden: exceeded quota: q, requested: requests.cpu=1,requests.memory=2Gi, '
        "used: requests.cpu=0,requests.memory=0, limited: requests.cpu=500m,requests.memory=1Gi"
    )
    assert await used_of(api, "q") == {"pods": "0", "requests.cpu": "0", "requests.memory": "0"}


async def test_a_quota_of_compute_obliges_containers_to_say_what_they_want(api: Any) -> None:
    await make_quota(api, "q", {"limits.cpu": "5", "requests.memory": "1Gi", "pods": "9"})
    answer = await api("POST", f"{NAMESPACE}/pods", pod("a"))
    assert answer.message == (
        'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: c; requests.memory for: c'
    )


async def test_all_quotas_are_charged_or_none(api: Any) -> None:
    await make_quota(api, "a", {"configmaps": "10"})
    await make_quota(api, "b", {"count/configmaps": "0"})
    answer = await api("POST", f"{NAMESPACE}/configmaps", config_map("x"))
    assert answer.message.startswith('configmaps "x" is forbidden: exceeded quota: b, requested: count/configmaps=1')
    assert await used_of(api, "a") == {"configmaps": "0"}


async def test_a_failed_create_is_given_back(api: Any) -> None:
    await make_quota(api, "q", {"configmaps": "10"})
    await api.ok("POST", f"{NAMESPACE}/configmaps", config_map("x"))
    assert (await api("POST", f"{NAMESPACE}/configmaps", config_map("x"))).status == 409
    assert await used_of(api, "q") == {"configmaps": "1"}


async def test_a_create_of_unknown_outcome_stays_charged(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_quota(api, "q", {"configmaps": "10"})

    async def create(*_: Any, **__: Any) -> int:
        raise StoreTimeout("no answer")

    monkeypatch.setattr(api.core.store, "create", create)
    assert (await api("POST", f"{NAMESPACE}/configmaps", config_map("x"))).status == 504
    assert await used_of(api, "q") == {"configmaps": "1"}


async def test_a_dry_run_is_checked_and_not_charged(api: Any) -> None:
    await make_quota(api, "q", {"configmaps": "1"})
    await api.ok("POST", f"{NAMESPACE}/configmaps?dryRun=All", config_map("x"))
    assert await used_of(api, "q") == {"configmaps": "0"}
    await api.ok("POST", f"{NAMESPACE}/configmaps", config_map("x"))
    assert (await api("POST", f"{NAMESPACE}/configmaps?dryRun=All", config_map("y"))).status == 403


async def test_a_quota_without_status_refuses(api: Any) -> None:
    without_waiting(api)
    await api.ok("POST", f"{NAMESPACE}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}})
    await see_quotas(api)
    answer = await api("POST", f"{NAMESPACE}/pods", pod("a"))
    assert answer.message == 'pods "a" is forbidden: status unknown for quota: q, resources: pods'
    await api.ok("POST", f"{NAMESPACE}/configmaps", config_map("x"))


async def test_a_create_waits_for_the_first_status(api: Any) -> None:
    created = await api.ok(
        "POST", f"{NAMESPACE}/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}}
    )
    await see_quotas(api)
    creating = asyncio.create_task(api("POST", f"{NAMESPACE}/pods", pod("a")))
    await asyncio.sleep(0)
    created["status"] = {"hard": {"pods": "2"}, "used": {"pods": "0"}}
    await api.ok("PUT", f"{NAMESPACE}/resourcequotas/q/status", created)
    assert (await creating).status == 201
    assert await used_of(api, "q") == {"pods": "1"}


async def test_an_update_is_charged_the_difference(api: Any) -> None:
    await make_quota(api, "q", {"services.nodeports": "2", "services": "5"})
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}}
    created = await api.ok("POST", f"{NAMESPACE}/services", service)
    assert await used_of(api, "q") == {"services": "1", "services.nodeports": "0"}
    created["spec"]["type"] = "NodePort"
    await api.ok("PUT", f"{NAMESPACE}/services/s", created)
    assert await used_of(api, "q") == {"services": "1", "services.nodeports": "2"}
    patch = {"spec": {"ports": [{"name": "c", "port": 82}]}}
    headers = {"content-type": "application/strategic-merge-patch+json"}
    answer = await api("PATCH", f"{NAMESPACE}/services/s", patch, headers=headers)
    assert answer.message == (
        'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=1, '
        "used: services.nodeports=2, limited: services.nodeports=2"
    )


async def test_a_failed_update_is_given_back(api: Any) -> None:
    await make_quota(api, "q", {"services.nodeports": "2"})
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    created = await api.ok("POST", f"{NAMESPACE}/services", service)
    created["spec"] |= {"type": "NodePort", "ports": [{"port": 80, "nodePort": 1}]}
    assert (await api("PUT", f"{NAMESPACE}/services/s", created)).status == 422
    assert await used_of(api, "q") == {"services.nodeports": "0"}


@pytest.mark.parametrize(
    ("scopes", "spec", "charged"),
    [
        pytest.param(["BestEffort"], {}, True, id="a pod without resources is best effort"),
        pytest.param(["NotBestEffort"], {}, False, id="and not the opposite"),
        pytest.param(["Terminating"], {"activeDeadlineSeconds": 5}, True, id="a deadline terminates"),
        pytest.param(["NotTerminating"], {"activeDeadlineSeconds": 5}, False, id="so it is not without end"),
        pytest.param(["PriorityClass"], {"priorityClassName": "system-node-critical"}, True, id="a class by existence"),
        pytest.param(["PriorityClass"], {}, False, id="no class"),
    ],
)
async def test_scopes_select_pods(api: Any, scopes: Any, spec: Any, charged: bool) -> None:
    await make_quota(api, "q", {"pods": "5"}, scopes=scopes)
    await api.ok("POST", f"{NAMESPACE}/pods", pod("a", **spec))
    assert await used_of(api, "q") == {"pods": "1" if charged else "0"}


async def test_a_refusal_believes_the_store_and_not_the_cache(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has just freed the quota; this server's cache has not heard of it."""
    await make_quota(api, "q", {"configmaps": "1"}, {"configmaps": "1"})
    cache = api.core.caches[api.core.table.by_plural("", "v1", "resourcequotas")]
    stale = cache.list("default")
    freed = await api.ok("GET", f"{NAMESPACE}/resourcequotas/q")
    freed["status"]["used"] = {"configmaps": "0"}
    await api.ok("PUT", f"{NAMESPACE}/resourcequotas/q/status", freed)
    with monkeypatch.context() as patched:
        patched.setattr(cache, "list", lambda *_: stale)
        await api.ok("POST", f"{NAMESPACE}/configmaps", config_map("x"))
    assert await used_of(api, "q") == {"configmaps": "1"}


async def test_a_quota_that_is_gone_refuses_nothing(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_quota(api, "q", {"configmaps": "0"})
    cache = api.core.caches[api.core.table.by_plural("", "v1", "resourcequotas")]
    stale = cache.list("default")
    await api.ok("DELETE", f"{NAMESPACE}/resourcequotas/q")
    with monkeypatch.context() as patched:
        patched.setattr(cache, "list", lambda *_: stale)
        await api.ok("POST", f"{NAMESPACE}/configmaps", config_map("x"))


async def servers(settings: Any, stores: list[Store], tasks: Tasks, make_api: Any) -> list[Any]:
    """As many servers as there are store handles."""
    apis = []
    for store in stores:
        hub = WatchHub(store)
        core = make_core(settings, store, hub, clock=FakeClock())
        tasks.start(f"hub-{len(apis)}", hub.run())
        await fill_caches(core)
        await bootstrap(core)
        core.bootstrapped = True
        apis.append(make_api(core, hub))
    return apis


@pytest.fixture
async def two(settings: Any, api: Any) -> AsyncIterator[list[Any]]:
    """Two servers on one store in memory."""
    tasks = Tasks()
    store = api.core.store
    assert isinstance(store, MemoryStore)
    yield [api, *await servers(settings, [store], tasks, type(api))]
    await tasks.cancel_all()


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[str]:
    """The address of an etcd of one's own."""
    client, peer = (f"http://127.0.0.1:{port}" for port in (free_port(), free_port()))
    command = ["etcd", "--name=m", f"--data-dir={tmp_path}/data", "--log-level=error", f"--initial-cluster=m={peer}"]
    command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
    command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield client
    process.kill()
    process.wait(10)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def check_never_above_hard(apis: list[Any], *, hard: int, creates: int) -> None:
    """Concurrent creates through all servers, some of names that are taken: used is what exists, and at the limit."""
    first = apis[0]
    await make_quota(first, "a", {"configmaps": str(hard)})
    await make_quota(first, "b", {"count/configmaps": str(hard + 5)})
    for server in apis:
        await see_quotas(server)
    await first.ok("POST", f"{NAMESPACE}/configmaps", config_map("taken"))

    async def create(index: int) -> int:
        name = "taken" if index % 7 == 0 else f"x{index}"
        status: int = (await apis[index % len(apis)]("POST", f"{NAMESPACE}/configmaps", config_map(name))).status
        return status

    statuses = await asyncio.gather(*(create(index) for index in range(creates)))
    assert set(statuses) == {201, 403, 409}
    items = (await first.ok("GET", f"{NAMESPACE}/configmaps"))["items"]
    assert len(items) == statuses.count(201) + 1 <= hard
    assert await used_of(first, "a") == {"configmaps": str(len(items))}
    assert await used_of(first, "b") == {"count/configmaps": str(len(items))}
    for index in range(hard - len(items)):
        await first.ok("POST", f"{NAMESPACE}/configmaps", config_map(f"rest-{index}"))
    for server in apis:
        assert (await server("POST", f"{NAMESPACE}/configmaps", config_map("one-too-many"))).status == 403


async def test_two_servers_never_exceed_a_quota(two: list[Any]) -> None:
    await check_never_above_hard(two, hard=20, creates=90)


@pytest.mark.etcd
async def test_two_servers_on_etcd_never_exceed_a_quota(settings: Any, etcd: str, api: Any) -> None:
    tasks = Tasks()
    stores: list[Store] = [EtcdStore([etcd]), EtcdStore([etcd])]
    try:
        apis = await servers(settings, stores, tasks, type(api))
        await check_never_above_hard(apis, hard=50, creates=200)
    finally:
        await tasks.cancel_all()
        for store in stores:
            await store.close()
