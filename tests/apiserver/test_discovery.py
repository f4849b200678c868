from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from apiserver.discovery import Discovery, version_priority
from minikube_py.api.resources import BUILT_IN


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(BUILT_IN.presented(32))


LATER = frozenset({"admissionregistration.k8s.io", "apiextensions.k8s.io", "apps.example.com", "kopf.dev"})
"""Groups of the recorded server that custom resources and admission policies bring."""


@pytest.mark.conformance(
    "Discovery, confirm the PreferredVersion for each api group",
    "Discovery, confirm the groupVerion and a resourcefrom each apiGroup",
)
def test_the_groups_are_those_of_a_genuine_server(discovery: Discovery, golden: Callable[[str], Any]) -> None:
    recorded = golden("discovery-apis")
    groups = [group for group in recorded["groups"] if group["name"] not in LATER]
    assert discovery.api_group_list() == {**recorded, "groups": groups}


@pytest.mark.parametrize(("group", "name"), [("", "api-v1"), ("apps", "apis-apps-v1")], ids=["core", "apps"])
def test_the_resources_are_those_of_a_genuine_server(
    discovery: Discovery, golden: Callable[[str], Any], group: str, name: str
) -> None:
    assert discovery.api_resource_list(group, "v1") == golden(f"discovery-{name}")


@pytest.mark.conformance("Aggregated Discovery Interface")
@pytest.mark.parametrize(("core", "name"), [(True, "api"), (False, "apis")], ids=["core", "named groups"])
def test_the_aggregated_document_is_that_of_a_genuine_server(
    discovery: Discovery, golden: Callable[[str], Any], core: bool, name: str
) -> None:
    recorded = golden(f"discovery-{name}-aggregated")["items"]
    expected = [item for item in recorded if item["metadata"].get("name") not in LATER]
    assert orjson.loads(discovery.aggregated(core=core, version="v2").body)["items"] == expected


@pytest.mark.parametrize("group", ["autoscaling", "events.k8s.io"])
def test_presentations_of_one_kind_are_stored_as_one(discovery: Discovery, group: str) -> None:
    """Both autoscalers, and both kinds of event, have one storage version."""
    hashes = {"autoscaling": "qwQve8ut294=", "events.k8s.io": "r2yiGXH7wu8="}
    for version in discovery.groups[group]:
        document = discovery.api_resource_list(group, version)
        assert document is not None
        assert document["resources"][0]["storageVersionHash"] == hashes[group]


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
    assert newest.etag == Discovery(BUILT_IN.presented(32)).aggregated(core=False, version="v2").etag
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
