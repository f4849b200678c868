from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.table import columns, conditions, row
from minikube_py.api import resources
from minikube_py.api.resources import BUILT_IN, Resource
from minikube_py.api.schema import Schemas

NOW = datetime(2026, 11, 21, 1, 7, 30, tzinfo=UTC)
META = {"name": "x", "creationTimestamp": "2026-11-21T01:07:24Z"}

CASES: list[tuple[str, Resource, dict[str, Any], list[Any]]] = [
    (
        "cluster IP service",
        resources.SERVICES,
        {
            "spec": {
                "type": "ClusterIP",
                "clusterIPs": ["10.96.0.7"],
                "ports": [{"port": 80, "protocol": "TCP"}],
                "selector": {"app": "x"},
            }
        },
        ["x", "ClusterIP", "10.96.0.7", "<none>", "80/TCP", "6s", "app=x"],
    ),
    (
        "load balancer without an address yet",
        resources.SERVICES,
        {
            "spec": {
                "type": "LoadBalancer",
                "clusterIPs": ["10.96.0.7"],
                "ports": [{"port": 8080, "nodePort": 30080, "protocol": "TCP"}],
            }
        },
        ["x", "LoadBalancer", "10.96.0.7", "<pending>", "8080:30080/TCP", "6s", "<none>"],
    ),
    (
        "load balancer with an address",
        resources.SERVICES,
        {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
        ["x", "LoadBalancer", "<none>", "192.0.2.1", "<none>", "6s", "<none>"],
    ),
    (
        "external name",
        resources.SERVICES,
        {"spec": {"type": "ExternalName", "externalName": "a.example"}},
        ["x", "ExternalName", "<none>", "a.example", "<none>", "6s", "<none>"],
    ),
    (
        "deployment",
        resources.DEPLOYMENTS,
        {
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "x"}},
                "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}},
            },
            "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2},
        },
        ["x", "2/3", 3, 2, "6s", "c", "i:1", "app=x"],
    ),
    (
        "replica set",
        resources.REPLICA_SETS,
        {"spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}}}, "status": {"replicas": 3}},
        ["x", 3, 3, 0, "6s", "", "", "app=x"],
    ),
    (
        "node",
        resources.NODES,
        {
            "metadata": META | {"labels": {"node-role.kubernetes.io/control-plane": ""}},
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
                "nodeInfo": {"kubeletVersion": "v1.32.0"},
            },
        },
        [
            "x",
            "Ready,SchedulingDisabled",
            "control-plane",
            "6s",
            "v1.32.0",
            "192.0.2.1",
            "<none>",
            "<unknown>",
            "<unknown>",
            "<unknown>",
        ],
    ),
    ("namespace", resources.NAMESPACES, {"status": {"phase": "Active"}}, ["x", "Active", "6s"]),
    ("lease", resources.LEASES, {"spec": {"holderIdentity": "me"}}, ["x", "me", "6s"]),
    ("config map", resources.CONFIG_MAPS, {"data": {"a": "1"}, "binaryData": {"b": "eA=="}}, ["x", 2, "6s"]),
    ("secret", resources.SECRETS, {"type": "Opaque", "data": {"a": "eA=="}}, ["x", "Opaque", 1, "6s"]),
    ("service account", resources.SERVICE_ACCOUNTS, {}, ["x", 0, "6s"]),
    ("role", resources.ROLES, {}, ["x", "2026-11-21T01:07:24Z"]),
    (
        "role binding",
        resources.ROLE_BINDINGS,
        {
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [
                {"kind": "User", "name": "u"},
                {"kind": "Group", "name": "g"},
                {"kind": "ServiceAccount", "namespace": "n", "name": "s"},
            ],
        },
        ["x", "ClusterRole/view", "6s", "u", "g", "n/s"],
    ),
    (
        "endpoints with many addresses",
        resources.ENDPOINTS,
        {"subsets": [{"addresses": [{"ip": f"10.0.0.{i}"} for i in range(1, 6)], "ports": [{"port": 80}]}]},
        ["x", "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...", "6s"],
    ),
    ("endpoints without any", resources.ENDPOINTS, {}, ["x", "<none>", "6s"]),
    (
        "endpoint slice",
        resources.ENDPOINT_SLICES,
        {"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]},
        ["x", "IPv4", "80", "10.0.0.1", "6s"],
    ),
    (
        "empty endpoint slice",
        resources.ENDPOINT_SLICES,
        {"addressType": "IPv4"},
        ["x", "IPv4", "<unset>", "<unset>", "6s"],
    ),
    (
        "event",
        resources.EVENTS,
        {
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"},
            "type": "Normal",
            "reason": "Pulled",
            "message": "done ",
            "source": {"component": "kubelet", "host": "n"},
            "firstTimestamp": "2026-11-21T01:06:30Z",
            "lastTimestamp": "2026-11-21T01:07:29Z",
            "count": 3,
        },
        ["1s", "Normal", "Pulled", "pod/p", "spec.containers{c}", "kubelet, n", "done", "60s", 3, "x"],
    ),
]


@pytest.mark.parametrize(("resource", "obj", "cells"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_row(resource: Resource, obj: dict[str, Any], cells: list[Any]) -> None:
    assert row(resource, {"metadata": META} | obj, NOW) == cells


@pytest.mark.parametrize("resource", BUILT_IN.rows, ids=lambda resource: resource.kind)
def test_every_row_of_an_empty_object_has_as_many_cells_as_columns(resource: Resource) -> None:
    assert len(row(resource, {"metadata": {"name": "x"}}, NOW)) == len(columns(resource))


def test_columns_have_upstreams_shape_and_the_schemas_words() -> None:
    first, *_, wide = columns(resources.PODS, lambda definition, field: f"{definition}/{field}")
    assert first == {
        "name": "Name",
        "type": "string",
        "format": "name",
        "description": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta/name",
        "priority": 0,
    }
    assert wide["priority"] == 1


def test_only_pods_have_row_conditions() -> None:
    assert conditions(resources.SERVICES, {"status": {"phase": "Failed"}}) == []
    assert conditions(resources.PODS, {"status": {"phase": "Failed"}}) != []


def test_every_column_is_described() -> None:
    schemas = Schemas()

    def describe(definition: str, field: str) -> str:
        return str(schemas.definition(definition)["properties"][field]["description"])

    for resource in BUILT_IN.rows:
        assert all(column["description"] for column in columns(resource, describe))
