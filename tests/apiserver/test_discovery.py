from __future__ import annotations

import orjson
import pytest

from apiserver.discovery import Discovery, version_priority
from minikube_py.api.resources import BUILT_IN


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(BUILT_IN)


def test_api_group_list_names_groups_in_upstream_order(discovery: Discovery) -> None:
    names = [group["name"] for group in discovery.api_group_list()["groups"]]
    assert names == [
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "rbac.authorization.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
    ]


def test_api_resource_list_of_core_has_no_api_version_as_upstream(discovery: Discovery) -> None:
    document = discovery.api_resource_list("", "v1")
    assert document is not None
    assert list(document) == ["kind", "groupVersion", "resources"]
    pods = [entry for entry in document["resources"] if entry["name"].startswith("pods")]
    assert [entry["name"] for entry in pods] == [
        "pods",
        "pods/attach",
        "pods/binding",
        "pods/exec",
        "pods/log",
        "pods/status",
    ]
    assert pods[0]["storageVersionHash"] == "xPOwRZ+Yhw8="
    assert pods[1] == {
        "name": "pods/attach",
        "singularName": "",
        "namespaced": True,
        "kind": "PodAttachOptions",
        "verbs": ["create", "get"],
    }


def test_scale_subresource_names_its_own_group(discovery: Discovery) -> None:
    document = discovery.api_resource_list("apps", "v1")
    assert document is not None
    assert document["apiVersion"] == "v1"
    scale = next(entry for entry in document["resources"] if entry["name"] == "deployments/scale")
    assert list(scale) == ["name", "singularName", "namespaced", "group", "version", "kind", "verbs"]
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")


@pytest.mark.parametrize(
    ("group", "version"), [("nope", "v1"), ("apps", "v9")], ids=["no such group", "no such version"]
)
def test_what_is_not_served_is_none(discovery: Discovery, group: str, version: str) -> None:
    assert discovery.api_resource_list(group, version) is None


def test_aggregated_core_document(discovery: Discovery) -> None:
    answer = discovery.aggregated(core=True, version="v2")
    assert answer.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    document = orjson.loads(answer.body)
    assert document["items"][0]["metadata"] == {"creationTimestamp": None}
    version = document["items"][0]["versions"][0]
    assert version["freshness"] == "Current"
    pods = next(entry for entry in version["resources"] if entry["resource"] == "pods")
    assert pods["scope"] == "Namespaced"
    assert pods["subresources"][0]["responseKind"] == {"group": "", "version": "", "kind": "PodAttachOptions"}
    accounts = next(entry for entry in version["resources"] if entry["resource"] == "serviceaccounts")
    assert accounts["subresources"][0]["responseKind"]["group"] == "authentication.k8s.io"


def test_etag_differs_by_version_and_is_stable(discovery: Discovery) -> None:
    newest = discovery.aggregated(core=False, version="v2")
    older = discovery.aggregated(core=False, version="v2beta1")
    assert newest.etag != older.etag
    assert newest.etag == Discovery(BUILT_IN).aggregated(core=False, version="v2").etag
    assert len(newest.etag) == 128 + 2


def test_root_paths_are_sorted_and_carry_the_extra_ones(discovery: Discovery) -> None:
    paths = discovery.root_paths(["/healthz"])["paths"]
    assert paths == sorted(paths)
    assert {"/api/v1", "/apis/apps/v1", "/healthz"} <= set(paths)


def test_versions_are_preferred_as_upstream() -> None:
    versions = ["v1alpha1", "foo1", "v1", "v2beta1", "v2", "v1beta2", "v11"]
    assert sorted(versions, key=version_priority, reverse=True) == [
        "v11",
        "v2",
        "v1",
        "v2beta1",
        "v1beta2",
        "v1alpha1",
        "foo1",
    ]
