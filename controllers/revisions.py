"""The history that StatefulSets and DaemonSets keep of their templates in ControllerRevisions; pure.

Follows ``k8s.io/kubernetes/pkg/controller/history``. A revision's data is a strategic merge patch that puts the owner's
template back, so that ``kubectl rollout undo`` can apply it. Names end in our own hash, not in upstream's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

from minikube_py.api.hashing import pod_template_hash
from minikube_py.api.meta import Object, controller_reference, metadata, name_of, namespace_of
from minikube_py.api.resources import CONTROLLER_REVISIONS

HASH_LABEL = "controller.kubernetes.io/hash"
"""The label of a StatefulSet's revision that holds its hash."""
REVISION_LABEL = "controller-revision-hash"
"""The label of a pod that says which revision it is of; a DaemonSet's revision has it too."""
LONGEST_PREFIX = 223


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The newest revision is that of the data."""

    revision: Object


@dataclass(frozen=True, slots=True)
class RollBack:
    """An older revision is that of the data; it becomes the newest by taking ``number``."""

    revision: Object
    number: int

    def renumbered(self) -> Object:
        """The revision as it is to be stored."""
        return {**self.revision, "revision": self.number}


@dataclass(frozen=True, slots=True)
class Missing:
    """No revision is that of the data; one with ``number`` is to be created."""

    number: int


def data_of_template(template: Object) -> Object:
    """The data of a revision: the patch that replaces the owner's ``spec.template``."""
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """The template that a revision keeps."""
    data = revision.get("data") or {}
    template = (data.get("spec") or {}).get("template") or {}
    return {field: value for field, value in template.items() if field != "$patch"}


def hash_of(data: Object, collision_count: int | None) -> str:
    """The hash that a revision with that data is named by; another for every ``collision_count``."""
    return pod_template_hash(data, collision_count)


def revision_name(owner_name: str, hashed: str) -> str:
    """``<owner>-<hash>``, the owner's name cut so that the whole is a valid name."""
    return f"{owner_name[:LONGEST_PREFIX]}-{hashed}"


def new_revision(
    owner: Object,
    data: Object,
    number: int,
    *,
    collision_count: int | None,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    hash_label: str = HASH_LABEL,
) -> Object:
    """A ControllerRevision to create, controlled by ``owner``."""
    hashed = hash_of(data, collision_count)
    meta: Object = {
        "name": revision_name(name_of(owner), hashed),
        "namespace": namespace_of(owner),
        "labels": {**labels, hash_label: hashed},
        "ownerReferences": [controller_reference(owner)],
    }
    if annotations:
        meta["annotations"] = dict(annotations)
    return {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": meta,
        "data": deepcopy(data),
        "revision": number,
    }


def number_of(revision: Object) -> int:
    """The revision's number; the highest is the newest."""
    return cast(int, revision.get("revision") or 0)


def in_order(revisions: Iterable[Object]) -> list[Object]:
    """Oldest first: by number, then by creation, then by name."""
    return sorted(revisions, key=lambda one: (number_of(one), metadata(one).get("creationTimestamp", ""), name_of(one)))


def next_number(revisions: Iterable[Object]) -> int:
    """One more than the highest number there is; 1 for the first."""
    return max(map(number_of, revisions), default=0) + 1


def has_data(revision: Object, data: Object) -> bool:
    """Whether the revision is that of ``data``; the hash plays no part, nor does the number."""
    return bool(revision.get("data") == data)


def plan(revisions: Iterable[Object], data: Object) -> Unchanged | RollBack | Missing:
    """Which revision is to be the newest, ``data`` being what the owner asks for now."""
    ordered = in_order(revisions)
    equal = [revision for revision in ordered if has_data(revision, data)]
    if not equal:
        return Missing(next_number(ordered))
    if has_data(ordered[-1], data):
        return Unchanged(ordered[-1])
    return RollBack(equal[-1], next_number(ordered))


def surplus(
    revisions: Iterable[Object], live: Collection[str], limit: int, *, count_live: bool = False
) -> Sequence[Object]:
    """The revisions to delete, oldest first, so that ``limit`` remain; none where the limit is negative.

    ``live`` names those that are in use and never go; they count towards the limit only with ``count_live``.
    """
    if limit < 0:
        return ()
    ordered = in_order(revisions)
    unused = [revision for revision in ordered if name_of(revision) not in live]
    excess = (len(ordered) if count_live else len(unused)) - limit
    return unused[: max(excess, 0)]
