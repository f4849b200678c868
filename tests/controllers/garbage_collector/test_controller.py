from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.resources import CONFIG_MAPS, DEPLOYMENTS, PODS, REPLICA_SETS


def owned_by(*owners: dict[str, Any], blocks: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": blocks,
        }
        for owner in owners
    ]


class Family:
    """deployment ← replica set ← pod, and a config map that several may own."""

    def __init__(self, harness: Any) -> None:
        self.harness = harness
        client = harness.client
        (self.deployment,) = client.seed(DEPLOYMENTS, self.named("deployment"))
        (self.replica_set,) = client.seed(REPLICA_SETS, self.named("rs", owned_by(self.deployment)))
        (self.pod,) = client.seed(PODS, self.named("pod", owned_by(self.replica_set)))

    @staticmethod
    def named(name: str, owners: list[dict[str, Any]] | None = None, **metadata: Any) -> dict[str, Any]:
        return {"metadata": {"name": name, "namespace": "default", "ownerReferences": owners or [], **metadata}}

    def left(self) -> set[str]:
        client = self.harness.client
        kinds = (DEPLOYMENTS, REPLICA_SETS, PODS, CONFIG_MAPS)
        return {obj["metadata"]["name"] for kind in kinds for obj in client.objects(kind)}


@pytest.fixture
async def family(harness):
    family = Family(harness)
    await harness.start("garbage-collector-controller")
    assert family.left() == {"deployment", "rs", "pod"}
    assert harness.client.writes() == []
    return family


async def test_background_deletion_takes_the_dependents_afterwards(family):
    await family.harness.client.delete(DEPLOYMENTS, "deployment", "default", propagation_policy="Background")
    await family.harness.settle()
    assert family.left() == set()


async def test_foreground_deletion_takes_the_dependents_first(family):
    client = family.harness.client
    order = []
    client.react("delete", None, lambda action: order.append(action.name))
    family.harness.client.seed(PODS, {**client.object(PODS, "pod", "default"), "spec": {"nodeName": "node-1"}})
    await client.delete(DEPLOYMENTS, "deployment", "default", propagation_policy="Foreground")
    await family.harness.settle()
    assert family.left() == {"deployment", "rs", "pod"}
    client.remove(PODS, "pod", "default")
    await family.harness.settle()
    assert family.left() == set()
    assert order == ["deployment", "rs", "pod"]


async def test_orphaning_deletion_leaves_the_dependents(family):
    await family.harness.client.delete(DEPLOYMENTS, "deployment", "default", propagation_policy="Orphan")
    await family.harness.settle()
    assert family.left() == {"rs", "pod"}
    replica_set = family.harness.client.object(REPLICA_SETS, "rs", "default")
    assert not replica_set["metadata"].get("ownerReferences")


async def test_one_owner_of_two_keeps_the_dependent_and_loses_the_reference(family):
    client = family.harness.client
    (other,) = client.seed(DEPLOYMENTS, family.named("other"))
    client.seed(CONFIG_MAPS, family.named("shared", owned_by(family.deployment, other)))
    await family.harness.settle()
    await client.delete(DEPLOYMENTS, "other", "default")
    await family.harness.settle()
    shared = client.object(CONFIG_MAPS, "shared", "default")
    assert [owner["name"] for owner in shared["metadata"]["ownerReferences"]] == ["deployment"]


async def test_an_owner_of_the_same_name_but_another_uid_is_no_owner(family):
    gone = {**family.deployment, "metadata": {**family.deployment["metadata"], "uid": "of-one-before"}}
    family.harness.client.seed(CONFIG_MAPS, family.named("leftover", owned_by(gone)))
    await family.harness.settle()
    assert "leftover" not in family.left()


async def test_an_owner_in_another_namespace_is_no_owner(family):
    config_map = family.named("astray", owned_by(family.deployment))
    config_map["metadata"]["namespace"] = "elsewhere"
    family.harness.client.seed(CONFIG_MAPS, config_map)
    await family.harness.settle()
    assert "astray" not in family.left()


async def test_an_owner_of_an_unknown_kind_keeps_its_dependents(family):
    stranger = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "uid": "w"}}
    family.harness.client.seed(CONFIG_MAPS, family.named("of-widget", owned_by(stranger)))
    await family.harness.settle()
    assert "of-widget" in family.left()


async def test_a_dependent_that_does_not_block_is_not_waited_for(family):
    client = family.harness.client
    held = family.named("held", owned_by(family.deployment, blocks=False), finalizers=["example.com/keep"])
    client.seed(CONFIG_MAPS, held)
    await family.harness.settle()
    await client.delete(DEPLOYMENTS, "deployment", "default", propagation_policy="Foreground")
    await family.harness.settle()
    assert family.left() == {"held"}
    assert client.object(CONFIG_MAPS, "held", "default")["metadata"]["deletionTimestamp"]


async def test_dangling_dependents_are_found_at_the_start(harness):
    family = Family(harness)
    harness.client.remove(DEPLOYMENTS, "deployment", "default")
    await harness.start("garbage-collector-controller")
    assert family.left() == set()


async def test_a_gone_owner_is_asked_for_once(harness):
    client = harness.client
    family = Family(harness)
    for number in range(5):
        client.seed(PODS, family.named(f"pod-{number}", owned_by(family.replica_set)))
    client.remove(REPLICA_SETS, "rs", "default")
    await harness.start("garbage-collector-controller", concurrent_syncs=1)
    asked = [a for a in client.actions if (a.verb, a.resource) == ("get", REPLICA_SETS)]
    assert len(asked) == 1
    assert family.left() == {"deployment"}
