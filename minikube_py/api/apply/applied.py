"""What an apply makes of an object and of its managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.configuration import fields_of
from minikube_py.api.apply.fieldset import EMPTY, FieldSet, Path, show
from minikube_py.api.apply.managers import (
    APPLY,
    BEFORE_FIRST_APPLY,
    UPDATE,
    Identity,
    Managed,
    Managers,
    Writer,
    encode,
    stored_managers,
    without_system_fields,
)
from minikube_py.api.apply.merge import merged, with_parents, without
from minikube_py.api.apply.shapes import Shape
from minikube_py.api.apply.walk import NOTHING, Difference, created, difference
from minikube_py.api.meta import Object, annotations_of, metadata, uid_of

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"
"""The manager whose applies take over from client-side apply, by its annotation."""
MAX_ANNOTATIONS_BYTES = 256 * 1024


class Conflict(NamedTuple):
    """A field of the configuration that somebody else manages with another value."""

    manager: Identity
    path: Path


class ApplyConflicts(Exception):
    """What stands in the way of an apply without ``force``."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        self.conflicts = conflicts
        super().__init__(message_of(conflicts))

    def causes(self) -> list[Object]:
        """The causes in the details of the ``Status``."""
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {show_manager(conflict.manager)}",
                "field": show(conflict.path),
            }
            for conflict in self.conflicts
        ]


def message_of(conflicts: list[Conflict]) -> str:
    """All conflicts in upstream's words, by manager."""
    if len(conflicts) == 1:
        only = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {show_manager(only.manager)}: {show(only.path)}"
    lines = []
    for manager in dict.fromkeys(conflict.manager for conflict in conflicts):
        lines.append(f"conflicts with {show_manager(manager)}:")
        lines += [f"- {show(conflict.path)}" for conflict in conflicts if conflict.manager == manager]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def show_manager(manager: Identity) -> str:
    """``"kubectl-edit" using v1``; who applied is shown by name alone."""
    shown = orjson.dumps(manager.manager).decode()
    if manager.subresource:
        shown += f' with subresource "{manager.subresource}"'
    return f"{shown} using {manager.api_version}" if manager.operation == UPDATE else shown


@dataclass(frozen=True, slots=True)
class Apply:
    """One apply: who applies what to a kind of this shape, and which fields are not theirs to reach."""

    config: Object
    """Checked, as it was sent."""
    shape: Shape
    writer: Writer
    force: bool
    normalize: Callable[[Object], Object]
    """Decodes a merged object as one from a client is decoded."""
    ignored: FieldSet
    """What is not managed through this subresource, with everything below."""
    same_kind: Callable[[str], bool] = lambda _: True
    """Whether the kind is served in another apiVersion, with fields of the same names."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome."""

    obj: Object
    entries: list[Object]


def apply(live: Object | None, change: Apply) -> Applied:
    """The object with the configuration applied and its managers; ``live`` None creates it. Raises ApplyConflicts."""
    old: Object = live or {}
    managers = _tracked_managers(old, change)
    try:
        obj, managers = _apply(old, managers, change, force=change.force)
    except ApplyConflicts as conflicts:
        if change.writer.manager != KUBECTL:
            raise
        allowed = _client_side_fields(old, change)
        remaining = [c for c in conflicts.conflicts if not fieldset.contains(allowed, c.path)]
        if remaining:
            raise ApplyConflicts(remaining) from None
        obj, managers = _apply(old, managers, change, force=True)
    if change.writer.manager == KUBECTL and annotations_of(obj).get(LAST_APPLIED):
        obj = _with_last_applied(obj, change.config)
    return Applied(obj, encode(managers))


def _tracked_managers(live: Object, change: Apply) -> Managers:
    """The managers of the object; one for all its fields where nobody has kept count of them so far."""
    managers = stored_managers(metadata(live).get("managedFields") or [])
    if managers or not uid_of(live):
        return {identity: managed for identity, managed in managers.items() if change.same_kind(managed.api_version)}
    writer = Writer(BEFORE_FIRST_APPLY, change.writer.api_version, change.writer.subresource, change.writer.time)
    fields = without_system_fields(fieldset.recursive_difference(created(live, change.shape), change.ignored))
    identity = writer.identity(UPDATE)
    return {identity: Managed(identity, writer.api_version, fields, writer.time)} if fields else {}


def _apply(live: Object, managers: Managers, change: Apply, *, force: bool) -> tuple[Object, Managers]:
    writer, shape = change.writer, change.shape
    identity = writer.identity(APPLY)
    fields = fieldset.recursive_difference(fields_of(change.config, shape), change.ignored)
    last = managers.get(identity)
    mine = Managed(identity, writer.api_version, fields, writer.time)
    managers = {**managers, identity: mine}
    base = _without_managers(live)
    new = _pruned(merged(base, change.config, shape), managers, last, shape)
    new = change.normalize(new)
    what = _difference(base, new, change)
    managers = _taken(managers, mine, what, force=force)
    own = without_system_fields(managers[identity].fields)
    if own:
        # An apply that changes neither fields nor values leaves its time, so that nothing is written.
        kept = last is not None and what == NOTHING and last.fields == own and last.api_version == writer.api_version
        time = last.time if last is not None and kept else writer.time
        managers[identity] = Managed(identity, writer.api_version, own, time)
    else:
        del managers[identity]
    return new, managers


def _without_managers(obj: Object) -> Object:
    meta = {key: value for key, value in metadata(obj).items() if key != "managedFields"}
    return {**obj, "metadata": meta} if meta else obj


def _difference(old: Object, new: Object, change: Apply) -> Difference:
    what = difference(old, new, change.shape)
    if what is NOTHING or not change.ignored:
        return what
    return Difference(
        fieldset.recursive_difference(what.changed, change.ignored),
        fieldset.recursive_difference(what.removed, change.ignored),
    )


def _taken(managers: Managers, mine: Managed, what: Difference, *, force: bool) -> Managers:
    """The managers without what the applier takes from them and what is gone. Raises ApplyConflicts."""
    conflicts = []
    remaining: Managers = {}
    for identity, managed in managers.items():
        if identity == mine.identity:
            remaining[identity] = managed
            continue
        taken = fieldset.intersection(managed.fields, what.changed)
        conflicts += [Conflict(identity, path) for path in fieldset.paths(taken)]
        rest = fieldset.difference(fieldset.difference(managed.fields, taken), what.removed)
        if rest:
            remaining[identity] = Managed(identity, managed.api_version, rest, managed.time)
    if conflicts and not force:
        raise ApplyConflicts(sorted(conflicts, key=lambda conflict: conflict.manager))
    return remaining


def _pruned(obj: Object, managers: Managers, last: Managed | None, shape: Shape) -> Object:
    """The object less the fields that its applier applied before, not now, and that nobody else owns."""
    if last is None or not last.fields:
        return obj
    before = with_parents(last.fields, shape)
    everything = with_parents(fields_of(obj, shape), shape)
    owned: FieldSet = EMPTY
    for managed in managers.values():
        owned = fieldset.union(owned, managed.fields)
    left = with_parents(fields_of(without(obj, before, shape), shape), shape)
    kept = fieldset.union(left, with_parents(owned, shape))
    left = with_parents(fields_of(without(obj, fieldset.difference(everything, kept), shape), shape), shape)
    gone = fieldset.intersection(fieldset.difference(everything, left), before)
    pruned: Object = without(obj, gone, shape) or {}
    return pruned


def _client_side_fields(live: Mapping[str, Any], change: Apply) -> FieldSet:
    """The fields that client-side apply has set and nobody has changed since."""
    try:
        last = orjson.loads(annotations_of(dict(live)).get(LAST_APPLIED) or "null")
    except orjson.JSONDecodeError:
        return EMPTY
    if not isinstance(last, dict) or last.get("apiVersion") != change.writer.api_version:
        return EMPTY
    try:
        fields = fields_of(last, change.shape)
        what = difference(change.normalize(last), live, change.shape)
    except (ValueError, TypeError, AttributeError):
        # The annotation is free text that anybody may write: one that is no configuration allows nothing.
        return EMPTY
    return fieldset.difference(fieldset.difference(fields, what.changed), what.removed)


def _with_last_applied(obj: Object, config: Object) -> Object:
    """The object with the annotation of client-side apply brought up to date, where there is room for it."""
    meta = dict(metadata(config))
    if "annotations" in meta:
        meta["annotations"] = {k: v for k, v in (meta["annotations"] or {}).items() if k != LAST_APPLIED}
    text = orjson.dumps({**config, "metadata": meta}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations = {**annotations_of(obj), LAST_APPLIED: text}
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS_BYTES:
        del annotations[LAST_APPLIED]
    return {**obj, "metadata": {**metadata(obj), "annotations": annotations}}
