"""Behaviours of the API machinery: discovery, field validation, forms of answers, namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from pod_helpers import IMAGE
from rest import MERGE_PATCH, Rest

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OLDER = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
BUILT_IN = {"configmaps": "", "pods": "", "deployments": "apps", "jobs": "batch", "roles": "rbac.authorization.k8s.io"}


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest(cluster)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("apimachinery") as name:
        yield name


@pytest.mark.conformance("Discovery, confirm the groupVerion and a resourcefrom each apiGroup")
def test_each_group_has_its_resources(rest: Rest) -> None:
    for group in rest.ok("GET", "/apis")["groups"]:
        version = group["versions"][0]["groupVersion"]
        listed = rest.ok("GET", f"/apis/{version}")
        assert listed["groupVersion"] == version
        assert listed["resources"]


@pytest.mark.conformance("Discovery, confirm the PreferredVersion for each api group")
def test_each_group_prefers_one_of_its_versions(rest: Rest) -> None:
    for group in rest.ok("GET", "/apis")["groups"]:
        assert group["preferredVersion"] in group["versions"]


@pytest.mark.conformance("Aggregated Discovery Interface")
def test_aggregated_discovery_has_the_built_in_kinds(rest: Rest) -> None:
    found = {}
    for path in ("/api", "/apis"):
        for group in rest.ok("GET", path, accept=AGGREGATED)["items"]:
            for resource in group["versions"][0]["resources"]:
                found[resource["resource"]] = group["metadata"].get("name", "")
    assert found.items() >= BUILT_IN.items()


@pytest.mark.conformance("Aggregated Discovery Endpoint Accept Headers")
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        pytest.param(AGGREGATED, "APIGroupDiscoveryList", id="v2"),
        pytest.param(f"{OLDER},application/json", "APIGroupDiscoveryList", id="v2beta1 or plain"),
        pytest.param("application/json", "APIGroupList", id="plain"),
    ],
)
def test_discovery_in_the_form_asked_for(rest: Rest, accept: str, kind: str) -> None:
    assert rest.ok("GET", "/apis", accept=accept)["kind"] == kind


@pytest.mark.conformance("Confirm a server version")
def test_the_version_is_of_numbers(rest: Rest) -> None:
    version = rest.ok("GET", "/version")
    assert version["major"].isdigit()
    assert version["minor"].isdigit()


@pytest.mark.conformance("API metadata HTTP return")
def test_a_table_where_there_can_be_none_is_not_acceptable(rest: Rest) -> None:
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert rest.refused(406, "POST", path, body, accept=table)["reason"] == "NotAcceptable"


def deployment(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": IMAGE}]},
            },
        },
    }


@pytest.mark.conformance("Server side field validation, typed object")
def test_unknown_and_duplicate_fields_of_a_typed_object(rest: Rest, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = deployment("strict")
    body["spec"]["unknown"] = 1
    refused = rest.refused(400, "POST", f"{path}?fieldValidation=Strict", body)
    assert 'strict decoding error: unknown field "spec.unknown"' in refused["message"]
    duplicated = b'{"metadata":{"name":"strict"},"spec":{"replicas":1,"replicas":2,"selector":{},"template":{}}}'
    refused = rest.refused(400, "POST", f"{path}?fieldValidation=Strict", duplicated)
    assert 'duplicate field "spec.replicas"' in refused["message"]


@pytest.mark.conformance("Server side field validation, typed unknown metadata")
def test_unknown_fields_of_a_typed_objects_metadata(rest: Rest, namespace: str) -> None:
    body = deployment("strict")
    body["metadata"]["unknownMeta"] = "x"
    body["spec"]["template"]["metadata"]["unknownInside"] = "x"
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments?fieldValidation=Strict"
    refused = rest.refused(400, "POST", path, body)
    assert 'unknown field "metadata.unknownMeta"' in refused["message"]
    assert 'unknown field "spec.template.metadata.unknownInside"' in refused["message"]


class TestNamespaces:
    @pytest.fixture
    def path(self, rest: Rest) -> Iterator[str]:
        path = "/api/v1/namespaces/tried"
        rest.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "tried"}})
        yield path
        rest("DELETE", path)
        rest.gone(path)

    @pytest.mark.conformance("Namespace patching", "Namespace, apply update to a namespace")
    def test_patched_and_updated(self, rest: Rest, path: str) -> None:
        assert rest.patch(path, {"metadata": {"labels": {"a": "b"}}})["metadata"]["labels"]["a"] == "b"

        def update() -> bool:
            found = rest.ok("GET", path)
            found["metadata"]["labels"]["c"] = "d"
            return rest("PUT", path, found).status_code == 200

        eventually(update, "an update that nobody comes between")
        assert rest.ok("GET", path)["metadata"]["labels"].items() >= {"a": "b", "c": "d"}.items()

    @pytest.mark.conformance("Namespace, apply changes to a namespace status")
    def test_its_status(self, rest: Rest, path: str) -> None:
        assert rest.ok("GET", f"{path}/status")["status"]["phase"] == "Active"
        condition = {"type": "StatusPatch", "status": "True", "reason": "Test", "message": "told"}
        patched = rest.patch(f"{path}/status", {"status": {"conditions": [condition]}})
        assert patched["status"]["conditions"][0]["type"] == "StatusPatch"
        patched["status"]["conditions"][0]["type"] = "StatusUpdate"
        updated = rest.ok("PUT", f"{path}/status", patched)
        assert updated["status"]["conditions"][0]["type"] == "StatusUpdate"

    @pytest.mark.conformance("Namespace, apply finalizer to a namespace")
    def test_a_finalizer_of_its_spec(self, rest: Rest, path: str) -> None:
        def finalize(*names: str) -> Any:
            found = rest.ok("GET", path)
            found["spec"]["finalizers"] = list(names)
            return rest.ok("PUT", f"{path}/finalize", found)

        assert finalize("kubernetes", "example.com/fake")["spec"]["finalizers"] == ["kubernetes", "example.com/fake"]
        assert finalize("kubernetes")["spec"]["finalizers"] == ["kubernetes"]

    @pytest.mark.conformance("namespace-deletion-removes-pods", "namespace-deletion-removes-services")
    def test_what_is_in_it_goes_with_it(self, rest: Rest, path: str) -> None:
        eventually(
            lambda: rest("GET", f"{path}/serviceaccounts/default").status_code == 200, "the service account is there"
        )
        spec = {"containers": [{"name": "c", "image": IMAGE}], "terminationGracePeriodSeconds": 1}
        rest.ok("POST", f"{path}/pods", {"metadata": {"name": "p"}, "spec": spec})
        rest.ok("POST", f"{path}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
        rest.ok("DELETE", path)
        rest.gone(path)
        rest.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "tried"}})
        for plural in ("pods", "services"):
            assert rest.ok("GET", f"{path}/{plural}")["items"] == []


@pytest.mark.conformance("Node, resource lifecycle")
def test_a_node_is_made_changed_and_deleted(rest: Rest) -> None:
    path = "/api/v1/nodes/imagined"
    rest.ok("POST", "/api/v1/nodes", {"metadata": {"name": "imagined", "labels": {"of": "a-test"}}})
    assert rest.ok("GET", path)["metadata"]["name"] == "imagined"
    rest.patch(path, {"metadata": {"labels": {"patched": "yes"}}}, MERGE_PATCH)
    listed = rest.ok("GET", "/api/v1/nodes?labelSelector=of%3Da-test")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["imagined"]

    def update() -> bool:
        found = rest.ok("GET", path)
        found["metadata"]["labels"]["updated"] = "yes"
        return rest("PUT", path, found).status_code == 200

    eventually(update, "an update that nobody comes between")
    assert rest.ok("GET", path)["metadata"]["labels"].items() >= {"patched": "yes", "updated": "yes"}.items()
    rest.ok("DELETE", path)
    rest.gone(path)
