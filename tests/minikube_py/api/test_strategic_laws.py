"""Laws of strategic merge, against a naive model of objects whose items are told apart by their names."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from minikube_py.api.patch import strategic_merge_patch
from minikube_py.api.schema import Schemas

SCHEMAS = Schemas()
POD = "io.k8s.api.core.v1.Pod"

TEXTS = st.sampled_from(["x", "y"])
ENV = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("pq")}, optional={"value": TEXTS}),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item["name"],
)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcd")},
        optional={"image": TEXTS, "args": st.lists(TEXTS, min_size=1, max_size=2), "env": ENV},
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda item: item["name"],
)
PODS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(st.sampled_from("lm"), TEXTS, min_size=1),
                "finalizers": st.lists(st.sampled_from("uvw"), unique=True, min_size=1),
            },
        ),
        "spec": st.fixed_dictionaries({"containers": CONTAINERS}, optional={"hostname": TEXTS}),
    }
)
KEYED = frozenset({"containers", "env"})


def patched(doc: Any, patch: Any) -> Any:
    return strategic_merge_patch(doc, patch, SCHEMAS, POD)


def canonical(value: Any, key: str = "") -> Any:
    """The value without the order of lists in which it does not matter."""
    if isinstance(value, dict):
        return {name: canonical(item, name) for name, item in value.items()}
    if isinstance(value, list) and key in KEYED:
        return {item["name"]: canonical(item) for item in value}
    return sorted(value) if key == "finalizers" else value


def naive(doc: Any, patch: Any, key: str = "") -> Any:
    """Two canonical values laid over each other."""
    if isinstance(doc, dict) and isinstance(patch, dict):
        return {name: naive(doc.get(name), patch.get(name), name) for name in {**doc, **patch}}
    if patch is None:
        return doc
    return sorted({*(doc or []), *patch}) if key == "finalizers" else patch


def diff(old: Any, new: Any) -> Any:
    """A patch from ``old`` to ``new`` as kubectl makes it, with directives."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if name in KEYED and before is not None:
            items = {item["name"]: item for item in before}
            changes = [
                {"name": item["name"], **diff(items.get(item["name"], {}), item)}
                for item in value
                if items.get(item["name"]) != item
            ]
            gone = [name for name in items if name not in {item["name"] for item in value}]
            patch[f"$setElementOrder/{name}"] = [{"name": item["name"]} for item in value]
            if changes or gone:
                patch[name] = [*changes, *({"$patch": "delete", "name": name} for name in gone)]
        elif name == "finalizers" and before is not None:
            patch["$setElementOrder/finalizers"] = value
            added, gone = [i for i in value if i not in before], [i for i in before if i not in value]
            if added:
                patch[name] = added
            if gone:
                patch["$deleteFromPrimitiveList/finalizers"] = gone
        elif isinstance(value, dict) and isinstance(before, dict):
            patch[name] = diff(before, value)
        else:
            patch[name] = value
    return patch


@settings(deadline=None)
@given(PODS, PODS)
def test_a_patch_without_directives_is_laid_over(doc: Any, patch: Any) -> None:
    before = copy.deepcopy((doc, patch))
    assert canonical(patched(doc, patch)) == naive(canonical(doc), canonical(patch))
    assert (doc, patch) == before


@settings(deadline=None)
@given(PODS, PODS)
def test_the_same_patch_again_changes_nothing(doc: Any, patch: Any) -> None:
    once = patched(doc, patch)
    assert patched(once, patch) == once


@settings(deadline=None)
@given(PODS, PODS)
def test_what_kubectl_makes_of_a_difference_leads_to_the_new_object(old: Any, new: Any) -> None:
    assert patched(old, diff(old, new)) == new


@settings(deadline=None)
@given(PODS, PODS, CONTAINERS)
def test_what_others_added_meanwhile_stays(old: Any, new: Any, added: Any) -> None:
    known = {item["name"] for item in [*old["spec"]["containers"], *new["spec"]["containers"]]}
    others = [item for item in added if item["name"] not in known]
    live = {**old, "spec": {**old["spec"], "containers": [*old["spec"]["containers"], *others]}}
    result = patched(live, diff(old, new))["spec"]["containers"]
    assert [item for item in result if item["name"] in known] == new["spec"]["containers"]
    assert [item for item in result if item["name"] not in known] == others


@settings(deadline=None)
@given(PODS, st.sampled_from("abcd"))
def test_a_deleted_item_is_gone_and_the_others_are_as_they_were(doc: Any, name: str) -> None:
    result = patched(doc, {"spec": {"containers": [{"$patch": "delete", "name": name}]}})
    assert result["spec"]["containers"] == [item for item in doc["spec"]["containers"] if item["name"] != name]


@settings(deadline=None)
@given(PODS, PODS)
def test_a_replaced_map_is_the_patch(doc: Any, other: Any) -> None:
    assert patched(doc, {"spec": {"$patch": "replace", **other["spec"]}})["spec"] == other["spec"]
