from __future__ import annotations

from typing import Any

import pytest

from apiserver.scales import scale_of, scaled
from minikube_py.api import resources
from minikube_py.api.resources import BUILT_IN, Resource

META = {"name": "x", "namespace": "default", "resourceVersion": "7", "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("resource", "selector"),
    [
        (resources.DEPLOYMENTS, {"matchLabels": {"app": "web"}}),
        (resources.STATEFUL_SETS, {"matchLabels": {"app": "web"}}),
        (resources.REPLICATION_CONTROLLERS, {"app": "web"}),
    ],
    ids=["a deployment", "a stateful set", "a replication controller's map"],
)
def test_the_scale_of_a_workload(resource: Resource, selector: dict[str, Any]) -> None:
    obj = {"metadata": META, "spec": {"replicas": 3, "selector": selector}, "status": {"replicas": 2}}
    assert scale_of(resource, obj) == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "x", "namespace": "default", "resourceVersion": "7"},
        "spec": {"replicas": 3},
        "status": {"replicas": 2, "selector": "app=web"},
    }


def test_scaling_changes_the_number_only() -> None:
    obj = {"metadata": META, "spec": {"replicas": 3, "paused": True}}
    assert scaled(resources.DEPLOYMENTS, obj, 5) == {"metadata": META, "spec": {"replicas": 5, "paused": True}}
    assert obj["spec"] == {"replicas": 3, "paused": True}


@pytest.mark.parametrize(
    "resource", [row for row in BUILT_IN.rows if row.subresource("scale")], ids=lambda row: row.qualified
)
def test_every_kind_with_a_scale_has_one(resource: Resource) -> None:
    assert scale_of(resource, {"metadata": META})["status"] == {"replicas": 0}
