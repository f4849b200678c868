"""What a server puts into the store when it starts, and puts right when it starts again."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.bootstrap import bootstrap, policy
from apiserver.bootstrap.kubernetes_service import (
    LEASES,
    RENEW_SECONDS,
    advertise,
    keep_advertising,
    stop_advertising,
    with_target,
)
from apiserver.bootstrap.roles import reconciled
from minikube_py.runtime.clock import settle
from minikube_py.runtime.tasks import Tasks

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
async def test_the_namespaces_are_there(api: Any, name: str) -> None:
    found = await api.ok("GET", f"/api/v1/namespaces/{name}")
    assert found["metadata"]["labels"]["kubernetes.io/metadata.name"] == name


async def test_every_role_and_binding_is_there(api: Any) -> None:
    for plural, wanted in (
        ("clusterroles", policy.cluster_roles()),
        ("clusterrolebindings", policy.cluster_role_bindings()),
        ("roles", policy.roles()),
        ("rolebindings", policy.role_bindings()),
    ):
        found = await api.ok("GET", f"{RBAC}/{plural}")
        assert {identity(item) for item in found["items"]} == {identity(item) for item in wanted}


def identity(obj: Any) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        pytest.param("view", ("get", "pods"), ("get", "secrets"), id="view sees pods and no secrets"),
        pytest.param("edit", ("get", "secrets"), ("create", "roles"), id="edit sees secrets and makes no roles"),
        pytest.param("admin", ("create", "roles"), ("create", "nodes"), id="admin makes roles and no nodes"),
    ],
)
def test_roles_that_gather_others_have_their_rules_from_the_start(
    name: str, has: tuple[str, str], lacks: tuple[str, str]
) -> None:
    [role] = [role for role in policy.cluster_roles() if role["metadata"]["name"] == name]
    held = {(verb, plural) for rule in role["rules"] for verb in rule["verbs"] for plural in rule["resources"]}
    assert has in held
    assert lacks not in held


async def test_the_service_leads_to_this_server(api: Any) -> None:
    service = await api.ok("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["spec"]["ports"][0]["targetPort"] == 6443
    endpoints = await api.ok("GET", "/api/v1/namespaces/default/endpoints/kubernetes")
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "10.0.0.1"}]
    assert (await api.ok("GET", SLICE))["endpoints"][0]["addresses"] == ["10.0.0.1"]


async def test_starting_again_changes_nothing(api: Any) -> None:
    before = await api.ok("GET", f"{RBAC}/clusterroles")
    service = await api.ok("GET", "/api/v1/namespaces/default/services/kubernetes")
    await bootstrap(api.core)
    assert (await api.ok("GET", f"{RBAC}/clusterroles"))["items"] == before["items"]
    assert await api.ok("GET", "/api/v1/namespaces/default/services/kubernetes") == service


async def test_what_somebody_deletes_is_made_again(api: Any) -> None:
    tasks = Tasks()
    tasks.start("advertise", keep_advertising(api.core))
    await settle()
    service, namespace = "/api/v1/namespaces/default/services/kubernetes", "/api/v1/namespaces/kube-node-lease"
    await api.ok("DELETE", service)
    await api.ok("DELETE", namespace)
    gone = {"metadata": {"name": "kube-node-lease"}, "spec": {"finalizers": []}}
    await api.ok("PUT", f"{namespace}/finalize", gone)
    assert (await api("GET", namespace)).status == 404
    await api.core.clock.run(RENEW_SECONDS + 1)
    await settle(100)
    assert (await api.ok("GET", service))["spec"]["clusterIP"] == "10.96.0.1"
    assert (await api.ok("GET", namespace))["status"]["phase"] == "Active"
    await tasks.cancel_all()


async def test_a_rule_taken_away_comes_back_and_one_added_stays(api: Any) -> None:
    path = f"{RBAC}/clusterroles/system:node"
    added = {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["things"]}
    role = await api.ok("GET", path)
    await api.ok("PUT", path, {**role, "rules": [added]})
    await bootstrap(api.core)
    rules = (await api.ok("GET", path))["rules"]
    assert rules[0] == added
    assert len(rules) == 1 + len(policy.CLUSTER_ROLES["system:node"])


def test_a_role_that_opted_out_is_left_alone() -> None:
    [wanted] = [role for role in policy.cluster_roles() if role["metadata"]["name"] == "system:node"]
    annotations = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    old = {**wanted, "metadata": {"name": "view", "annotations": annotations}, "rules": []}
    assert reconciled(old, wanted, "rules") == old


async def test_other_servers_come_and_go_behind_the_service(api: Any) -> None:
    core = api.core
    await core.store.create(f"{LEASES}10.0.0.2", b"{}")
    await advertise(core)
    assert [e["addresses"] for e in (await api.ok("GET", SLICE))["endpoints"]] == [["10.0.0.1"], ["10.0.0.2"]]
    other = await core.store.get(f"{LEASES}10.0.0.2")
    await core.store.delete(other.key, expected_revision=other.revision)
    await advertise(core)
    assert [e["addresses"] for e in (await api.ok("GET", SLICE))["endpoints"]] == [["10.0.0.1"]]
    await stop_advertising(core)
    assert await core.store.get(f"{LEASES}10.0.0.1") is None


def test_the_service_follows_the_servers_port() -> None:
    old = {"spec": {"ports": [{"port": 443, "targetPort": 1}]}}
    assert with_target(old, 2)["spec"]["ports"] == [{"port": 443, "targetPort": 2}]
