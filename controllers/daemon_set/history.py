"""The revisions of a DaemonSet's template; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controllers import revisions
from controllers.actions import Delete, Patch, delete, merge_patch_of
from controllers.daemon_set import spec
from controllers.revisions import REVISION_LABEL
from minikube_py.api.meta import Object, annotations_of, labels_of, name_of
from minikube_py.api.resources import CONTROLLER_REVISIONS, PODS


def data_of(daemon_set: Object) -> Object:
    """What a revision of the DaemonSet as it is now keeps."""
    return revisions.data_of_template(daemon_set["spec"]["template"])


def hash_of(revision: Object) -> str:
    """What the pods of a revision are labelled with: its label or, where that is missing, its name."""
    return labels_of(revision).get(REVISION_LABEL) or name_of(revision)


def new_revision(daemon_set: Object, number: int) -> Object:
    """The revision of the DaemonSet as it is now, to be created."""
    return revisions.new_revision(
        daemon_set,
        data_of(daemon_set),
        number,
        collision_count=(daemon_set.get("status") or {}).get("collisionCount"),
        labels=labels_of(daemon_set["spec"]["template"]),
        annotations=annotations_of(daemon_set),
        hash_label=REVISION_LABEL,
    )


def label_missing(owned: Iterable[Object]) -> list[Patch]:
    """Every revision is labelled with the hash that its pods carry."""
    return [
        merge_patch_of(CONTROLLER_REVISIONS, revision, {"metadata": {"labels": {REVISION_LABEL: name_of(revision)}}})
        for revision in owned
        if REVISION_LABEL not in labels_of(revision)
    ]


def without_duplicates(current: Object, owned: Iterable[Object], pods: Iterable[Object]) -> list[Patch | Delete]:
    """Deletes revisions of the same data as ``current``, once their pods are relabelled to be of ``current``."""
    duplicates = [
        revision
        for revision in owned
        if name_of(revision) != name_of(current) and revisions.has_data(revision, current.get("data") or {})
    ]
    hashes = {hash_of(revision) for revision in duplicates}
    relabel = [
        merge_patch_of(PODS, pod, {"metadata": {"labels": {REVISION_LABEL: hash_of(current)}}})
        for pod in pods
        if labels_of(pod).get(REVISION_LABEL) in hashes
    ]
    return [*relabel, *(delete(CONTROLLER_REVISIONS, revision) for revision in duplicates)]


def clean_up(daemon_set: Object, current: Object, owned: Iterable[Object], pods: Sequence[Object]) -> list[Delete]:
    """Deletes the oldest revisions beyond ``spec.revisionHistoryLimit``; those that have pods stay."""
    hashes = {labels_of(pod).get(REVISION_LABEL) for pod in pods}
    old = [revision for revision in owned if name_of(revision) != name_of(current)]
    live = {name_of(revision) for revision in old if hash_of(revision) in hashes}
    limit = spec.revision_history_limit(daemon_set)
    return [delete(CONTROLLER_REVISIONS, one) for one in revisions.surplus(old, live, limit, count_live=True)]
