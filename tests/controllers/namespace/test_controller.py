from __future__ import annotations

import pytest

from minikube_py.api import errors
from minikube_py.api.resources import CONFIG_MAPS, EVENTS, NAMESPACES, PODS, SECRETS


@pytest.fixture
async def doomed(harness):
    client = harness.client
    await client.create(NAMESPACES, {"metadata": {"name": "doomed"}})
    for kind, name in ((CONFIG_MAPS, "a"), (SECRETS, "b"), (EVENTS, "c")):
        await client.create(kind, {"metadata": {"name": name, "namespace": "doomed"}})
    client.seed(CONFIG_MAPS, {"metadata": {"name": "kept", "namespace": "default"}})
    await harness.start("namespace-controller")
    return harness


def stored(harness):
    return harness.client.object(NAMESPACES, "doomed")


async def test_everything_goes_and_then_the_namespace(doomed):
    await doomed.client.delete(NAMESPACES, "doomed")
    await doomed.settle()
    assert stored(doomed) is None
    left = [obj["metadata"]["name"] for kind in (CONFIG_MAPS, SECRETS, EVENTS) for obj in doomed.client.objects(kind)]
    assert left == ["kept"]


async def test_a_pod_that_takes_its_time_is_waited_for(doomed):
    doomed.client.seed(PODS, {"metadata": {"name": "p", "namespace": "doomed"}, "spec": {"nodeName": "node-1"}})
    await doomed.client.delete(NAMESPACES, "doomed")
    await doomed.settle()
    assert doomed.condition_of(stored(doomed), "NamespaceContentRemaining") == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: pods. has 1 resource instances",
    )
    assert doomed.condition_of(stored(doomed), "NamespaceDeletionContentFailure")[:2] == ("False", "ContentDeleted")
    doomed.client.remove(PODS, "p", "doomed")
    await doomed.settle()
    assert stored(doomed) is None


async def test_finalizers_that_hold_content_are_named(doomed):
    meta = {"name": "held", "namespace": "doomed", "finalizers": ["example.com/hold"]}
    doomed.client.seed(SECRETS, {"metadata": meta})
    await doomed.client.delete(NAMESPACES, "doomed")
    await doomed.settle()
    assert doomed.condition_of(stored(doomed), "NamespaceFinalizersRemaining") == (
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    )


async def test_a_failure_is_told_and_tried_again(doomed):
    end = doomed.client.react("delete", SECRETS, refuse)
    await doomed.client.delete(NAMESPACES, "doomed")
    await doomed.settle()
    assert doomed.condition_of(stored(doomed), "NamespaceDeletionContentFailure") == (
        "True",
        "ContentDeletionFailed",
        "Failed to delete all resource types, 1 remaining: secrets is forbidden: no",
    )
    end()
    await doomed.advance(16)
    assert stored(doomed) is None


def refuse(action):
    raise errors.forbidden("", "secrets", "", "no")
