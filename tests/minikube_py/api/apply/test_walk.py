"""The set that a create sets, and what an update adds, changes and removes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.shapes import Shape, Shapes, shapes_of
from minikube_py.api.apply.walk import NOTHING, created, difference
from minikube_py.api.schema import Schemas

SCHEMAS = Schemas("1.32")
POD = Shapes(SCHEMAS).of_definition("io.k8s.api.core.v1.Pod")
DEPLOYMENT = Shapes(SCHEMAS).of_definition("io.k8s.api.apps.v1.Deployment")
SLICE = Shapes(SCHEMAS).of_definition("io.k8s.api.discovery.v1.EndpointSlice")
SERVICE = Shapes(SCHEMAS).of_definition("io.k8s.api.core.v1.Service")


def test_shapes_are_made_once() -> None:
    assert shapes_of(SCHEMAS) is shapes_of(SCHEMAS)
    assert shapes_of(SCHEMAS).of_kind("v1", "Nothing") is None


@pytest.mark.parametrize(
    ("shape", "obj", "fields"),
    [
        pytest.param(
            POD,
            {"metadata": {"labels": {"b": "1", "a": "1"}}},
            {"f:metadata": {"f:labels": {".": {}, "f:a": {}, "f:b": {}}}},
            id="a map is owned with its keys",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
            {"f:spec": {"f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}}}},
            id="a struct held by value is always there, one behind a pointer is set",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec": {"selector": {"matchLabels": {"a": "b"}}}},
            {"f:spec": {"f:selector": {}}},
            id="an atomic struct is one field",
        ),
        pytest.param(
            POD,
            {"spec": {"containers": [{"name": "c", "args": ["a"], "ports": [{"containerPort": 80}], "resources": {}}]}},
            {
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"c"}': {
                            ".": {},
                            "f:args": {},
                            "f:name": {},
                            "f:ports": {
                                ".": {},
                                'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                            },
                            "f:resources": {},
                        }
                    }
                }
            },
            id="items by key, an absent key by its default",
        ),
        pytest.param(
            SLICE,
            {"addressType": "IPv4", "endpoints": []},
            {"f:addressType": {}, "f:endpoints": {}},
            id="an empty list is more than none",
        ),
        pytest.param(
            POD,
            {"metadata": {"finalizers": ["a/b"], "ownerReferences": [{"uid": "u", "name": "n"}]}},
            {
                "f:metadata": {
                    "f:finalizers": {".": {}, 'v:"a/b"': {}},
                    "f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}},
                }
            },
            id="a set, and items that are atomic",
        ),
    ],
)
def test_what_a_create_sets(shape: Shape, obj: Any, fields: Any) -> None:
    assert created(obj, shape) == fields


@pytest.mark.parametrize(
    ("old", "new", "changed", "removed"),
    [
        pytest.param({"type": "ClusterIP"}, {"type": "NodePort"}, {"f:type": {}}, {}, id="a value"),
        pytest.param({}, {"type": "NodePort"}, {"f:type": {}}, {}, id="a field more"),
        pytest.param({"type": "NodePort"}, {}, {}, {"f:type": {}}, id="a field less"),
        pytest.param(
            {"selector": {"a": "1"}}, {"selector": {"a": "2"}}, {"f:selector": {}}, {}, id="within an atomic map"
        ),
        pytest.param(
            {"ports": [{"port": 80, "name": "a"}, {"port": 81}]},
            {"ports": [{"port": 82}, {"port": 80, "name": "b"}]},
            {
                "f:ports": {
                    'k:{"port":80,"protocol":"TCP"}': {"f:name": {}},
                    'k:{"port":82,"protocol":"TCP"}': {".": {}, "f:port": {}},
                }
            },
            {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
            id="items of a list",
        ),
        pytest.param(
            {"ports": [{"port": 80}, {"port": 81}]},
            {"ports": [{"port": 81}, {"port": 80}]},
            {},
            {},
            id="the order of items is nobody's",
        ),
        pytest.param(
            {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]},
            {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "c"}]},
            {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {}}},
            {},
            id="items that cannot be told apart",
        ),
    ],
)
def test_what_an_update_does(old: Any, new: Any, changed: Any, removed: Any) -> None:
    found = difference({"spec": old}, {"spec": new}, SERVICE)
    assert found.changed == ({"f:spec": changed} if changed else {})
    assert found.removed == ({"f:spec": removed} if removed else {})


CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc")},
        optional={
            "image": st.sampled_from(["x", "y"]),
            "args": st.lists(st.sampled_from("pq"), max_size=2),
            "resources": st.fixed_dictionaries({}, optional={"limits": st.dictionaries(st.just("cpu"), st.just("1"))}),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda container: container["name"],
)
PODS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), min_size=1),
                "finalizers": st.lists(st.sampled_from("xyz"), unique=True, min_size=1),
            },
        ),
        "spec": st.fixed_dictionaries({"containers": CONTAINERS}, optional={"hostname": st.sampled_from("hi")}),
    }
)


@given(PODS, PODS)
def test_a_difference_is_told_of_both_sides(old: Any, new: Any) -> None:
    before = copy.deepcopy((old, new))
    forth, back = difference(old, new, POD), difference(new, old, POD)
    assert (old, new) == before
    assert fieldset.intersection(forth.changed, forth.removed) == {}
    # What one way removes the other way adds.
    assert fieldset.difference(forth.removed, back.changed) == {}
    assert fieldset.difference(back.removed, forth.changed) == {}
    assert difference(old, copy.deepcopy(old), POD) == NOTHING


@given(PODS, PODS)
def test_what_is_created_and_changed_covers_what_is_there(old: Any, new: Any) -> None:
    found = difference(old, new, POD)
    owned = fieldset.union(fieldset.difference(created(old, POD), found.removed), found.changed)
    assert fieldset.difference(created(new, POD), owned) == {}
    assert fieldset.intersection(owned, fieldset.difference(found.removed, found.changed)) == {}
