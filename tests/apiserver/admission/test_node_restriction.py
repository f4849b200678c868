"""What a kubelet may write, beyond what the Node authoriser and RBAC let it ask for."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.node_restriction import NodeRestriction
from apiserver.admission.plugin import Action, Attributes
from apiserver.context import UserInfo
from apiserver.core import Operation
from minikube_py.api.errors import ApiError
from minikube_py.api.resources import (
    CSI_NODES,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICE_ACCOUNTS,
    Resource,
)

KUBELET = UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
MIRROR = {"kubernetes.io/config.mirror": "x"}


class Kubelet:
    """Asks the plugin as the kubelet of n1, on a cluster with the nodes and pods given."""

    def __init__(self, api: Any) -> None:
        self._core = api.core

    async def refusal(
        self,
        action: Action,
        resource: Resource,
        *,
        name: str = "n1",
        namespace: str = "",
        subresource: str = "",
        new: Any = None,
        old: Any = None,
        user: UserInfo = KUBELET,
    ) -> str:
        """The cause, or the empty string where it is admitted."""
        operation = Operation(self._core, user, resource, namespace, name, subresource)
        try:
            await NodeRestriction().validate(Attributes(operation, action, new, old))
        except ApiError as error:
            return error.message.partition(" is forbidden: ")[2] or error.message
        return ""


@pytest.fixture
async def kubelet(api: Any) -> Kubelet:
    for name in ("n1", "n2"):
        await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        spec = {"nodeName": name, "containers": [{"name": "c", "image": "x"}]}
        body = {"metadata": {"name": f"on-{name}"}, "spec": spec}
        await api.ok("POST", "/api/v1/namespaces/default/pods", body)
    await api.ok("GET", "/api/v1/pods")
    await api.ok("GET", "/api/v1/nodes")
    return Kubelet(api)


def node(labels: Any = None, taints: Any = None) -> Any:
    return {"metadata": {"name": "n1", "labels": labels or {}}, "spec": {"taints": taints} if taints else {}}


def on(name: str, labels: Any = None) -> Any:
    return {"metadata": {"name": "p", "labels": labels or {}}, "spec": {"nodeName": name}}


@pytest.mark.parametrize(
    ("action", "request_of", "cause"),
    [
        pytest.param("UPDATE", {"name": "n2"}, 'node "n1" is not allowed to modify node "n2"', id="another node"),
        pytest.param("DELETE", {}, "", id="its own node, which RBAC forbids"),
        pytest.param("CREATE", {"new": node({"kubernetes.io/os": "linux"})}, "", id="labels of its own"),
        pytest.param(
            "CREATE",
            {"new": node({"node-role.kubernetes.io/x": "", "node-restriction.kubernetes.io/y": ""})},
            'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/y, '
            "node-role.kubernetes.io/x",
            id="labels that steer",
        ),
        pytest.param(
            "UPDATE",
            {"new": node({"k8s.io/x": "1"}), "old": node()},
            "is not allowed to modify labels: k8s.io/x",
            id="labels that steer, later",
        ),
        pytest.param(
            "UPDATE",
            {"new": node(), "old": node(taints=[{"key": "a"}])},
            'node "n1" is not allowed to modify taints',
            id="taints",
        ),
        pytest.param("UPDATE", {"new": node(), "old": node(), "user": UserInfo("admin")}, "", id="somebody else"),
    ],
)
async def test_nodes(kubelet: Kubelet, action: Action, request_of: Any, cause: str) -> None:
    assert await kubelet.refusal(action, NODES, **request_of) == cause


@pytest.mark.parametrize(
    ("action", "request_of", "cause"),
    [
        pytest.param("DELETE", {"old": on("n1")}, "", id="deletes its own"),
        pytest.param(
            "DELETE",
            {"old": on("n2")},
            'node "n1" can only delete pods with spec.nodeName set to itself',
            id="deletes another's",
        ),
        pytest.param(
            "UPDATE",
            {"new": on("n1"), "old": on("n1")},
            'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
            id="updates",
        ),
        pytest.param("UPDATE", {"subresource": "status", "new": on("n1"), "old": on("n1")}, "", id="a status"),
        pytest.param(
            "UPDATE",
            {"subresource": "status", "new": on("n1", {"a": "b"}), "old": on("n1")},
            'node "n1" cannot update labels through pod status',
            id="labels by a status",
        ),
        pytest.param("CREATE", {"subresource": "eviction", "name": "on-n1"}, "", id="evicts its own"),
        pytest.param(
            "CREATE",
            {"subresource": "eviction", "name": "on-n2"},
            "node n1 can only evict pods with spec.nodeName set to itself",
            id="evicts another's",
        ),
        pytest.param(
            "CREATE",
            {"subresource": "binding"},
            "unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed",
            id="binds",
        ),
        pytest.param(
            "CREATE",
            {"new": on("n1")},
            'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
            id="creates a pod",
        ),
    ],
)
async def test_pods(kubelet: Kubelet, action: Action, request_of: Any, cause: str) -> None:
    request_of = {"name": "p", **request_of}
    assert await kubelet.refusal(action, PODS, namespace="default", **request_of) == cause


async def test_mirror_pods(kubelet: Kubelet, api: Any) -> None:
    uid = (await api.ok("GET", "/api/v1/nodes/n1"))["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}

    async def refused(owners: Any = (owner,), **spec: Any) -> str:
        meta = {"name": "p", "annotations": MIRROR, "ownerReferences": list(owners)}
        new = {"metadata": meta, "spec": {"nodeName": "n1", **spec}}
        return await kubelet.refusal("CREATE", PODS, name="p", namespace="default", new=new)

    assert await refused() == ""
    assert await refused(nodeName="n2") == 'node "n1" can only create pods with spec.nodeName set to itself'
    assert await refused(owners=()) == 'node "n1" can only create pods with an owner reference set to itself'
    assert await refused(owners=({**owner, "uid": "x"},)) == f"node n1 UID mismatch: expected x got {uid}"
    secret = [{"name": "v", "secret": {"secretName": "s"}}]
    assert await refused(volumes=secret) == 'node "n1" can not create pods that reference secrets'
    config_map = [{"name": "v", "configMap": {"name": "s"}}]
    assert await refused(volumes=config_map) == 'node "n1" can not create pods that reference configmaps'


@pytest.mark.parametrize(
    ("resource", "request_of", "cause"),
    [
        pytest.param(LEASES, {"namespace": "kube-node-lease"}, "", id="its lease"),
        pytest.param(
            LEASES,
            {"namespace": "kube-node-lease", "name": "n2"},
            "can only access node lease with the same name as the requesting node",
            id="another's lease",
        ),
        pytest.param(
            LEASES,
            {"namespace": "default"},
            'can only access leases in the "kube-node-lease" system namespace',
            id="a lease elsewhere",
        ),
        pytest.param(
            CSI_NODES,
            {"name": "n2"},
            "can only access CSINode with the same name as the requesting node",
            id="another's CSINode",
        ),
        pytest.param(
            PERSISTENT_VOLUME_CLAIMS, {"namespace": "default", "new": {}}, "may only update PVC status", id="a claim"
        ),
    ],
)
async def test_other_kinds(kubelet: Kubelet, resource: Resource, request_of: Any, cause: str) -> None:
    assert await kubelet.refusal("UPDATE", resource, **request_of) == cause


async def test_what_a_kubelet_reports_of_a_claim(kubelet: Kubelet) -> None:
    old = {"metadata": {"name": "c"}, "spec": {}, "status": {"phase": "Bound"}}
    grown = {**old, "status": {"phase": "Bound", "capacity": {"storage": "2Gi"}}}
    request_of: Any = {"name": "c", "namespace": "default", "subresource": "status", "old": old}
    assert await kubelet.refusal("UPDATE", PERSISTENT_VOLUME_CLAIMS, new=grown, **request_of) == ""
    lost = {**old, "status": {"phase": "Lost"}}
    cause = 'node "n1" is not allowed to update fields other than status.capacity and status.conditions'
    assert await kubelet.refusal("UPDATE", PERSISTENT_VOLUME_CLAIMS, new=lost, **request_of) == cause


async def test_tokens(kubelet: Kubelet, api: Any) -> None:
    uids = {
        name: (await api.ok("GET", f"/api/v1/namespaces/default/pods/{name}"))["metadata"]["uid"]
        for name in ("on-n1", "on-n2")
    }

    async def refused(**reference: str) -> str:
        spec = {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", **reference}}
        return await kubelet.refusal(
            "CREATE",
            SERVICE_ACCOUNTS,
            name="default",
            namespace="default",
            subresource="token",
            new={"spec": spec},
        )

    assert await refused(name="on-n1", uid=uids["on-n1"]) == ""
    assert await refused(name="on-n1") == "node requested token with a pod binding without a uid"
    assert await refused(kind="Secret", name="s", uid="x") == "node requested token not bound to a pod"
    wrong = await refused(name="on-n2", uid=uids["on-n2"])
    assert wrong == "node requested token bound to a pod scheduled on a different node"
