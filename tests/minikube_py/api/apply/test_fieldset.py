"""The algebra of sets of field paths, against plain Python sets of paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.fieldset import FieldSet, InvalidFields, Path

ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"a"}', 'v:"x"'])
PATHS = st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple)
MODELS = st.frozensets(PATHS, max_size=8)


def made(model: frozenset[Path]) -> FieldSet:
    return fieldset.from_paths(model)


def members(fields: FieldSet) -> frozenset[Path]:
    found = list(fieldset.paths(fields))
    assert len(found) == len(set(found))
    return frozenset(found)


@given(MODELS)
def test_a_set_holds_the_paths_that_it_is_made_of(model: frozenset[Path]) -> None:
    assert members(made(model)) == model
    assert all(fieldset.contains(made(model), path) for path in model)


@given(MODELS, PATHS)
def test_contains(model: frozenset[Path], path: Path) -> None:
    assert fieldset.contains(made(model), path) == (path in model)


@given(MODELS, MODELS)
def test_union(left: frozenset[Path], right: frozenset[Path]) -> None:
    assert fieldset.union(made(left), made(right)) == made(left | right)


@given(MODELS, MODELS)
def test_difference(left: frozenset[Path], right: frozenset[Path]) -> None:
    assert fieldset.difference(made(left), made(right)) == made(left - right)


@given(MODELS, MODELS)
def test_recursive_difference(left: frozenset[Path], right: frozenset[Path]) -> None:
    below = frozenset(path for path in left if any(path[: len(gone)] == gone for gone in right))
    assert fieldset.recursive_difference(made(left), made(right)) == made(left - below)


@given(MODELS, MODELS)
def test_intersection(left: frozenset[Path], right: frozenset[Path]) -> None:
    assert fieldset.intersection(made(left), made(right)) == made(left & right)


@given(MODELS)
def test_leaves(model: frozenset[Path]) -> None:
    below = frozenset(path for path in model if not any(o != path and o[: len(path)] == path for o in model))
    assert fieldset.leaves(made(model)) == made(below)


@given(MODELS, MODELS)
def test_nothing_is_changed_in_place_and_what_stays_the_same_is_the_same(
    left: frozenset[Path], right: frozenset[Path]
) -> None:
    one, other = made(left), made(right)
    for operation in (fieldset.union, fieldset.difference, fieldset.recursive_difference, fieldset.intersection):
        operation(one, other)
    assert (one, other) == (made(left), made(right))
    assert fieldset.difference(one, made(right - left)) is one or left & right
    assert fieldset.union(one, made(left)) is one or not left


@given(MODELS)
def test_what_is_written_is_read_again(model: frozenset[Path]) -> None:
    assert fieldset.parse(made(model)) == made(model)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        pytest.param([], "expected an object", id="a list"),
        pytest.param({"f:a": 1}, "expected an object", id="a number below"),
        pytest.param({"": {}}, "key must be 2 characters long:", id="an empty key"),
        pytest.param({"spec": {}}, "missing colon: spec", id="no kind of element"),
        pytest.param({"k:nope": {}}, "parsing k:nope", id="a key that is no JSON"),
        pytest.param({"k:[1]": {}}, "expected an object", id="a key that is a list"),
        pytest.param({'k:{"a":{}}': {}}, "keys must be scalars", id="a key of objects"),
        pytest.param({"i:x": {}}, "parsing i:x", id="an index that is no number"),
        pytest.param({'i:"1"': {}}, "expected an integer", id="an index that is text"),
    ],
)
def test_what_is_no_set_is_refused(sent: Any, message: str) -> None:
    with pytest.raises(InvalidFields, match=message.replace("[", "\\[")):
        fieldset.parse(sent)


def test_elements_of_an_unknown_kind_are_left_out() -> None:
    assert fieldset.parse({"x:later": {"f:a": {}}, "f:b": {".": {}}}) == {"f:b": {}}


def test_keys_are_put_in_canonical_form() -> None:
    assert fieldset.parse({'k:{ "b": 1, "a": "x" }': {}}) == {'k:{"a":"x","b":1}': {}}


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(1000):
        deep = {"f:a": deep}
    with pytest.raises(InvalidFields, match="too deeply"):
        fieldset.parse(deep)


def test_items_come_in_the_order_of_their_keys() -> None:
    fields = fieldset.parse({'k:{"port":443}': {}, 'k:{"port":80}': {}, "f:b": {}, ".": {}, "f:a": {}})
    assert list(fields) == ["f:a", "f:b", 'k:{"port":80}', 'k:{"port":443}']


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param(("f:spec", "f:replicas"), ".spec.replicas", id="fields"),
        pytest.param(
            ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name"),
            '.spec.ports[port=80,protocol="TCP"].name',
            id="an item by its keys",
        ),
        pytest.param(("f:finalizers", 'v:"a/b"'), '.finalizers[="a/b"]', id="an item of a set"),
        pytest.param(("f:items", "i:3"), ".items[3]", id="an index"),
    ],
)
def test_a_path_is_shown_as_upstream_does(path: Path, shown: str) -> None:
    assert fieldset.show(path) == shown
