"""What the fake does beyond the protocol."""

import asyncio

import pytest

from minikube_py.api import errors
from minikube_py.api.resources import CONFIG_MAPS, NAMESPACES, PODS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock, settle

CONFIG_MAP = {"metadata": {"name": "a", "namespace": "n"}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock)


async def test_seeded_objects_keep_their_status(client: FakeClient):
    client.seed(PODS, {"metadata": {"name": "p", "namespace": "n"}, "status": {"phase": "Running"}})
    assert (await client.get(PODS, "p", "n"))["status"] == {"phase": "Running"}


async def test_actions_tell_what_was_asked(client: FakeClient):
    await client.create(CONFIG_MAPS, CONFIG_MAP)
    await client.get(CONFIG_MAPS, "a", "n")
    assert [(action.verb, action.name) for action in client.writes()] == [("create", "a")]


async def test_a_request_can_be_made_to_fail_once(client: FakeClient):
    client.fail_next("create", CONFIG_MAPS, errors.InternalError("etcd"))
    with pytest.raises(errors.InternalError):
        await client.create(CONFIG_MAPS, CONFIG_MAP)
    await client.create(CONFIG_MAPS, CONFIG_MAP)


async def test_a_watch_ends_after_its_time_with_a_bookmark(client: FakeClient, clock: FakeClock):
    async def types() -> list[str]:
        return [event.type async for event in client.watch(CONFIG_MAPS, resource_version="1", timeout_seconds=60)]

    watching = asyncio.ensure_future(types())
    await settle()
    client.send_bookmarks()
    await settle()
    clock.advance(60)
    assert await watching == ["BOOKMARK", "BOOKMARK"]


async def test_a_forgotten_revision_is_expired(client: FakeClient):
    await client.create(CONFIG_MAPS, CONFIG_MAP)
    client.expire_history()
    with pytest.raises(errors.Expired, match=r"too old resource version: 1 \(2\)"):
        _ = [event async for event in client.watch(CONFIG_MAPS, resource_version="1")]


async def test_a_namespace_waits_for_its_finalizer(client: FakeClient):
    await client.create(NAMESPACES, {"metadata": {"name": "n"}})
    deleting = await client.delete(NAMESPACES, "n")
    assert deleting["status"]["phase"] == "Terminating"
    deleting["spec"]["finalizers"] = []
    await client.update(NAMESPACES, deleting, subresource="finalize")
    assert client.objects(NAMESPACES) == []


async def test_eviction_deletes_gracefully(client: FakeClient):
    client.seed(PODS, {"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "x"}})
    await client.post(PODS, "p", "eviction", {}, namespace="n")
    pod = client.object(PODS, "p", "n")
    assert pod is not None
    assert pod["metadata"]["deletionGracePeriodSeconds"] == 30


async def test_an_unknown_subresource_is_refused(client: FakeClient):
    client.seed(PODS, {"metadata": {"name": "p", "namespace": "n"}})
    with pytest.raises(errors.MethodNotAllowed, match="pods/none"):
        await client.post(PODS, "p", "none", {}, namespace="n")
