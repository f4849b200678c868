from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from apiserver.strategies.ruled import MAX_ERRORS
from apiserver.validation.difference import difference
from minikube_py.api import resources

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"content-type": "application/merge-patch+json"}
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
QUALIFIED = "name part must consist of alphanumeric characters, '-', '_' or '.'"


def errors(meta: dict[str, Any], resource: Any = resources.CONFIG_MAPS) -> list[str]:
    base = {"name": "x", "namespace": "d"} if resource.namespaced else {"name": "x"}
    return [str(error) for error in strategy_for(resource).validate({"metadata": base | meta})]


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        pytest.param({"generateName": "a-", "name": "a-x"}, [], id="a prefix that ends in a hyphen"),
        pytest.param({"generateName": "a--", "name": "a--x"}, [], id="a prefix that ends in two"),
        pytest.param({"generateName": "AB-"}, ['metadata.generateName: Invalid value: "AB-"'], id="a bad prefix"),
        pytest.param({"name": "A"}, ['metadata.name: Invalid value: "A"'], id="a bad name"),
        pytest.param({"namespace": ""}, ["metadata.namespace: Required value"], id="no namespace"),
        pytest.param({"labels": {"-a": "b"}}, [f'metadata.labels: Invalid value: "-a": {QUALIFIED}'], id="a bad label"),
        pytest.param(
            {"labels": {"a": "b c"}}, ['metadata.labels: Invalid value: "b c": a valid label'], id="a bad value"
        ),
        pytest.param({"annotations": {"A.B/C": "any ,thing"}}, [], id="an annotation in any case"),
        pytest.param(
            {"annotations": {"a": "x" * 262144}},
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
            id="large annotations",
        ),
        pytest.param({"finalizers": ["a.b/c", "orphan"]}, [], id="finalizers"),
        pytest.param(
            {"finalizers": ["mine"]},
            [
                'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it '
                "fully qualified"
            ],
            id="a finalizer of no domain",
        ),
        pytest.param(
            {"finalizers": ["orphan", "foregroundDeletion"]},
            [
                'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
                "foregroundDeletion cannot be both set"
            ],
            id="both finalizers of the collector",
        ),
        pytest.param({"ownerReferences": [{**OWNER, "controller": True}]}, [], id="an owner"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]},
            [
                'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
                'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
                'metadata.ownerReferences.name: Invalid value: "": must not be empty',
                'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
            ],
            id="an empty owner",
        ),
        pytest.param(
            {"ownerReferences": [{**OWNER, "kind": "Event"}]},
            ["metadata.ownerReferences: Invalid value: {"],
            id="an event for an owner",
        ),
    ],
)
def test_metadata(meta: dict[str, Any], expected: list[str]) -> None:
    found = errors(meta)
    assert len(found) == len(expected), found
    assert all(error.startswith(want) for error, want in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("resource", "name", "fine"),
    [
        pytest.param(resources.NAMESPACES, "a.b", False, id="a namespace is a label"),
        pytest.param(resources.CONFIG_MAPS, "a.b", True, id="a config map is a subdomain"),
        pytest.param(resources.ROLES, "system:A", True, id="a role is part of a path"),
        pytest.param(resources.ROLES, "a/b", False, id="but of one part"),
        pytest.param(resources.EVENTS, "A B", True, id="an event is called anything"),
        pytest.param(resources.CERTIFICATE_SIGNING_REQUESTS, "A B", True, id="a signing request too"),
    ],
)
def test_names_by_kind(resource: Any, name: str, fine: bool) -> None:
    assert any("metadata.name" in error for error in errors({"name": name}, resource)) is not fine


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        pytest.param({"uid": "other"}, "Precondition failed: UID in precondition: other", id="uid"),
        pytest.param(
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            'metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable',
            id="a deletion",
        ),
        pytest.param({"name": "y"}, 'metadata.name: Invalid value: "y": field is immutable', id="name"),
        pytest.param({"resourceVersion": "1"}, "the object has been modified", id="an old version"),
    ],
)
async def test_what_the_system_owns_stays(api: Any, patch: dict[str, Any], message: str) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
    answer = await api("PATCH", f"{CONFIG_MAPS}/x", {"metadata": patch}, headers=MERGE)
    assert answer.status in (409, 422)
    assert message in answer.message


async def test_what_the_system_owns_and_ignores(api: Any) -> None:
    made = await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "x", "uid": "mine", "generation": 7}})
    assert made["metadata"]["uid"] != "mine"
    patch = {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 5}}
    after = await api.ok("PATCH", f"{CONFIG_MAPS}/x", patch, headers=MERGE)
    assert after["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert "generation" not in after["metadata"]


async def test_a_finalizer_comes_too_late(api: Any) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "x", "finalizers": ["a.b/c"]}})
    await api.ok("DELETE", f"{CONFIG_MAPS}/x")
    patch = {"metadata": {"finalizers": ["a.b/c", "a.b/d"]}}
    answer = await api("PATCH", f"{CONFIG_MAPS}/x", patch, headers=MERGE)
    assert answer.message.endswith(
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
        'finalizers []string{"a.b/d"}'
    )


async def test_a_namespace_of_a_cluster_object_is_dropped_and_another_one_refused(api: Any) -> None:
    made = await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "n", "namespace": "other"}})
    assert "namespace" not in made["metadata"]
    answer = await api("POST", CONFIG_MAPS, {"metadata": {"name": "x", "namespace": "other"}})
    assert answer.message == "the namespace of the provided object does not match the namespace sent on the request"


async def test_versions_are_needed_where_a_kind_says_so(api: Any) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    await api.ok("POST", leases, {"metadata": {"name": "l"}})
    answer = await api("PUT", f"{leases}/l", {"metadata": {"name": "l"}})
    assert answer.status == 422
    assert "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update" in answer.message
    answer = await api("POST", leases, {"metadata": {"name": "m", "resourceVersion": "1"}})
    assert answer.message == "resourceVersion should not be set on objects to be created"


async def test_no_generated_name_is_left(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.handlers.create.generate_name", lambda base, random: f"{base}same")
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"generateName": "x-"}})
    answer = await api("POST", CONFIG_MAPS, {"metadata": {"generateName": "x-"}})
    assert (answer.status, answer.json["reason"], answer.json["details"]["retryAfterSeconds"]) == (
        409,
        "AlreadyExists",
        1,
    )
    assert answer.message == (
        'configmaps "x-same" already exists, the server was not able to generate a unique name for the object'
    )


def test_errors_are_bounded() -> None:
    many = [{"type": f"t{index}"} for index in range(5000)]
    obj = {"metadata": {"name": "x", "namespace": "d"}, "spec": {"limits": many}}
    assert len(strategy_for(resources.LIMIT_RANGES).validate(obj)) == MAX_ERRORS


def test_a_difference_can_be_read() -> None:
    new, old = {"a": [{"b": 1}], "c": "x", "d": [1]}, {"a": [{"b": 2}], "d": [1, 2], "e": None}
    assert difference(new, old) == '- a[0].b: 2\n+ a[0].b: 1\n+ c: "x"\n- d: [1, 2]\n+ d: [1]\n'
    assert difference(new, new) == ""
