"""Applies one after another: what the object becomes, who manages what, and the laws that hold whatever happens."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.applied import Apply, ApplyConflicts, apply
from minikube_py.api.apply.configuration import InvalidConfiguration, check, fields_of
from minikube_py.api.apply.managers import Writer, after_update, encode_created
from minikube_py.api.apply.shapes import Shapes
from minikube_py.api.apply.walk import created, difference
from minikube_py.api.schema import Schemas

SCHEMAS = Schemas("1.32")
POD = Shapes(SCHEMAS).of_definition("io.k8s.api.core.v1.Pod")
SERVICE = Shapes(SCHEMAS).of_definition("io.k8s.api.core.v1.Service")


def normalize(obj: Any) -> Any:
    return SCHEMAS.decode_check("v1", obj.get("kind", "Pod"), obj).pruned


class Cluster:
    """One object, written by managers in turn."""

    def __init__(self, kind: str = "Pod") -> None:
        self.shape = {"Pod": POD, "Service": SERVICE}[kind]
        self.kind = kind
        self.obj: Any = None
        self.clock = 0

    @property
    def entries(self) -> list[Any]:
        return self.obj["metadata"].get("managedFields", []) if self.obj else []

    def writer(self, manager: str) -> Writer:
        self.clock += 1
        return Writer(manager, "v1", "", f"2026-11-21T00:{self.clock // 60:02}:{self.clock % 60:02}Z")

    def apply(self, manager: str, config: Any, *, force: bool = False) -> None:
        config = {
            "apiVersion": "v1",
            "kind": self.kind,
            **config,
            "metadata": {"name": "x", **config.get("metadata", {})},
        }
        check(config, self.shape)
        outcome = apply(self.obj, Apply(config, self.shape, self.writer(manager), force, normalize, {}))
        self._store(outcome.obj, outcome.entries)

    def update(self, manager: str, obj: Any) -> None:
        obj = {
            "apiVersion": "v1",
            "kind": self.kind,
            **obj,
            "metadata": {"name": "x", "uid": "u", **obj.get("metadata", {})},
        }
        if self.obj is None:
            self._store(obj, encode_created(created(obj, self.shape), self.writer(manager)))
            return
        what = difference(self.plain(), obj, self.shape)
        self._store(obj, after_update(self.entries, what, self.writer(manager)))

    def _store(self, obj: Any, entries: list[Any]) -> None:
        meta = {**obj.get("metadata", {}), "uid": "u"}
        meta.pop("managedFields", None)
        self.obj = {**obj, "metadata": {**meta, "managedFields": entries} if entries else meta}

    def plain(self) -> Any:
        meta = {key: value for key, value in self.obj["metadata"].items() if key != "managedFields"}
        return {**self.obj, "metadata": meta}

    def owners(self) -> dict[str, Any]:
        """The sets of appliers by name, those of updaters with a question mark behind it."""
        mark = {"Apply": "", "Update": "?"}
        return {entry["manager"] + mark[entry["operation"]]: entry["fieldsV1"] for entry in self.entries}


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(items)}}


class TestExamples:
    def test_two_appliers_share_a_list(self) -> None:
        cluster = Cluster()
        cluster.apply("one", containers({"name": "a", "image": "x"}))
        cluster.apply("two", containers({"name": "b", "image": "y"}))
        assert [c["name"] for c in cluster.obj["spec"]["containers"]] == ["a", "b"]
        cluster.apply("one", {})
        assert cluster.obj["spec"]["containers"] == [{"name": "b", "image": "y"}]

    def test_the_order_of_the_configuration_wins_and_others_keep_their_places(self) -> None:
        cluster = Cluster()
        cluster.update("maker", containers({"name": "a"}, {"name": "other"}, {"name": "b"}))
        cluster.apply("one", containers({"name": "b"}, {"name": "a"}, {"name": "c"}), force=True)
        assert [c["name"] for c in cluster.obj["spec"]["containers"]] == ["other", "b", "a", "c"]

    def test_a_value_that_others_gave_up_may_be_applied(self) -> None:
        cluster = Cluster()
        cluster.apply("one", {"metadata": {"labels": {"a": "1"}}})
        cluster.apply("one", {"metadata": {"labels": {"b": "1"}}})
        cluster.apply("two", {"metadata": {"labels": {"a": "2"}}})
        assert cluster.obj["metadata"]["labels"] == {"a": "2", "b": "1"}

    def test_an_item_goes_only_with_its_last_applier(self) -> None:
        cluster = Cluster("Service")
        port = {"port": 80, "protocol": "TCP"}
        cluster.apply("one", {"spec": {"ports": [port]}})
        cluster.apply("two", {"spec": {"ports": [port]}})
        cluster.apply("one", {"spec": {"type": "NodePort"}})
        assert cluster.obj["spec"]["ports"] == [port]
        cluster.apply("two", {"spec": {"type": "NodePort"}})
        assert "ports" not in cluster.obj["spec"]

    def test_what_an_updater_wrote_stays(self) -> None:
        cluster = Cluster()
        cluster.update("maker", {"metadata": {"labels": {"a": "1"}}})
        cluster.apply("one", {"metadata": {"labels": {"b": "1"}}})
        cluster.apply("one", {})
        assert cluster.obj["metadata"]["labels"] == {"a": "1"}

    def test_an_atomic_map_is_owned_as_a_whole(self) -> None:
        cluster = Cluster("Service")
        cluster.apply("one", {"spec": {"selector": {"a": "1"}}})
        with pytest.raises(ApplyConflicts, match=r"\.spec\.selector$"):
            cluster.apply("two", {"spec": {"selector": {"b": "1"}}})
        cluster.apply("two", {"spec": {"selector": {"b": "1"}}}, force=True)
        assert cluster.obj["spec"]["selector"] == {"b": "1"}
        assert "one" not in cluster.owners()

    def test_equal_quantities_do_not_conflict(self) -> None:
        cluster = Cluster()
        cluster.apply("one", containers({"name": "a", "resources": {"limits": {"cpu": "1"}}}))
        cluster.apply("two", containers({"name": "a", "resources": {"limits": {"cpu": "1000m"}}}))
        assert set(cluster.owners()) == {"one", "two"}

    def test_a_zero_that_go_drops_is_owned_all_the_same(self) -> None:
        cluster = Cluster()
        cluster.apply("one", {"spec": {"hostNetwork": False}})
        assert cluster.owners() == {"one": {"f:spec": {"f:hostNetwork": {}}}}

    def test_a_null_takes_a_value_away_and_keeps_it_away(self) -> None:
        cluster = Cluster()
        cluster.update("maker", {"spec": {"hostname": "h"}})
        cluster.apply("one", {"spec": {"hostname": None}}, force=True)
        assert "hostname" not in cluster.obj.get("spec", {})
        assert cluster.owners()["one"] == {"f:spec": {"f:hostname": {}}}

    def test_the_time_of_an_entry_is_that_of_its_last_change(self) -> None:
        cluster = Cluster()
        cluster.apply("one", {"spec": {"hostname": "h"}})
        first = copy.deepcopy(cluster.obj)
        cluster.apply("one", {"spec": {"hostname": "h"}})
        assert cluster.obj == first
        cluster.apply("one", {"spec": {"hostname": "i"}})
        assert cluster.entries[0]["time"] > first["metadata"]["managedFields"][0]["time"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param({"spec": {"nope": 1}}, ".spec.nope: field not declared in schema", id="an unknown field"),
        pytest.param({"spec": []}, ".spec: expected map, got &{[]}", id="a list for a struct"),
        pytest.param({"spec": {"ports": {}}}, ".spec.ports: expected list, got &{map[]}", id="a map for a list"),
        pytest.param(
            {"spec": {"ports": [{"port": "80"}]}},
            '.spec.ports[port="80",protocol="TCP"].port: expected numeric (int or float), got string',
            id="text for a number",
        ),
        pytest.param(
            {"spec": {"publishNotReadyAddresses": "yes"}},
            ".spec.publishNotReadyAddresses: expected boolean, got string",
            id="text for a boolean",
        ),
        pytest.param(
            {"spec": {"ports": [{"name": "a"}]}},
            '.spec.ports: element 0: associative list with keys has an element that omits key field "port" '
            "(and doesn't have default value)",
            id="an item without its key",
        ),
        pytest.param(
            {"spec": {"ports": [1]}},
            ".spec.ports: element 0: associative list with keys may not have non-map elements",
            id="an item that is no object",
        ),
        pytest.param(
            {"spec": {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]}},
            '.spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
            id="the same key twice",
        ),
        pytest.param(
            {"metadata": {"finalizers": ["a", None]}},
            ".metadata.finalizers: element 1: associative list without keys has an element that's an explicit null",
            id="a null in a set",
        ),
        pytest.param(
            {"a": 1, "b": 1},
            "errors:\n  .a: field not declared in schema\n  .b: field not declared in schema",
            id="all faults at once",
        ),
    ],
)
def test_a_configuration_that_is_none(config: Any, message: str) -> None:
    with pytest.raises(InvalidConfiguration) as raised:
        check(config, SERVICE)
    assert str(raised.value) == message


ITEMS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc")},
        optional={
            "image": st.sampled_from(["x", "y"]),
            "args": st.lists(st.sampled_from("pq"), min_size=1, max_size=2),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda item: item["name"],
)
LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), min_size=1)
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {}, optional={"labels": LABELS, "finalizers": st.lists(st.sampled_from("xy"), unique=True, min_size=1)}
        ),
        "spec": st.fixed_dictionaries(
            {}, optional={"containers": ITEMS, "hostname": st.sampled_from("hi"), "nodeSelector": LABELS}
        ),
    },
)
MANAGERS = st.sampled_from(["one", "two", "three"])
STEPS = st.lists(st.tuples(st.sampled_from(["apply", "update"]), MANAGERS, CONFIGS), min_size=1, max_size=5)


def after(steps: Any) -> Cluster:
    cluster = Cluster()
    for verb, manager, config in steps:
        if verb == "apply":
            cluster.apply(manager, config, force=True)
        else:
            cluster.update(manager, config)
    return cluster


@settings(deadline=None, max_examples=60)
@given(STEPS, MANAGERS, CONFIGS)
def test_an_apply_is_idempotent(steps: Any, manager: str, config: Any) -> None:
    cluster = after(steps)
    cluster.apply(manager, config, force=True)
    once = copy.deepcopy(cluster.obj)
    cluster.apply(manager, config)
    assert cluster.obj == once


@settings(deadline=None, max_examples=60)
@given(STEPS, MANAGERS, CONFIGS)
def test_what_is_applied_is_there_and_owned(steps: Any, manager: str, config: Any) -> None:
    cluster = after(steps)
    cluster.apply(manager, config, force=True)
    named = fieldset.difference(fields_of(config, POD), {"f:metadata": {}})
    assert fieldset.difference(named, cluster.owners().get(manager, {})) == {}
    # Applying it to what is there changes nothing: every value is there.
    again = apply(cluster.obj, Apply(config, POD, cluster.writer(manager), False, normalize, {}))
    assert difference(cluster.plain(), again.obj, POD).changed == {}


@settings(deadline=None, max_examples=60)
@given(STEPS, MANAGERS, CONFIGS)
def test_applying_nothing_takes_back_what_only_this_manager_owned(steps: Any, manager: str, config: Any) -> None:
    cluster = after([("update", "maker", {}), *(step for step in steps if step[:2] != ("apply", manager))])
    before = copy.deepcopy(cluster.plain())
    others = copy.deepcopy(cluster.owners())
    cluster.apply(manager, config, force=True)
    cluster.apply(manager, {})
    assert manager not in cluster.owners()
    # What was there before and is gone was named by the configuration, so it was taken by force.
    lost = fieldset.leaves(difference(before, cluster.plain(), POD).removed)
    assert fieldset.difference(lost, created(normalize(config), POD)) == {}
    for name, fields in cluster.owners().items():
        assert fieldset.difference(fields, others[name]) == {}


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_every_field_that_is_set_has_a_manager(steps: Any) -> None:
    cluster = after(steps)
    owned: Any = {}
    for fields in cluster.owners().values():
        owned = fieldset.union(owned, fields)
    system = {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {"f:name": {}, "f:uid": {}}}
    there = fieldset.leaves(fieldset.difference(created(cluster.plain(), POD), system))
    assert fieldset.difference(there, owned) == {}


@settings(deadline=None, max_examples=60)
@given(STEPS, MANAGERS, CONFIGS)
def test_without_force_nobody_loses_a_field(steps: Any, manager: str, config: Any) -> None:
    cluster = after(steps)
    before = copy.deepcopy(cluster.obj)
    owners = {(e["operation"], e["manager"]): e["fieldsV1"] for e in cluster.entries}
    try:
        cluster.apply(manager, config)
    except ApplyConflicts as conflicts:
        assert cluster.obj == before
        for conflict in conflicts.conflicts:
            assert fieldset.contains(owners[conflict.manager.operation, conflict.manager.manager], conflict.path)
        return
    found = {(e["operation"], e["manager"]): e["fieldsV1"] for e in cluster.entries}
    what = difference(
        {**before, "metadata": {k: v for k, v in before["metadata"].items() if k != "managedFields"}},
        cluster.plain(),
        POD,
    )
    for owner, fields in owners.items():
        if owner != ("Apply", manager):
            lost = fieldset.difference(fields, found.get(owner, {}))
            assert fieldset.difference(lost, what.removed) == {}


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_entries_are_in_normal_form_and_one_per_identity(steps: Any) -> None:
    cluster = after(steps)
    identities = [(e["operation"], e["manager"]) for e in cluster.entries]
    assert len(set(identities)) == len(identities)
    for entry in cluster.entries:
        assert fieldset.parse(entry["fieldsV1"]) == entry["fieldsV1"] != {}
