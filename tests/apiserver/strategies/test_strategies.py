from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from apiserver.strategies import StrategyContext, strategy_for
from minikube_py.api import resources
from minikube_py.api.resources import BUILT_IN, Resource

CTX = StrategyContext(datetime(2026, 11, 21, tzinfo=UTC), Random(1))
META = {"name": "x", "namespace": "d"}
CONTAINERS = [{"name": "c", "image": "i:1"}]


def created(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    strategy = strategy_for(resource)
    return strategy.prepare_for_create(strategy.default({"metadata": dict(META), **obj}), CTX)


def updated(resource: Resource, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    strategy = strategy_for(resource)
    return strategy.prepare_for_update(strategy.default(new), old, CTX)


@pytest.mark.parametrize("resource", [row for row in BUILT_IN.rows if row.persisted], ids=lambda row: row.kind)
def test_every_stored_kind_has_a_strategy_that_validates(resource: Resource) -> None:
    strategy = strategy_for(resource)
    assert strategy is strategy_for(resource)
    errors = strategy.validate(strategy.prepare_for_create(strategy.default({"metadata": {"name": "-"}}), CTX))
    any_name = ("rbac.authorization.k8s.io", "certificates.k8s.io")
    assert any(error.field.startswith("metadata.") for error in errors) or resource.group in any_name


def test_a_pod_starts_pending_whatever_the_client_says() -> None:
    pod = created(resources.PODS, {"spec": {"containers": CONTAINERS}, "status": {"phase": "Running"}})
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_gated_pod_says_so() -> None:
    pod = created(resources.PODS, {"spec": {"containers": CONTAINERS, "schedulingGates": [{"name": "a/b"}]}})
    assert pod["status"]["conditions"][0]["reason"] == "SchedulingGated"


def test_pod_spec_and_status_are_kept_apart() -> None:
    old = created(resources.PODS, {"spec": {"containers": CONTAINERS}})
    new = updated(resources.PODS, {**old, "status": {"phase": "Failed"}}, old)
    assert new["status"] == old["status"]
    strategy = strategy_for(resources.PODS)
    sent = {"metadata": {**META, "ownerReferences": [{}]}, "spec": {}, "status": {"phase": "Running"}}
    status = strategy.prepare_status_update(sent, old, CTX)
    assert status["spec"] == old["spec"]
    assert status["status"] == {"phase": "Running", "qosClass": "BestEffort"}
    assert "ownerReferences" not in status["metadata"]


@pytest.mark.parametrize(
    ("pod", "requested", "expected"),
    [
        pytest.param({"spec": {"terminationGracePeriodSeconds": 30}}, None, 0, id="not scheduled"),
        pytest.param({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, None, 30, id="its own"),
        pytest.param({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 5, 5, id="as asked"),
        pytest.param({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}}, 0, 0, id="forced"),
        pytest.param({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": -1}}, None, 1, id="negative"),
        pytest.param({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}, 30, 0, id="finished"),
    ],
)
def test_pod_grace_period(pod: dict[str, Any], requested: int | None, expected: int) -> None:
    assert strategy_for(resources.PODS).deletion_grace_period(pod, requested) == expected


def test_a_hidden_variable_is_warned_about() -> None:
    pod = {"spec": {"containers": [{"env": [{"name": "A"}, {"name": "A"}]}]}}
    (warning,) = strategy_for(resources.PODS).warnings(pod)
    assert warning.startswith('spec.containers[0].env[1]: hides previous definition of "A"')


DEPLOYMENT = {
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}},
    }
}


def test_deployment_generation_counts_spec_and_annotations() -> None:
    old = created(resources.DEPLOYMENTS, DEPLOYMENT)
    assert old["metadata"]["generation"] == 1
    assert old["status"] == {}
    same = updated(resources.DEPLOYMENTS, old, old)
    assert same["metadata"]["generation"] == 1
    labelled = updated(resources.DEPLOYMENTS, {**old, "metadata": {**old["metadata"], "labels": {"x": "y"}}}, old)
    assert labelled["metadata"]["generation"] == 1
    annotated = {**old, "metadata": {**old["metadata"], "annotations": {"x": "y"}}}
    assert updated(resources.DEPLOYMENTS, annotated, old)["metadata"]["generation"] == 2
    scaled = {**old, "spec": {**old["spec"], "replicas": 3}}
    assert updated(resources.DEPLOYMENTS, scaled, old)["metadata"]["generation"] == 2


def test_a_secret_takes_string_data() -> None:
    secret = created(resources.SECRETS, {"data": {"a": "eA=="}, "stringData": {"b": "y"}})
    assert secret["data"] == {"a": "eA==", "b": "eQ=="}
    assert "stringData" not in secret
    assert secret["type"] == "Opaque"


def test_a_namespace_is_held_by_its_finalizer_until_finalized() -> None:
    strategy = strategy_for(resources.NAMESPACES)
    old = strategy.prepare_for_create(strategy.default({"metadata": {"name": "x"}}), CTX)
    assert old["spec"] == {"finalizers": ["kubernetes"]}
    assert old["status"] == {"phase": "Active"}
    assert strategy.prepare_for_update({**old, "spec": {}}, old, CTX)["spec"] == {"finalizers": ["kubernetes"]}
    assert strategy.blocks_removal(old)
    assert not strategy.blocks_removal({**old, "spec": {}})
    assert strategy.begin_deletion(old)["status"]["phase"] == "Terminating"


def test_a_node_registers_with_its_status() -> None:
    strategy = strategy_for(resources.NODES)
    node = strategy.prepare_for_create(strategy.default({"metadata": {"name": "n"}, "status": {"x": 1}}), CTX)
    assert node["status"] == {"x": 1}
    assert node["spec"] == {}


SERVICE_SPEC = {"ports": [{"port": 80}], "selector": {"a": "b"}}


def test_a_service_gets_families_and_an_empty_status() -> None:
    service = created(resources.SERVICES, {"spec": SERVICE_SPEC})
    assert service["spec"]["ipFamilies"] == ["IPv4"]
    assert service["spec"]["ipFamilyPolicy"] == "SingleStack"
    assert service["status"] == {"loadBalancer": {}}


def test_a_headless_service_without_selector_has_both_families() -> None:
    spec = created(resources.SERVICES, {"spec": {"clusterIP": "None"}})["spec"]
    assert spec["clusterIPs"] == ["None"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")


def allocated(service_type: str) -> dict[str, Any]:
    service = created(resources.SERVICES, {"spec": SERVICE_SPEC | {"type": service_type}})
    service["spec"] |= {"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"]}
    if service_type != "ClusterIP":
        service["spec"]["ports"] = [{**service["spec"]["ports"][0], "nodePort": 30080}]
    return service


def test_a_service_keeps_its_addresses_when_an_update_names_none() -> None:
    old = allocated("NodePort")
    new = updated(resources.SERVICES, {"metadata": META, "spec": SERVICE_SPEC | {"type": "NodePort"}}, old)
    assert new["spec"]["clusterIP"] == "10.96.0.7"
    assert new["spec"]["clusterIPs"] == ["10.96.0.7"]
    assert new["spec"]["ports"][0]["nodePort"] == 30080


def test_a_service_loses_what_its_new_type_has_not() -> None:
    old = allocated("LoadBalancer")
    new = updated(resources.SERVICES, {**old, "spec": {**old["spec"], "type": "ClusterIP"}}, old)
    assert "nodePort" not in new["spec"]["ports"][0]
    assert "allocateLoadBalancerNodePorts" not in new["spec"]
    assert "externalTrafficPolicy" not in new["spec"]
    assert strategy_for(resources.SERVICES).validate_update(new, old) == []
    external = {**old, "spec": {**old["spec"], "type": "ExternalName", "externalName": "a.b"}}
    new = updated(resources.SERVICES, external, old)
    assert not {"clusterIP", "clusterIPs", "ipFamilies"} & new["spec"].keys()
    assert strategy_for(resources.SERVICES).validate_update(new, old) == []


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        pytest.param(
            resources.PODS,
            {"spec": {"nodeName": "n", "hostNetwork": True}, "status": {"phase": "Running"}},
            {"spec.nodeName": "n", "spec.hostNetwork": "true", "status.phase": "Running", "status.podIP": ""},
            id="pod",
        ),
        pytest.param(
            resources.EVENTS,
            {"involvedObject": {"name": "p"}, "type": "Normal", "source": {"component": "kubelet"}},
            {"involvedObject.name": "p", "involvedObject.uid": "", "type": "Normal", "source": "kubelet"},
            id="event",
        ),
        pytest.param(resources.SECRETS, {"type": "Opaque"}, {"type": "Opaque"}, id="secret"),
        pytest.param(
            resources.SERVICES,
            {"spec": {"type": "ClusterIP"}},
            {"spec.type": "ClusterIP", "spec.clusterIP": ""},
            id="svc",
        ),
        pytest.param(resources.NODES, {}, {"spec.unschedulable": "false"}, id="node"),
        pytest.param(resources.NAMESPACES, {"status": {"phase": "Active"}}, {"status.phase": "Active"}, id="namespace"),
        pytest.param(resources.REPLICA_SETS, {"status": {"replicas": 2}}, {"status.replicas": "2"}, id="replica set"),
    ],
)
def test_selectable_fields(resource: Resource, obj: dict[str, Any], expected: dict[str, str]) -> None:
    assert expected.items() <= strategy_for(resource).fields(obj).items()


def test_kinds_that_a_put_creates_and_events_that_expire() -> None:
    creating = {row.kind for row in BUILT_IN.rows if row.persisted and strategy_for(row).allow_create_on_update}
    assert creating == {
        "Endpoints",
        "Event",
        "Lease",
        "LimitRange",
        "Service",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
    }
    assert strategy_for(resources.EVENTS).ttl_seconds == 3600
    assert not strategy_for(resources.LEASES).allow_unconditional_update
