from __future__ import annotations

from typing import Any

import pytest

from apiserver.fields import selectable, unknown_label
from minikube_py.api import resources
from minikube_py.api.resources import BUILT_IN, Resource


@pytest.mark.parametrize(
    ("resource", "obj", "label", "value"),
    [
        (resources.PODS, {"spec": {"nodeName": "n"}}, "spec.nodeName", "n"),
        (resources.PODS, {"spec": {"nodeName": "n"}}, "spec.host", "n"),
        (resources.PODS, {"spec": {"hostNetwork": True}}, "spec.hostNetwork", "true"),
        (resources.NODES, {}, "spec.unschedulable", "false"),
        (resources.JOBS, {"status": {"succeeded": 3}}, "status.successful", "3"),
        (resources.REPLICATION_CONTROLLERS, {"status": {"replicas": 2}}, "status.replicas", "2"),
        (resources.CERTIFICATE_SIGNING_REQUESTS, {"spec": {"signerName": "s/t"}}, "spec.signerName", "s/t"),
        (resources.EVENTS_V1, {"involvedObject": {"uid": "u"}}, "regarding.uid", "u"),
        (resources.RESOURCE_SLICES, {"spec": {"driver": "d"}}, "spec.driver", "d"),
        (resources.SECRETS, {"type": "Opaque"}, "type", "Opaque"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind if isinstance(value, Resource) else None,
)
def test_a_label_leads_to_a_field(resource: Resource, obj: dict[str, Any], label: str, value: str) -> None:
    fields = selectable(resource)
    path = fields.path(label)
    assert path is not None
    assert fields.values(obj)[path] == value


@pytest.mark.parametrize("row", BUILT_IN.rows, ids=lambda row: f"{row.qualified} {row.version}")
def test_every_field_of_an_empty_object_has_a_value(row: Resource) -> None:
    fields = selectable(row)
    values = fields.values({})
    assert all(isinstance(value, str) for value in values.values())
    assert set(fields.labels.values()) <= set(values)


def test_an_unknown_label_is_told_as_upstream() -> None:
    assert unknown_label(resources.PODS, "spec.x") == "field label not supported: spec.x"
    expected = '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'
    assert unknown_label(resources.DEPLOYMENTS, "spec.x") == expected
