from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies.defaults.cluster import default_namespace, default_node
from apiserver.strategies.defaults.endpoints import default_endpoint_slice, default_endpoints
from apiserver.strategies.defaults.events import default_event
from apiserver.strategies.defaults.rbac import default_binding
from apiserver.strategies.defaults.services import default as default_service
from apiserver.strategies.defaults.workloads import default_deployment, default_replica_set

PORT = {"port": 80}
FULL_PORT = {"port": 80, "protocol": "TCP", "targetPort": 80}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"ports": [PORT]},
            {
                "type": "ClusterIP",
                "sessionAffinity": "None",
                "ports": [FULL_PORT],
                "internalTrafficPolicy": "Cluster",
            },
            id="the plainest",
        ),
        pytest.param(
            {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": "http", "protocol": "UDP"}]},
            {
                "type": "LoadBalancer",
                "sessionAffinity": "None",
                "ports": [{"port": 80, "targetPort": "http", "protocol": "UDP"}],
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
                "allocateLoadBalancerNodePorts": True,
            },
            id="load balancer",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "a.b"},
            {"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "None"},
            id="external name",
        ),
        pytest.param(
            {"type": "NodePort", "sessionAffinity": "ClientIP"},
            {
                "type": "NodePort",
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
            },
            id="client affinity",
        ),
    ],
)
def test_service(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    assert default_service({"spec": spec})["spec"] == expected


def test_an_ingress_address_has_a_mode() -> None:
    service = default_service({"spec": {}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
    assert service["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]


def test_deployment() -> None:
    spec = default_deployment({"spec": {"template": {"spec": {"containers": []}}}})["spec"]
    assert {key: value for key, value in spec.items() if key != "template"} == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"


def test_a_recreated_deployment_has_no_rolling_update_and_zero_replicas_stay() -> None:
    spec = default_deployment({"spec": {"replicas": 0, "strategy": {"type": "Recreate"}}})["spec"]
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["replicas"] == 0


def test_half_a_rolling_update_is_completed() -> None:
    spec = default_deployment({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0}}}})["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": "25%"}


def test_replica_set() -> None:
    spec = default_replica_set({"spec": {}})["spec"]
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["restartPolicy"] == "Always"


def test_namespace_carries_its_name() -> None:
    namespace = default_namespace({"metadata": {"name": "a", "labels": {"x": "y"}}})
    assert namespace["metadata"]["labels"] == {"x": "y", "kubernetes.io/metadata.name": "a"}


def test_node() -> None:
    node = default_node({"spec": {"podCIDR": "10.244.0.0/24"}, "status": {"capacity": {"cpu": "2"}}})
    assert node["spec"]["podCIDRs"] == ["10.244.0.0/24"]
    assert node["status"]["allocatable"] == {"cpu": "2"}


def test_a_changed_pod_cidr_wins_over_the_list() -> None:
    spec = default_node({"spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.0.0/24"]}})["spec"]
    assert spec["podCIDRs"] == ["10.244.1.0/24"]


def test_event() -> None:
    assert default_event({"reason": "x"}) == {
        "reason": "x",
        "source": {},
        "reportingComponent": "",
        "reportingInstance": "",
    }


def test_endpoints_and_slices() -> None:
    assert default_endpoints({"subsets": [{"ports": [{"port": 1}]}]})["subsets"][0]["ports"] == [
        {"port": 1, "protocol": "TCP"}
    ]
    assert default_endpoint_slice({"ports": [{"port": 1}]})["ports"] == [{"port": 1, "protocol": "TCP", "name": ""}]


def test_binding_subjects() -> None:
    binding = default_binding(
        {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User"}, {"kind": "ServiceAccount"}]}
    )
    assert binding["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert [subject.get("apiGroup") for subject in binding["subjects"]] == ["rbac.authorization.k8s.io", None]
