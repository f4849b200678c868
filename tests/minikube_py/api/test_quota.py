from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from minikube_py.api.quota import claim_usage, evaluator_for, pod_usage, service_usage, usage_of
from minikube_py.api.quota_amounts import parse, written
from minikube_py.api.quota_charge import Quota, QuotaRefused, QuotaStatusUnknown, charges

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PODS = evaluator_for("", "pods")


def pod(requests: Any = None, limits: Any = None, **fields: Any) -> Any:
    container = {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}}
    return {"spec": {"containers": [container], **fields.pop("spec", {})}, **fields}


@pytest.mark.parametrize(
    ("obj", "used"),
    [
        pytest.param(pod(), {"count/pods": "1", "pods": "1"}, id="a pod without resources"),
        pytest.param(
            pod({"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Mi"}, {"cpu": "2"}),
            {
                "count/pods": "1",
                "pods": "1",
                "cpu": "1",
                "requests.cpu": "1",
                "limits.cpu": "2",
                "memory": "1Gi",
                "requests.memory": "1Gi",
                "ephemeral-storage": "1Mi",
                "requests.ephemeral-storage": "1Mi",
            },
            id="compute resources",
        ),
        pytest.param(
            pod({"example.com/gpu": "2", "hugepages-2Mi": "4Mi"}),
            {
                "count/pods": "1",
                "pods": "1",
                "requests.example.com/gpu": "2",
                "hugepages-2Mi": "4Mi",
                "requests.hugepages-2Mi": "4Mi",
            },
            id="extended resources and huge pages",
        ),
        pytest.param(pod({"cpu": "1"}, status={"phase": "Failed"}), {"count/pods": "1"}, id="a pod that has ended"),
        pytest.param(
            pod(metadata={"deletionTimestamp": "2025-12-31T23:59:00Z", "deletionGracePeriodSeconds": 30}),
            {"count/pods": "1"},
            id="a pod that ought to be gone",
        ),
        pytest.param(
            pod(metadata={"deletionTimestamp": "2025-12-31T23:59:59Z", "deletionGracePeriodSeconds": 30}),
            {"count/pods": "1", "pods": "1"},
            id="a pod that is going",
        ),
    ],
)
def test_what_a_pod_uses(obj: Any, used: dict[str, str]) -> None:
    assert written(pod_usage(obj, NOW)) == dict(sorted(used.items()))


@pytest.mark.parametrize(
    ("spec", "balancers", "ports"),
    [
        ({"ports": [{}, {}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{}, {}]}, "0", "2"),
        ({"type": "LoadBalancer", "ports": [{}, {}]}, "1", "2"),
        (
            {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"nodePort": 30000}, {}]},
            "1",
            "1",
        ),
    ],
)
def test_what_a_service_uses(spec: Any, balancers: str, ports: str) -> None:
    used = written(service_usage({"spec": spec}, NOW))
    assert (used["services.loadbalancers"], used["services.nodeports"]) == (balancers, ports)
    assert used["services"] == used["count/services"] == "1"


def test_what_a_claim_uses() -> None:
    claim = {"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1500m"}}}}
    assert written(claim_usage(claim, NOW)) == {
        "count/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/requests.storage": "2",
        "persistentvolumeclaims": "1",
        "requests.storage": "2",
    }


@pytest.mark.parametrize(
    ("group", "plural", "names"),
    [
        ("apps", "deployments", ["count/deployments.apps"]),
        ("", "configmaps", ["configmaps", "count/configmaps"]),
        ("", "endpoints", ["count/endpoints"]),
        ("", "resourcequotas", ["count/resourcequotas", "resourcequotas"]),
    ],
)
def test_everything_can_be_counted(group: str, plural: str, names: list[str]) -> None:
    evaluator = evaluator_for(group, plural)
    offered = {"count/deployments.apps", "configmaps", "count/configmaps", "count/endpoints", "endpoints", "pods"}
    offered |= {"resourcequotas", "count/resourcequotas"}
    assert evaluator.tracked(offered) == names
    assert written(evaluator.usage({}, NOW)) == dict.fromkeys(names, "1")


def affinity(term: Any) -> Any:
    terms = [{"weight": 1, "podAffinityTerm": term}]
    return {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}}


@pytest.mark.parametrize(
    ("scope", "spec", "selected"),
    [
        pytest.param({"scopeName": "PriorityClass", "operator": "In", "values": ["a"]}, {}, False, id="no class is in"),
        pytest.param(
            {"scopeName": "PriorityClass", "operator": "In", "values": ["a"]}, {"priorityClassName": "a"}, True, id="in"
        ),
        pytest.param(
            {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["a"]}, {}, True, id="no class is not in"
        ),
        pytest.param({"scopeName": "PriorityClass", "operator": "DoesNotExist"}, {}, True, id="does not exist"),
        pytest.param(
            {"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"},
            affinity({"namespaceSelector": {}}),
            True,
            id="affinity across namespaces",
        ),
        pytest.param(
            {"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}, affinity({}), False, id="affinity within"
        ),
    ],
)
def test_scope_selectors(scope: Any, spec: Any, selected: bool) -> None:
    quota = {"spec": {"scopeSelector": {"matchExpressions": [scope]}}}
    assert PODS.selected(quota, pod(spec=spec)) is selected
    assert not evaluator_for("", "services").selected(quota, {})


def test_usage_is_summed_over_what_a_quota_selects() -> None:
    quota = {"spec": {"hard": {"pods": "9", "requests.cpu": "9", "count/jobs.batch": "1"}, "scopes": ["NotBestEffort"]}}
    objects = {("", "pods"): [pod({"cpu": "100m"}), pod(), pod({"cpu": "200m"})], ("batch", "jobs"): [{}]}
    assert written(usage_of(quota, objects, NOW)) == {"count/jobs.batch": "0", "pods": "2", "requests.cpu": "300m"}


def quota(hard: Any, used: Any, **spec: Any) -> Quota:
    return Quota.read(
        {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used}}
    )


def test_a_charge_is_what_quotas_track() -> None:
    known = [quota({"pods": "2", "secrets": "1"}, {"pods": "1", "secrets": "0"})]
    assert charges(known, PODS, pod({"cpu": "1"}), None, NOW) == {"q": parse({"pods": "1"})}


@pytest.mark.parametrize(
    ("known", "obj", "error", "message"),
    [
        pytest.param(
            quota({"pods": "2"}, {"pods": "2"}),
            pod(),
            QuotaRefused,
            "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
            id="one too many",
        ),
        pytest.param(
            quota({"pods": "2"}, {}),
            pod(),
            QuotaStatusUnknown,
            "status unknown for quota: q, resources: pods",
            id="unknown",
        ),
        pytest.param(
            quota({"limits.memory": "2"}, {"limits.memory": "0"}),
            pod(),
            QuotaRefused,
            "failed quota: q: must specify limits.memory for: c",
            id="nothing specified",
        ),
    ],
)
def test_what_is_refused(known: Quota, obj: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as refused:
        charges([known], PODS, obj, None, NOW)
    assert str(refused.value) == message


def test_an_update_that_uses_less_is_charged_nothing() -> None:
    services = evaluator_for("", "services")
    known = [quota({"services.nodeports": "0"}, {"services.nodeports": "5"})]
    old, new = ({"spec": {"type": "NodePort", "ports": ports}} for ports in ([{}, {}], [{}]))
    assert charges(known, services, new, old, NOW) == {}
