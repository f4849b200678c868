"""Whatever a client sends, the outcome is an object or one modelled error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.applied import LAST_APPLIED, Apply, ApplyConflicts, apply
from minikube_py.api.apply.configuration import InvalidConfiguration, check
from minikube_py.api.apply.fieldset import InvalidFields
from minikube_py.api.apply.managers import Writer, after_update, parse_entries
from minikube_py.api.apply.shapes import Shapes
from minikube_py.api.apply.walk import created, difference
from minikube_py.api.schema import Schemas

SCHEMAS = Schemas("1.32")
SERVICE = Shapes(SCHEMAS).of_definition("io.k8s.api.core.v1.Service")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spec", "ports", "port", "metadata", "labels", "name", "finalizers", "status", "selector", ""]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={"labels": JSON, "finalizers": JSON, "ownerReferences": JSON, "annotations": JSON, "name": JSON},
        ),
        "spec": st.fixed_dictionaries({}, optional={"ports": JSON | st.lists(JSON), "selector": JSON, "type": JSON}),
        "status": JSON,
    },
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "manager": st.text(max_size=3),
            "operation": st.sampled_from(["Apply", "Update", "x"]),
            "apiVersion": st.sampled_from(["v1", "v2", ""]),
            "fieldsType": st.sampled_from(["FieldsV1", ""]),
            "subresource": st.sampled_from(["", "status"]),
            "time": st.sampled_from(["2026-11-21T00:00:00Z", "never", None]) | JSON,
            "fieldsV1": st.recursive(
                st.just({}),
                lambda inner: st.dictionaries(
                    st.sampled_from([".", "f:spec", 'k:{"port":80}', 'k:{"port":"a"}', 'v:"x"', "v:1", "i:0", "?"]),
                    inner,
                ),
                max_leaves=8,
            ),
        },
    )
    | JSON,
    max_size=4,
)


def normalize(obj: Any) -> Any:
    checked = SCHEMAS.decode_check("v1", "Service", obj)
    if checked.type_errors:
        raise InvalidConfiguration(checked.type_errors[0].message)
    return checked.pruned


def live() -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "uid": "u", "labels": {"l": "1"}},
        "spec": {"ports": [{"port": 80, "protocol": "TCP"}], "selector": {"a": "b"}},
    }


@settings(deadline=None, max_examples=300)
@given(OBJECTS | JSON, st.booleans())
def test_a_configuration_is_applied_or_refused(config: Any, force: bool) -> None:
    try:
        check(config, SERVICE)
    except InvalidConfiguration:
        return
    if not isinstance(config, dict):
        return
    change = Apply(config, SERVICE, Writer("kubectl", "v1", "", "2026-11-21T00:00:00Z"), force, normalize, {})
    for old in (None, live()):
        try:
            outcome = apply(old, change)
        except (ApplyConflicts, InvalidConfiguration):
            continue
        assert all(fieldset.parse(entry["fieldsV1"]) for entry in outcome.entries)


@settings(deadline=None, max_examples=300)
@given(ENTRIES)
def test_entries_are_taken_in_normal_form_or_refused(sent: Any) -> None:
    try:
        entries = parse_entries(sent)
    except InvalidFields:
        return
    assert parse_entries(entries) == entries
    new = {**live(), "spec": {"type": "NodePort"}}
    what = difference(live(), new, SERVICE)
    after_update(entries, what, Writer("a", "v1", "", "2026-11-21T00:00:00Z"))


@settings(deadline=None, max_examples=100)
@given(OBJECTS, OBJECTS)
def test_stored_objects_of_every_kind_are_walked(old: Any, new: Any) -> None:
    try:
        before, after = normalize(old), normalize(new)
    except InvalidConfiguration:
        return
    created(after, SERVICE)
    difference(before, after, SERVICE)


@pytest.mark.parametrize(
    "annotation", ["", "{", "[]", "1", '{"apiVersion":"v1","spec":3}', '{"apiVersion":"v1","spec":{"ports":[1]}}']
)
def test_an_annotation_that_is_no_configuration_allows_nothing(annotation: str) -> None:
    old = live()
    old["metadata"]["annotations"] = {LAST_APPLIED: annotation}
    config = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selector": {"a": "c"}}}
    change = Apply(config, SERVICE, Writer("kubectl", "v1", "", "2026-11-21T00:00:00Z"), False, normalize, {})
    with pytest.raises(ApplyConflicts):
        apply(old, change)
