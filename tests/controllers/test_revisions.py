from __future__ import annotations

from typing import Any

import pytest

from controllers import revisions
from controllers.revisions import Missing, RollBack, Unchanged
from minikube_py.api.meta import Object

OWNER = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "web", "namespace": "default", "uid": "u"},
}


def template(image: str) -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def revision(image: str, number: int, **meta: Any) -> Object:
    made = revisions.new_revision(
        OWNER, revisions.data_of_template(template(image)), number, collision_count=0, labels={}, annotations={}
    )
    made["metadata"].update(meta)
    return made


def test_a_revision_is_named_by_its_data_and_controlled_by_its_owner():
    data = revisions.data_of_template(template("a"))
    made = revisions.new_revision(
        OWNER, data, 3, collision_count=0, labels={"app": "web"}, annotations={"kubernetes.io/change-cause": "x"}
    )
    hashed = made["metadata"]["labels"][revisions.HASH_LABEL]
    assert made["metadata"]["name"] == f"web-{hashed}"
    assert made["metadata"]["labels"] == {"app": "web", revisions.HASH_LABEL: hashed}
    assert made["metadata"]["annotations"] == {"kubernetes.io/change-cause": "x"}
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert (made["apiVersion"], made["kind"], made["revision"]) == ("apps/v1", "ControllerRevision", 3)
    assert made["data"]["spec"]["template"]["$patch"] == "replace"
    assert revisions.template_of(made) == template("a")


def test_a_collision_gives_another_name_and_a_long_name_is_cut():
    data = revisions.data_of_template(template("a"))
    assert len({revisions.hash_of(data, count) for count in (None, 0, 1, 2)}) == 4
    assert len(revisions.revision_name("x" * 253, "abc")) == 227


@pytest.mark.parametrize(
    ("kept", "image", "planned"),
    [
        pytest.param([], "a", Missing(1), id="the first"),
        pytest.param([revision("a", 1)], "b", Missing(2), id="a template never seen"),
        pytest.param([revision("a", 1), revision("b", 2)], "b", Unchanged(revision("b", 2)), id="the newest"),
        pytest.param([revision("b", 7), revision("a", 4)], "a", RollBack(revision("a", 4), 8), id="an older one"),
        pytest.param(
            [revision("a", 1), revision("a", 2), revision("b", 3)],
            "a",
            RollBack(revision("a", 2), 4),
            id="of equals the newest",
        ),
    ],
)
def test_which_revision_is_to_be_the_newest(kept, image, planned):
    found = revisions.plan(kept, revisions.data_of_template(template(image)))
    assert found == planned
    if isinstance(found, RollBack):
        assert found.renumbered() == {**found.revision, "revision": found.number}


@pytest.mark.parametrize(
    ("live", "limit", "options", "gone"),
    [
        pytest.param("", 10, {}, "", id="within the limit"),
        pytest.param("", 2, {}, "ab", id="the oldest go"),
        pytest.param("a", 2, {}, "b", id="those in use stay and do not count"),
        pytest.param("a", 2, {"count_live": True}, "bc", id="those in use stay and count"),
        pytest.param("abcd", 0, {"count_live": True}, "", id="all in use"),
        pytest.param("", -1, {}, "", id="no limit"),
    ],
)
def test_which_revisions_are_too_many(live, limit, options, gone):
    kept = [revision(name, number, name=name) for number, name in enumerate("abcd", start=1)]
    found = revisions.surplus(reversed(kept), set(live), limit, **options)
    assert [one["metadata"]["name"] for one in found] == list(gone)


def test_revisions_of_one_number_are_in_order_of_creation_then_name():
    kept = [
        revision("a", 1, name="c", creationTimestamp="2026-01-01T00:00:02Z"),
        revision("a", 1, name="b", creationTimestamp="2026-01-01T00:00:01Z"),
        revision("a", 1, name="a", creationTimestamp="2026-01-01T00:00:01Z"),
    ]
    assert [one["metadata"]["name"] for one in revisions.in_order(kept)] == ["a", "b", "c"]
