"""Entries of managedFields: what an update makes of them, how many there are, and what is taken from a client."""

from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.apply.fieldset import InvalidFields
from minikube_py.api.apply.managers import (
    Writer,
    after_update,
    cap,
    encode,
    encode_created,
    is_reset,
    parse_entries,
    stored_managers,
)
from minikube_py.api.apply.walk import NOTHING, Difference

LATER = "2026-11-21T00:01:00Z"


def entry(manager: str, fields: Any, operation: str = "Update", second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": f"2026-11-21T00:00:{second:02}Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def writer(manager: str = "me", subresource: str = "") -> Writer:
    return Writer(manager, "v1", subresource, LATER)


class TestUpdate:
    def test_what_changes_nothing_leaves_the_entries_themselves(self) -> None:
        entries = [entry("me", {"f:a": {}})]
        assert after_update(entries, NOTHING, writer()) is entries
        system = Difference({"f:metadata": {"f:generation": {}, "f:resourceVersion": {}}}, {})
        assert after_update(entries, system, writer()) is entries

    def test_another_value_moves_the_field_and_sets_the_time(self) -> None:
        entries = [entry("a", {"f:x": {}, "f:y": {}})]
        found = after_update(entries, Difference({"f:x": {}}, {}), writer())
        assert [(e["manager"], e["fieldsV1"], e["time"]) for e in found] == [
            ("a", {"f:y": {}}, entries[0]["time"]),
            ("me", {"f:x": {}}, LATER),
        ]
        assert entries == [entry("a", {"f:x": {}, "f:y": {}})]

    def test_a_manager_without_fields_goes(self) -> None:
        found = after_update([entry("a", {"f:x": {}})], Difference({"f:x": {}}, {}), writer())
        assert [e["manager"] for e in found] == ["me"]

    def test_what_is_removed_belongs_to_nobody(self) -> None:
        entries = [entry("a", {"f:x": {}, "f:y": {}}, "Apply"), entry("me", {"f:x": {}})]
        found = after_update(entries, Difference({}, {"f:x": {}}), writer())
        assert [(e["manager"], e["fieldsV1"]) for e in found] == [("a", {"f:y": {}})]

    def test_entries_of_one_manager_for_several_subresources(self) -> None:
        found = after_update([entry("me", {"f:x": {}})], Difference({"f:s": {}}, {}), writer(subresource="status"))
        assert [e.get("subresource") for e in found] == [None, "status"]

    def test_an_unnamed_manager_is_unknown(self) -> None:
        assert encode_created({"f:x": {}}, writer(""))[0]["manager"] == "unknown"

    def test_a_set_that_did_not_change_is_the_same_object(self) -> None:
        fields = {"f:x": {}, "f:y": {"f:z": {}}}
        found = after_update([entry("me", fields)], Difference({"f:y": {"f:z": {}}}, {}), writer())
        assert found[0]["fieldsV1"] is fields

    def test_applies_come_first_then_the_older(self) -> None:
        entries = [entry("b", {"f:b": {}}, second=9), entry("a", {"f:a": {}}, "Apply", second=10)]
        found = after_update(entries, Difference({"f:x": {}}, {}), writer())
        assert [e["manager"] for e in found] == ["a", "b", "me"]


class TestCap:
    def test_the_oldest_are_merged(self) -> None:
        managers = stored_managers(entry(f"m{n:02}", {f"f:{n:02}": {}}, second=n) for n in range(12))
        found = encode(cap(managers))
        assert len(found) == 10
        assert found[0]["manager"] == "ancient-changes"
        assert set(found[0]["fieldsV1"]) == {"f:00", "f:01", "f:02"}
        assert found[0]["time"] == "2026-11-21T00:00:02Z"

    def test_appliers_do_not_count(self) -> None:
        managers = stored_managers(entry(f"m{n:02}", {"f:x": {}}, "Apply") for n in range(20))
        assert cap(managers) is managers

    def test_versions_are_merged_apart(self) -> None:
        entries = [entry(f"m{n:02}", {f"f:{n}": {}}, second=n, apiVersion=f"v{n % 2}") for n in range(13)]
        found = encode(cap(stored_managers(entries)))
        assert sorted(e["apiVersion"] for e in found if e["manager"] == "ancient-changes") == ["v0", "v1"]
        assert sum(len(e["fieldsV1"]) for e in found) == 13


class TestEntriesOfAClient:
    @pytest.mark.parametrize("sent", [pytest.param([], id="none"), pytest.param([{}], id="an empty one")])
    def test_reset(self, sent: Any) -> None:
        assert is_reset(sent)

    @pytest.mark.parametrize("sent", [None, {}, [{}, {}], [{"manager": "a"}], "x"])
    def test_no_reset(self, sent: Any) -> None:
        assert not is_reset(sent)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"operation": "Own"}, "operation must be `Apply` or `Update`", id="another operation"),
            pytest.param({"apiVersion": ""}, "apiVersion must not be empty", id="no version"),
            pytest.param({"fieldsType": ""}, "missing fieldsType in managed fields entry 0", id="no type"),
            pytest.param(
                {"fieldsType": "FieldsV2"},
                'invalid fieldsType "FieldsV2" in managed fields entry 0',
                id="another type",
            ),
            pytest.param({"fieldsV1": {"x": {}}}, "key must be 2 characters long: x", id="no set"),
            pytest.param({"time": "soon"}, "time: ", id="no time"),
        ],
    )
    def test_what_is_none(self, change: Any, message: str) -> None:
        with pytest.raises(InvalidFields) as raised:
            parse_entries([{**entry("a", {"f:x": {}}), **change}])
        assert str(raised.value).startswith(message)

    def test_the_last_of_two_entries_of_one_manager_counts(self) -> None:
        assert parse_entries([entry("a", {"f:x": {}}), entry("a", {"f:y": {}})]) == [entry("a", {"f:y": {}})]
