from __future__ import annotations

from typing import Any

import pytest

from controllers.storage_protection import CLAIM_FINALIZER, VOLUME_FINALIZER, claims_of, is_used, sync
from minikube_py.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def claim(*finalizers: str, **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c", "namespace": "default", "finalizers": list(finalizers), **meta}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "default"}, "spec": spec}


USES = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}


@pytest.mark.parametrize(
    ("obj", "in_use", "left"),
    [
        pytest.param(claim("other"), False, ["other", CLAIM_FINALIZER], id="one that lives is protected"),
        pytest.param(claim(CLAIM_FINALIZER), False, None, id="one that is protected is left"),
        pytest.param(claim(CLAIM_FINALIZER, **DELETED), True, None, id="one in use is kept"),
        pytest.param(claim(CLAIM_FINALIZER, "other", **DELETED), False, ["other"], id="one that is free may go"),
        pytest.param(claim("other", **DELETED), False, None, id="one that goes is not protected any more"),
    ],
)
def test_the_finalizer(obj: dict[str, Any], in_use: bool, left: list[str] | None) -> None:
    plan = sync(PERSISTENT_VOLUME_CLAIMS, obj, CLAIM_FINALIZER, in_use=in_use)
    assert [update.obj["metadata"]["finalizers"] for update in plan] == ([] if left is None else [left])


def test_claims_of_a_pod() -> None:
    volumes = [*USES["volumes"], {"name": "own", "ephemeral": {}}, {"name": "no", "emptyDir": {}}]
    assert list(claims_of(pod(volumes=volumes))) == ["default/c", "default/p-own"]


def test_only_a_pod_that_has_a_node_uses_its_claims() -> None:
    assert is_used("default/c", [pod(**USES, nodeName="n")])
    assert not is_used("default/c", [pod(**USES), pod(nodeName="n")])


async def test_a_claim_goes_with_its_last_pod_and_a_volume_when_it_is_released(harness: Any) -> None:
    client = harness.client
    await harness.start("persistentvolumeclaim-protection-controller", "persistentvolume-protection-controller")
    client.seed(PERSISTENT_VOLUME_CLAIMS, claim())
    client.seed(PODS, pod(**USES, nodeName="n"))
    client.seed(PERSISTENT_VOLUMES, {"metadata": {"name": "v"}, "status": {"phase": "Bound"}})
    await harness.settle()
    volume = await client.get(PERSISTENT_VOLUMES, "v")
    assert volume["metadata"]["finalizers"] == [VOLUME_FINALIZER]
    await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await client.delete(PERSISTENT_VOLUMES, "v")
    await harness.settle()
    assert (await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "default"))["metadata"]["deletionTimestamp"]
    await client.delete(PODS, "p", "default", grace_period_seconds=0)
    volume = await client.get(PERSISTENT_VOLUMES, "v")
    await client.update(PERSISTENT_VOLUMES, {**volume, "status": {"phase": "Released"}}, subresource="status")
    await harness.settle()
    assert (await client.list(PERSISTENT_VOLUME_CLAIMS)).items == []
    assert (await client.list(PERSISTENT_VOLUMES)).items == []
