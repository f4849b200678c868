"""What every client promises, asked of each implementation.

The HTTP client is asked against the real API server, over TLS, on its in-memory store.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from apiserver.main import Settings, run
from minikube_py.api import errors
from minikube_py.api.meta import Object, name_of
from minikube_py.api.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS
from minikube_py.client.fake import FakeClient
from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client, ConnectionFailed, PatchType, WatchEvent
from minikube_py.cluster import pki
from minikube_py.runtime.clock import FakeClock

NAMESPACE = "contract"


@asynccontextmanager
async def fake() -> AsyncIterator[Client]:
    client = FakeClient(FakeClock())
    await client.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
    yield client


@asynccontextmanager
async def http(directory: Path) -> AsyncIterator[Client]:
    now = datetime.now(UTC)
    authority = pki.create_authority(now)
    (directory / "ca.crt").write_bytes(authority.pem)
    server = pki.Subject("kube-apiserver", addresses=("127.0.0.1",), server=True)
    pki.ensure_certificate(authority, directory, "apiserver", server, now)
    pki.ensure_service_account_key(directory)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(
        etcd_servers=["memory"],
        bind_address="127.0.0.1",
        secure_port=port,
        tls_cert_file=str(directory / "apiserver.crt"),
        tls_private_key_file=str(directory / "apiserver.key"),
        client_ca_file=str(directory / "ca.crt"),
        service_account_key_file=str(directory / "sa.pub"),
        service_account_signing_key_file=str(directory / "sa.key"),
        shutdown_seconds=0.1,
    )
    administrator = pki.Subject("kubernetes-admin", ("system:masters",))
    pki.ensure_kubeconfig(authority, directory / "admin.conf", f"https://127.0.0.1:{port}", administrator, now)
    stop = asyncio.Event()
    serving = asyncio.ensure_future(run(settings, stop))
    client = HttpClient.from_kubeconfig(str(directory / "admin.conf"), user_agent="contract")
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    await client.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
                    break
                except (ConnectionFailed, errors.ApiError):
                    assert not serving.done(), serving.exception()
                    await asyncio.sleep(0.02)
        account = {"metadata": {"name": "default", "namespace": NAMESPACE}}
        await client.create(SERVICE_ACCOUNTS, account)
        yield client
    finally:
        await client.close()
        stop.set()
        await serving


@pytest.fixture(params=["the fake in memory", "HTTP to the API server"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    # A server registers its metrics once per process; here many run in one.
    monkeypatch.setattr("prometheus_client.REGISTRY", CollectorRegistry())
    async with fake() if request.param == "the fake in memory" else http(tmp_path) as made:
        yield made


def config_map(name: str, **extra: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, **extra},
        "data": {"a": "1"},
    }


def pod(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "c", "image": "i"}], "terminationGracePeriodSeconds": 5},
        "status": {"phase": "Running"},
    }


def deployment(name: str) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    }


async def events(client: Client, count: int, revision: str, **options: str) -> list[WatchEvent]:
    found: list[WatchEvent] = []
    watch = client.watch(CONFIG_MAPS, NAMESPACE, resource_version=revision, **options)
    async with asyncio.timeout(10):
        async for event in watch:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_what_is_created_can_be_read(client: Client):
    created = await client.create(CONFIG_MAPS, config_map("a"))
    assert created["metadata"]["uid"]
    assert created["metadata"]["creationTimestamp"]
    assert created == await client.get(CONFIG_MAPS, "a", NAMESPACE)
    assert (created["apiVersion"], created["kind"]) == ("v1", "ConfigMap")


async def test_a_name_is_taken_once(client: Client):
    await client.create(CONFIG_MAPS, config_map("a"))
    with pytest.raises(errors.AlreadyExists, match='configmaps "a" already exists'):
        await client.create(CONFIG_MAPS, config_map("a"))


async def test_what_is_absent_is_not_found(client: Client):
    for request in (
        client.get(CONFIG_MAPS, "a", NAMESPACE),
        client.delete(CONFIG_MAPS, "a", NAMESPACE),
        client.patch(CONFIG_MAPS, "a", {}, namespace=NAMESPACE, patch_type=PatchType.MERGE),
        client.update(CONFIG_MAPS, config_map("a", resourceVersion="1")),
    ):
        with pytest.raises(errors.NotFound, match='configmaps "a" not found'):
            await request


async def test_a_name_is_generated(client: Client):
    obj = config_map("")
    obj["metadata"] = {"generateName": "gen-", "namespace": NAMESPACE}
    first, second = await client.create(CONFIG_MAPS, obj), await client.create(CONFIG_MAPS, obj)
    assert name_of(first).startswith("gen-")
    assert len(name_of(first)) == len("gen-") + 5
    assert name_of(first) != name_of(second)


async def test_an_update_of_an_old_version_is_a_conflict(client: Client):
    old = await client.create(CONFIG_MAPS, config_map("a"))
    new = await client.update(CONFIG_MAPS, old | {"data": {"a": "2"}})
    assert int(new["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
    with pytest.raises(errors.Conflict, match="the object has been modified"):
        await client.update(CONFIG_MAPS, old | {"data": {"a": "3"}})


async def test_an_update_that_changes_nothing_writes_nothing(client: Client):
    old = await client.create(CONFIG_MAPS, config_map("a"))
    assert await client.update(CONFIG_MAPS, old) == old


async def test_status_and_the_rest_are_written_apart(client: Client):
    created = await client.create(PODS, pod("a"))
    assert created["status"]["phase"] == "Pending"
    status = {"phase": "Running"}
    spec = created["spec"] | {"activeDeadlineSeconds": 1}
    changed = await client.update(PODS, created | {"spec": spec, "status": status}, subresource="status")
    assert changed["status"]["phase"] == "Running"
    assert changed["spec"] == created["spec"]
    changed["metadata"]["labels"] = {"x": "y"}
    again = await client.update(PODS, changed | {"status": {"phase": "Failed"}})
    assert again["status"]["phase"] == "Running"
    assert again["metadata"]["labels"] == {"x": "y"}


async def test_a_deployments_status_takes_annotations_along(client: Client):
    created = await client.create(DEPLOYMENTS, deployment("a"))
    created["metadata"]["annotations"] = {"revision": "1"}
    changed = await client.update(DEPLOYMENTS, created | {"status": {"replicas": 1}}, subresource="status")
    assert changed["metadata"]["annotations"] == {"revision": "1"}
    assert changed["metadata"]["generation"] == 1


async def test_the_generation_counts_changes_of_the_spec(client: Client):
    created = await client.create(DEPLOYMENTS, deployment("a"))
    assert created["metadata"]["generation"] == 1
    labelled = await client.patch(
        DEPLOYMENTS, "a", {"metadata": {"labels": {"x": "y"}}}, namespace=NAMESPACE, patch_type=PatchType.MERGE
    )
    assert labelled["metadata"]["generation"] == 1
    scaled = await client.patch(
        DEPLOYMENTS, "a", {"spec": {"replicas": 2}}, namespace=NAMESPACE, patch_type=PatchType.MERGE
    )
    assert scaled["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("patch_type", "patch"),
    [
        pytest.param(PatchType.MERGE, {"data": {"a": None, "b": "2"}}, id="merge patch"),
        pytest.param(
            PatchType.JSON,
            [{"op": "remove", "path": "/data/a"}, {"op": "add", "path": "/data/b", "value": "2"}],
            id="JSON patch",
        ),
        pytest.param(PatchType.STRATEGIC, {"data": {"a": None, "b": "2"}}, id="strategic merge patch"),
    ],
)
async def test_a_patch_is_applied(client: Client, patch_type: PatchType, patch: object):
    await client.create(CONFIG_MAPS, config_map("a"))
    patched = await client.patch(CONFIG_MAPS, "a", patch, namespace=NAMESPACE, patch_type=patch_type)
    assert patched["data"] == {"b": "2"}


async def test_lists_are_selected_and_paged(client: Client):
    for name, labels in (("a", {"x": "1"}), ("b", {"x": "2"}), ("c", {})):
        await client.create(CONFIG_MAPS, config_map(name, labels=labels))
    found = await client.list(CONFIG_MAPS, NAMESPACE, label_selector="x in (1,2)")
    assert [name_of(item) for item in found.items] == ["a", "b"]
    found = await client.list(CONFIG_MAPS, NAMESPACE, field_selector="metadata.name=c")
    assert [name_of(item) for item in found.items] == ["c"]
    assert found.items[0]["kind"] == "ConfigMap"
    page = await client.list(CONFIG_MAPS, NAMESPACE, limit=2)
    rest = await client.list(CONFIG_MAPS, NAMESPACE, limit=2, continue_token=page.continue_token)
    assert [name_of(item) for item in page.items + rest.items] == ["a", "b", "c"]
    assert rest.continue_token == ""


async def test_a_malformed_selector_is_a_bad_request(client: Client):
    with pytest.raises(errors.BadRequest):
        await client.list(CONFIG_MAPS, NAMESPACE, label_selector="a in (")


async def test_a_watch_tells_every_change_in_order(client: Client):
    start = (await client.list(CONFIG_MAPS, NAMESPACE)).resource_version
    created = await client.create(CONFIG_MAPS, config_map("a"))
    updated = await client.update(CONFIG_MAPS, created | {"data": {}})
    await client.delete(CONFIG_MAPS, "a", NAMESPACE)
    found = await events(client, 3, start)
    assert [event.type for event in found] == ["ADDED", "MODIFIED", "DELETED"]
    assert found[1].object == updated
    revisions = [int(event.object["metadata"]["resourceVersion"]) for event in found]
    assert revisions == sorted(set(revisions))
    assert (await events(client, 1, str(revisions[0])))[0].type == "MODIFIED"


async def test_a_watch_with_a_selector_tells_what_comes_and_goes(client: Client):
    start = (await client.list(CONFIG_MAPS, NAMESPACE)).resource_version
    created = await client.create(CONFIG_MAPS, config_map("a"))
    created["metadata"]["labels"] = {"x": "1"}
    labelled = await client.update(CONFIG_MAPS, created)
    labelled["metadata"]["labels"] = {}
    await client.update(CONFIG_MAPS, labelled)
    found = await events(client, 2, start, label_selector="x=1")
    assert [event.type for event in found] == ["ADDED", "DELETED"]


async def test_a_watch_waits_for_what_comes(client: Client):
    start = (await client.list(CONFIG_MAPS, NAMESPACE)).resource_version
    watching = asyncio.ensure_future(events(client, 1, start))
    await asyncio.sleep(0)
    await client.create(CONFIG_MAPS, config_map("a"))
    assert [event.type for event in await watching] == ["ADDED"]


async def test_finalizers_hold_a_deletion_back(client: Client):
    await client.create(CONFIG_MAPS, config_map("a", finalizers=["example.com/x"]))
    deleting = await client.delete(CONFIG_MAPS, "a", NAMESPACE)
    assert deleting["metadata"]["deletionTimestamp"]
    deleting["metadata"]["finalizers"] = []
    await client.update(CONFIG_MAPS, deleting)
    with pytest.raises(errors.NotFound):
        await client.get(CONFIG_MAPS, "a", NAMESPACE)


async def test_preconditions_are_kept(client: Client):
    await client.create(CONFIG_MAPS, config_map("a"))
    with pytest.raises(errors.Conflict, match=r"the UID in the precondition \(other\) does not match"):
        await client.delete(CONFIG_MAPS, "a", NAMESPACE, uid="other")


async def test_a_bound_pod_is_deleted_gracefully(client: Client):
    await client.create(PODS, pod("a"))
    with suppress(errors.AlreadyExists):
        await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "a", "namespace": NAMESPACE},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "n"},
    }
    await client.post(PODS, "a", "binding", binding, namespace=NAMESPACE)
    with pytest.raises(errors.Conflict, match='pod a is already assigned to node "n"'):
        await client.post(PODS, "a", "binding", binding, namespace=NAMESPACE)
    deleting = await client.delete(PODS, "a", NAMESPACE)
    assert deleting["spec"]["nodeName"] == "n"
    assert deleting["metadata"]["deletionGracePeriodSeconds"] == 5
    await client.delete(PODS, "a", NAMESPACE, grace_period_seconds=0)
    with pytest.raises(errors.NotFound):
        await client.get(PODS, "a", NAMESPACE)


async def test_an_unbound_pod_is_deleted_at_once(client: Client):
    await client.create(PODS, pod("a"))
    await client.delete(PODS, "a", NAMESPACE)
    with pytest.raises(errors.NotFound):
        await client.get(PODS, "a", NAMESPACE)
