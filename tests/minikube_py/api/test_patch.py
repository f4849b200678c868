import copy
from typing import Any

import pytest

from minikube_py.api.patch import MalformedPatch, PatchNotApplicable, json_patch, merge_patch


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="adds"),
        pytest.param({"a": 1}, {"a": None}, {}, id="null deletes"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}, id="merges objects"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="replaces lists"),
        pytest.param({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}, id="an object replaces a number"),
        pytest.param({"a": 1}, [1], [1], id="what is no object replaces all"),
    ],
)
def test_merge_patch(doc: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy(doc)
    assert merge_patch(doc, patch) == result
    assert doc == before


@pytest.mark.parametrize(
    ("doc", "ops", "result"),
    [
        pytest.param({}, [{"op": "add", "path": "/a", "value": 1}], {"a": 1}, id="add a member"),
        pytest.param([1, 3], [{"op": "add", "path": "/1", "value": 2}], [1, 2, 3], id="insert into an array"),
        pytest.param([1], [{"op": "add", "path": "/-", "value": 2}], [1, 2], id="append"),
        pytest.param({"a": 1}, [{"op": "add", "path": "", "value": {"b": 1}}], {"b": 1}, id="replace the document"),
        pytest.param({"a": 1}, [{"op": "remove", "path": "/a"}], {}, id="remove"),
        pytest.param({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}, id="remove from an array"),
        pytest.param({"a": 1}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}, id="replace"),
        pytest.param({"a/b": {"c~d": 1}}, [{"op": "remove", "path": "/a~1b/c~0d"}], {"a/b": {}}, id="escapes"),
        pytest.param({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}, id="move"),
        pytest.param({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}, id="copy"),  # noqa: E501
        pytest.param({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}, id="test holds"),
        pytest.param({}, [{"op": "test", "path": "/a", "value": None}], {}, id="a missing member is null"),
        pytest.param({"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}, id="move to itself"),
    ],
)  # fmt: skip
def test_json_patch(doc: Any, ops: Any, result: Any) -> None:
    before = copy.deepcopy(doc)
    assert json_patch(doc, ops) == result
    assert doc == before


@pytest.mark.parametrize(
    ("doc", "op", "error"),
    [
        pytest.param({}, {"op": "remove", "path": "/a"}, PatchNotApplicable, id="remove what is not there"),
        pytest.param({}, {"op": "replace", "path": "/a", "value": 1}, PatchNotApplicable, id="replace nothing"),
        pytest.param({}, {"op": "add", "path": "/a/b", "value": 1}, PatchNotApplicable, id="no parent"),
        pytest.param([1], {"op": "add", "path": "/5", "value": 1}, PatchNotApplicable, id="beyond the end"),
        pytest.param([1], {"op": "remove", "path": "/-"}, PatchNotApplicable, id="nothing after the end"),
        pytest.param([1], {"op": "remove", "path": "/01"}, PatchNotApplicable, id="a leading zero"),
        pytest.param({"a": True}, {"op": "test", "path": "/a", "value": 1}, PatchNotApplicable, id="true is not one"),
        pytest.param({"a": {}}, {"op": "move", "from": "/a", "path": "/a/b"}, PatchNotApplicable, id="into itself"),
        pytest.param({"a": 1}, {"op": "add", "path": "/a/b", "value": 1}, PatchNotApplicable, id="below a number"),
        pytest.param({}, {"op": "remove", "path": ""}, PatchNotApplicable, id="the whole document"),
        pytest.param({}, {"op": "increase", "path": "/a"}, PatchNotApplicable, id="unknown operation"),
        pytest.param({}, {"op": ["add"], "path": "/a"}, PatchNotApplicable, id="an operation that is no text"),
        pytest.param({}, {"op": "add", "path": "a", "value": 1}, PatchNotApplicable, id="no pointer"),
        pytest.param({}, {"op": "add", "path": "/a"}, PatchNotApplicable, id="no value"),
        pytest.param({}, {"op": "move", "path": "/a"}, PatchNotApplicable, id="no source"),
        pytest.param({}, 5, MalformedPatch, id="no object"),
    ],
)
def test_json_patch_errors(doc: Any, op: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        json_patch(doc, [op])


def test_a_json_patch_is_an_array() -> None:
    with pytest.raises(MalformedPatch):
        json_patch({}, {})


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        pytest.param({"op": "add", "path": "/a/-1", "value": 3}, [1, 2, 3], id="behind the last item"),
        pytest.param({"op": "add", "path": "/a/-2", "value": 3}, [1, 3, 2], id="before the last item"),
        pytest.param({"op": "replace", "path": "/a/-1", "value": 3}, [1, 3], id="the last item"),
        pytest.param({"op": "remove", "path": "/a/-2"}, [2], id="the last item but one"),
    ],
)
def test_a_negative_index_counts_from_the_end_as_upstream(operation: dict[str, object], result: list[int]) -> None:
    assert json_patch({"a": [1, 2]}, [operation]) == {"a": result}


def test_a_negative_index_before_the_first_item() -> None:
    with pytest.raises(PatchNotApplicable, match="invalid index: -3"):
        json_patch({"a": [1, 2]}, [{"op": "remove", "path": "/a/-3"}])


def test_copies_are_bounded() -> None:
    doubling = {"op": "copy", "from": "", "path": "/a/-"}
    with pytest.raises(PatchNotApplicable, match="exceeding the limit"):
        json_patch({"a": ["x" * 1000]}, [doubling] * 40)
