"""Who may do what: anonymous, RBAC, the Node authorizer, impersonation, reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PODS = "/api/v1/namespaces/default/pods"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
BOB = ("bob",)
NODE = ("system:node:n", "system:nodes")


async def grant(api: Any, verbs: list[str], resources: list[str], user: str = "bob", **extra: Any) -> None:
    rule = {"verbs": verbs, "apiGroups": [""], "resources": resources, **extra}
    await api.ok("POST", f"{RBAC}/namespaces/default/roles", {"metadata": {"name": "r"}, "rules": [rule]})
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    await api.ok("POST", f"{RBAC}/namespaces/default/rolebindings", binding)
    # A grant works once the watch cache has seen it; a read that must be current waits for that.
    await api.ok("GET", f"{RBAC}/namespaces/default/rolebindings")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
async def test_anybody_may_ask_whether_the_server_is_well(api: Any, path: str) -> None:
    assert (await api("GET", path, user=None)).status == 200


async def test_anonymous_may_nothing_else(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("GET", "/api/v1/pods", user=None)
    assert (answer.status, answer.json) == (403, golden("forbidden-403"))
    assert (await api("GET", "/apis", user=None)).status == 403


async def test_a_path_is_refused_by_its_name(api: Any) -> None:
    answer = await api("GET", "/metrics", user=BOB)
    assert answer.message == 'forbidden: User "bob" cannot get path "/metrics"'


async def test_wrong_credentials_are_unauthorized(api: Any, golden: Callable[[str], Any]) -> None:
    for value in ("Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer"):
        answer = await api("GET", "/version", user=None, headers={"authorization": value})
        assert (answer.status, answer.json) == (401, golden("unauthorized-401"))


async def test_a_role_allows_what_it_names_and_nothing_more(api: Any) -> None:
    await grant(api, ["get", "list"], ["pods", "pods/log"])
    assert (await api("GET", PODS, user=BOB)).status == 200
    assert (await api("GET", f"{PODS}/x", user=BOB)).status == 404
    assert (await api("GET", f"{PODS}/x/log", user=BOB)).status == 404
    assert (await api("GET", "/api/v1/pods", user=BOB)).status == 403
    assert (await api("GET", "/api/v1/namespaces/kube-system/pods", user=BOB)).status == 403
    answer = await api("DELETE", f"{PODS}/x", user=BOB)
    assert answer.message == (
        'pods "x" is forbidden: User "bob" cannot delete resource "pods" in API group "" in the namespace "default"'
    )


async def test_a_role_may_name_objects(api: Any) -> None:
    await grant(api, ["get", "list"], ["configmaps"], resourceNames=["a"])
    path = "/api/v1/namespaces/default/configmaps"
    assert (await api("GET", f"{path}/a", user=BOB)).status == 404
    assert (await api("GET", f"{path}/b", user=BOB)).status == 403
    assert (await api("GET", path, user=BOB)).status == 403
    assert (await api("GET", f"{path}?fieldSelector=metadata.name%3Da", user=BOB)).status == 200


async def test_a_grant_ends_with_its_binding(api: Any) -> None:
    await grant(api, ["list"], ["pods"])
    assert (await api("GET", PODS, user=BOB)).status == 200
    await api.ok("DELETE", f"{RBAC}/namespaces/default/rolebindings/b")
    await api.ok("GET", f"{RBAC}/namespaces/default/rolebindings")
    assert (await api("GET", PODS, user=BOB)).status == 403


async def test_exec_needs_create_whatever_the_method(api: Any) -> None:
    await grant(api, ["get"], ["pods/exec"])
    answer = await api("GET", f"{PODS}/x/exec?command=ls", user=BOB)
    assert answer.status == 403
    assert 'cannot create resource "pods/exec"' in answer.message


class TestKubelet:
    @pytest.fixture(autouse=True)
    async def node(self, api: Any) -> None:
        await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}}, user=NODE)
        for name in ("mine", "other"):
            await api.ok("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": name}})
        volumes = [{"name": "v", "secret": {"secretName": "mine"}}]
        pod = {
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "x"}], "nodeName": "n", "volumes": volumes},
        }
        await api.ok("POST", PODS, pod)
        await api.ok("POST", PODS, {**pod, "metadata": {"name": "q"}, "spec": {**pod["spec"], "nodeName": "m"}})

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            pytest.param("GET", "/api/v1/nodes/n", 200, id="reads its node"),
            pytest.param("GET", "/api/v1/nodes/m", 403, id="reads no other node"),
            pytest.param("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dn", 200, id="watches its node"),
            pytest.param("GET", "/api/v1/nodes", 403, id="does not list all nodes"),
            pytest.param("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn", 200, id="lists its pods"),
            pytest.param("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dm", 403, id="lists no others' pods"),
            pytest.param("GET", "/api/v1/pods", 403, id="does not list all pods"),
            pytest.param("GET", f"{PODS}/p", 200, id="reads its pod"),
            pytest.param("GET", f"{PODS}/q", 403, id="reads no other pod"),
            pytest.param("GET", "/api/v1/namespaces/default/secrets/mine", 200, id="reads its pods' secrets"),
            pytest.param("GET", "/api/v1/namespaces/default/secrets/other", 403, id="reads no other secret"),
            pytest.param("GET", "/api/v1/namespaces/default/secrets", 403, id="lists no secrets"),
            pytest.param("GET", "/api/v1/services", 200, id="lists services"),
            pytest.param("DELETE", f"{PODS}/q", 403, id="deletes no other pod"),
            pytest.param("DELETE", f"{PODS}/p", 200, id="deletes its pod"),
            pytest.param("DELETE", "/api/v1/nodes/n", 403, id="does not delete its node"),
            pytest.param(
                "GET",
                "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n",
                404,
                id="reads its lease",
            ),
            pytest.param(
                "GET",
                "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/m",
                403,
                id="reads no other lease",
            ),
        ],
    )
    async def test_a_kubelet(self, api: Any, method: str, path: str, status: int) -> None:
        assert (await api(method, path, user=NODE)).status == status

    async def test_it_reads_the_volumes_of_its_pods_only(self, api: Any) -> None:
        claims, storage = "/api/v1/namespaces/default/persistentvolumeclaims", "/apis/storage.k8s.io/v1"
        for name, node in (("used", "n"), ("unused", "m")):
            claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            await api.ok("POST", claims, {"metadata": {"name": name}, "spec": claim})
            volume = {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/x"},
                "claimRef": {"namespace": "default", "name": name},
            }
            await api.ok("POST", "/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": volume})
            attachment = {"attacher": "a.example.com", "nodeName": node, "source": {"persistentVolumeName": name}}
            await api.ok("POST", f"{storage}/volumeattachments", {"metadata": {"name": name}, "spec": attachment})
        pod = {
            "metadata": {"name": "with-volume"},
            "spec": {
                "nodeName": "n",
                "containers": [{"name": "c", "image": "x"}],
                "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "used"}}],
            },
        }
        await api.ok("POST", PODS, pod)
        await api.ok("GET", PODS)
        for path in (claims, "/api/v1/persistentvolumes", f"{storage}/volumeattachments"):
            assert (await api("GET", f"{path}/used", user=NODE)).status == 200
            answer = await api("GET", f"{path}/unused", user=NODE)
            assert "no relationship found between node 'n' and this object" in answer.message
            answer = await api("GET", path, user=NODE)
            assert answer.message.endswith("can only get individual resources of this type")

    async def test_it_keeps_its_own_csi_node(self, api: Any) -> None:
        path = "/apis/storage.k8s.io/v1/csinodes"
        body = {"metadata": {"name": "n"}, "spec": {"drivers": []}}
        assert (await api("POST", path, body, user=NODE)).status == 201
        assert (await api("GET", f"{path}/n", user=NODE)).status == 200
        answer = await api("GET", f"{path}/m", user=NODE)
        assert answer.message.endswith("can only access CSINode with the same name as the requesting node")
        assert (await api("GET", path, user=NODE)).status == 403

    async def test_it_makes_no_other_node_and_no_ordinary_pod(self, api: Any) -> None:
        assert (await api("POST", "/api/v1/nodes", {"metadata": {"name": "m"}}, user=NODE)).status == 403
        pod = {"metadata": {"name": "z"}, "spec": {"containers": [{"name": "c", "image": "x"}], "nodeName": "n"}}
        answer = await api("POST", PODS, pod, user=NODE)
        assert answer.status == 403
        assert "can only create mirror pods" in answer.message

    async def test_it_may_not_lift_its_taints_or_label_itself_at_will(self, api: Any) -> None:
        node = await api.ok("GET", "/api/v1/nodes/n", user=NODE)
        lifted = {**node, "spec": {**node["spec"], "taints": []}}
        assert "modify taints" in (await api("PUT", "/api/v1/nodes/n", lifted, user=NODE)).message
        labels = {**node["metadata"].get("labels", {}), "node-restriction.kubernetes.io/x": "y"}
        labelled = {**node, "metadata": {**node["metadata"], "labels": labels}}
        assert "modify labels" in (await api("PUT", "/api/v1/nodes/n", labelled, user=NODE)).message

    async def test_it_gets_tokens_for_its_own_pods_only(self, api: Any) -> None:
        path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        for name, status in (("p", 201), ("q", 403)):
            uid = (await api.ok("GET", f"{PODS}/{name}"))["metadata"]["uid"]
            reference = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
            answer = await api("POST", path, {"spec": {"boundObjectRef": reference, "audiences": ["x"]}}, user=NODE)
            assert answer.status == status


class TestImpersonation:
    async def test_one_who_may_acts_as_another(self, api: Any) -> None:
        answer = await api("GET", PODS, headers={"impersonate-user": "bob"})
        assert 'User "bob" cannot list' in answer.message
        answer = await api("GET", PODS, headers={"impersonate-user": "bob", "impersonate-group": "system:masters"})
        assert answer.status == 200

    async def test_one_who_may_not_is_refused(self, api: Any) -> None:
        answer = await api("GET", PODS, user=BOB, headers={"impersonate-user": "kubernetes-admin"})
        assert 'User "bob" cannot impersonate resource "users"' in answer.message

    async def test_groups_need_a_user(self, api: Any) -> None:
        assert (await api("GET", PODS, headers={"impersonate-group": "g"})).status == 400


class TestReviews:
    AUTHORIZATION = "/apis/authorization.k8s.io/v1"

    async def test_may_i(self, api: Any) -> None:
        await grant(api, ["list"], ["pods"])
        path = f"{self.AUTHORIZATION}/selfsubjectaccessreviews"
        for namespace, allowed in (("default", True), ("kube-system", False)):
            spec = {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": namespace}}
            answer = await api("POST", path, {"spec": spec}, user=BOB)
            assert (answer.status, answer.json["status"]["allowed"]) == (201, allowed)

    async def test_may_they(self, api: Any) -> None:
        spec = {"user": "x", "groups": ["system:masters"], "nonResourceAttributes": {"verb": "get", "path": "/x"}}
        review = await api.ok("POST", f"{self.AUTHORIZATION}/subjectaccessreviews", {"spec": spec})
        assert review["status"] == {"allowed": True}

    async def test_may_they_here(self, api: Any) -> None:
        path = f"{self.AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
        spec = {"user": "x", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
        assert (await api.ok("POST", path, {"spec": spec}))["status"]["allowed"] is False
        spec["resourceAttributes"]["namespace"] = "other"  # type: ignore[index]
        assert (await api("POST", path, {"spec": spec})).status == 422

    async def test_what_may_i(self, api: Any) -> None:
        await grant(api, ["list"], ["pods"])
        body = {"spec": {"namespace": "default"}}
        review = await api.ok("POST", f"{self.AUTHORIZATION}/selfsubjectrulesreviews", body, user=BOB)
        assert {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]} in review["status"]["resourceRules"]

    @pytest.mark.parametrize(
        "spec",
        [
            pytest.param({}, id="about nothing"),
            pytest.param({"resourceAttributes": {}, "nonResourceAttributes": {}}, id="about two things"),
        ],
    )
    async def test_a_review_is_about_one_thing(self, api: Any, spec: Any) -> None:
        assert (await api("POST", f"{self.AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec})).status == 422

    async def test_who_am_i(self, api: Any) -> None:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        review = await api.ok("POST", path, {}, user=("bob", "g"))
        assert review["status"]["userInfo"] == {"username": "bob", "groups": ["g", "system:authenticated"]}
