from __future__ import annotations

import pytest

from minikube_py.api import resources
from minikube_py.api.resources import BUILT_IN, NEWEST_MINOR, OLDEST_MINOR, Resource, minor_of
from minikube_py.api.schema import Schemas

VERSIONS = range(OLDEST_MINOR, NEWEST_MINOR + 1)
BODIES = frozenset({"Scale", "TokenRequest", "Eviction"})
"""Kinds that only a subresource exchanges."""
LATER_GROUPS = frozenset({"admissionregistration.k8s.io", "apiextensions.k8s.io"})


def is_general(api_version: str, kind: str) -> bool:
    """Whether a published kind is one of a resource that is generally available and is served here."""
    group, _, version = api_version.rpartition("/")
    if "alpha" in version or "beta" in version or kind.endswith("List") or kind in BODIES or group in LATER_GROUPS:
        return False
    return kind not in ("APIGroup", "APIResourceList", "APIVersions", "DeleteOptions", "Status", "WatchEvent")


@pytest.mark.parametrize("minor", VERSIONS, ids=lambda minor: f"1.{minor}")
def test_a_version_presents_every_general_kind_of_its_schemas_and_no_other(minor: int) -> None:
    published = {kind for kind in Schemas(f"1.{minor}").kinds() if is_general(*kind)}
    assert {(row.api_version, row.kind) for row in BUILT_IN.presented(minor).rows} == published


def test_rows_have_names_of_their_own() -> None:
    assert len({(row.group, row.version, row.plural) for row in BUILT_IN.rows}) == len(BUILT_IN.rows)
    for minor in VERSIONS:
        short = [name for row in BUILT_IN.presented(minor).storage_rows for name in row.short_names]
        assert len(set(short)) == len(short)


@pytest.mark.parametrize("minor", VERSIONS, ids=lambda minor: f"1.{minor}")
def test_who_has_a_status_has_it_in_the_schema(minor: int) -> None:
    schemas = Schemas(f"1.{minor}")

    def has_status(row: Resource) -> bool:
        return "status" in schemas.fields(schemas.definition_name(row.api_version, row.kind) or "")

    rows = [row for row in BUILT_IN.presented(minor).rows if row.persisted]
    assert {row for row in rows if row.subresource("status")} == {row for row in rows if has_status(row)}


def test_a_second_presentation_is_stored_as_another_row() -> None:
    seconds = [row for row in BUILT_IN.rows if row.stored_as]
    assert {row.qualified for row in seconds} == {"events.events.k8s.io", "horizontalpodautoscalers.autoscaling"}
    for row in seconds:
        stored = BUILT_IN.stored(row)
        assert (stored.kind, stored.stored_as, stored.api_version) == (row.kind, "", row.stored_as)
        assert row not in BUILT_IN.storage_rows
    assert BUILT_IN.stored(resources.PODS) is resources.PODS


def test_a_subresource_is_presented_from_its_version_on() -> None:
    pods = {minor: BUILT_IN.presented(minor).by_plural("", "v1", "pods") for minor in (32, 33)}
    assert {minor: row is not None and row.subresource("resize") is not None for minor, row in pods.items()} == {
        32: False,
        33: True,
    }


def test_what_a_version_presents_of_a_kind_is_the_same_kind() -> None:
    presented = BUILT_IN.presented(25).by_plural("", "v1", "pods")
    assert presented is not resources.PODS
    assert presented == resources.PODS
    assert hash(presented) == hash(resources.PODS)
    assert resources.PODS != resources.NODES
    assert resources.PODS != "pods"


def test_a_table_is_presented_once() -> None:
    assert BUILT_IN.presented(30) is BUILT_IN.presented(30)
    assert not BUILT_IN.presented(32).presents(resources.IP_ADDRESSES)
    assert BUILT_IN.presented(33).presents(resources.IP_ADDRESSES)


@pytest.mark.parametrize(("text", "minor"), [("1.32", 32), ("v1.25.3", 25)], ids=["short", "long"])
def test_the_minor_of_a_version(text: str, minor: int) -> None:
    assert minor_of(text) == minor


@pytest.mark.parametrize("text", ["1.24", "1.38", "2.30", "1", "1.x"])
def test_a_version_that_cannot_be_presented(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a Kubernetes version|cannot be presented"):
        minor_of(text)
