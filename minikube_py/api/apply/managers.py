"""The entries of ``metadata.managedFields``: read, written, and brought up to date by a write that is no apply.

An entry belongs to one manager, operation and subresource, and an ``Update`` entry also to one apiVersion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from minikube_py.api.apply import fieldset
from minikube_py.api.apply.fieldset import EMPTY, LEAF, FieldSet, InvalidFields
from minikube_py.api.apply.walk import Difference
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time, parse_time

APPLY, UPDATE = "Apply", "Update"
FIELDS_V1 = "FieldsV1"
MAX_UPDATE_MANAGERS = 10
"""How many ``Update`` entries an object has at most; the oldest of more are merged."""
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"
UNKNOWN = "unknown"

SYSTEM_METADATA = frozenset(
    {
        "clusterName",
        "creationTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""The fields of ``metadata`` that nobody manages."""
SYSTEM_FIELDS: FieldSet = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {".": LEAF, **{f"f:{name}": LEAF for name in sorted(SYSTEM_METADATA)}},
}
"""What nobody manages."""


class Identity(NamedTuple):
    """Whose entry it is."""

    manager: str
    operation: str
    api_version: str
    """Empty for ``Apply``: who applies in another version replaces the entry."""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Managed:
    """One entry."""

    identity: Identity
    api_version: str
    fields: FieldSet
    time: str = ""
    """As it is written, or empty."""

    @property
    def applied(self) -> bool:
        """Whether the fields were applied."""
        return self.identity.operation == APPLY

    def entry(self) -> Object:
        """As it is stored."""
        entry: Object = {
            "manager": self.identity.manager,
            "operation": self.identity.operation,
            "apiVersion": self.api_version,
        }
        if self.time:
            entry["time"] = self.time
        entry |= {"fieldsType": FIELDS_V1, "fieldsV1": self.fields}
        if self.identity.subresource:
            entry["subresource"] = self.identity.subresource
        return entry


Managers = dict[Identity, Managed]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, through what, and when."""

    manager: str
    api_version: str
    subresource: str = ""
    time: str = ""

    def identity(self, operation: str) -> Identity:
        """The identity of the entry of this write."""
        version = self.api_version if operation == UPDATE else ""
        return Identity(self.manager or UNKNOWN, operation, version, self.subresource)


def identity_of(entry: Mapping[str, Any]) -> Identity:
    """Whose entry it is."""
    operation = entry.get("operation", "")
    version = entry.get("apiVersion", "") if operation == UPDATE else ""
    return Identity(entry.get("manager", ""), operation, version, entry.get("subresource", ""))


def stored_managers(entries: Iterable[Object]) -> Managers:
    """The managers of entries that this server has written."""
    managers = {}
    for entry in entries:
        identity = identity_of(entry)
        fields = entry.get("fieldsV1") or EMPTY
        managers[identity] = Managed(identity, entry.get("apiVersion", ""), fields, entry.get("time", ""))
    return managers


def parse_entries(entries: Any) -> list[Object]:
    """Entries that a client sent, checked and in normal form. Raises InvalidFields."""
    if not isinstance(entries, list):
        raise InvalidFields("expected a list")
    managers: Managers = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise InvalidFields("expected an object")
        if entry.get("operation") not in (APPLY, UPDATE):
            raise InvalidFields("operation must be `Apply` or `Update`")
        if not entry.get("apiVersion"):
            raise InvalidFields("apiVersion must not be empty")
        if not entry.get("fieldsType"):
            raise InvalidFields(f"missing fieldsType in managed fields entry {index}")
        if entry["fieldsType"] != FIELDS_V1:
            raise InvalidFields(f'invalid fieldsType "{entry["fieldsType"]}" in managed fields entry {index}')
        identity = identity_of(entry)
        fields = fieldset.parse(entry.get("fieldsV1") or {})
        managers[identity] = Managed(identity, entry["apiVersion"], fields, _time(entry.get("time")))
    return encode(managers)


def _time(text: Any) -> str:
    if not text:
        return ""
    try:
        return format_time(parse_time(text))
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidFields(f"time: {error}") from None


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget all managers: no entry at all, or a single empty one."""
    return isinstance(entries, list) and entries in ([], [{}])


def encode(managers: Managers) -> list[Object]:
    """The entries in upstream's order: operation, time, manager, apiVersion, subresource; those of nothing left out."""
    return [managed.entry() for managed in sorted(managers.values(), key=_order)]


def _order(managed: Managed) -> tuple[str, ...]:
    identity = managed.identity
    return identity.operation, managed.time, identity.manager, managed.api_version, identity.subresource


def encode_created(fields: FieldSet, writer: Writer) -> list[Object]:
    """The entries of an object that ``writer`` creates with these fields: the one place where speed counts most."""
    mine = without_system_fields(fields)
    if not mine:
        return []
    return [Managed(writer.identity(UPDATE), writer.api_version, mine, writer.time).entry()]


def without_system_fields(fields: FieldSet) -> FieldSet:
    """The set without what nobody manages."""
    return fieldset.difference(fields, SYSTEM_FIELDS)


def after_update(
    entries: list[Object],
    difference: Difference,
    writer: Writer,
    *,
    difference_in: Callable[[str], Difference | None] | None = None,
) -> list[Object]:
    """The entries after ``writer`` changed an object otherwise than by applying.

    What it changed belongs to it alone from now on; what it removed belongs to nobody. ``entries`` itself is returned
    where that makes no difference. ``difference_in`` gives the difference in another apiVersion, None where that is
    not served: its managers are forgotten.
    """
    mine = without_system_fields(difference.changed)
    if not mine and not difference.removed:
        return entries
    identity = writer.identity(UPDATE)
    kept: list[Object] = []
    previous: FieldSet = EMPTY
    altered = False
    for entry in entries:
        seen: Difference | None = difference
        if entry.get("apiVersion") != writer.api_version and difference_in is not None:
            seen = difference_in(entry.get("apiVersion", ""))
        fields = entry.get("fieldsV1") or EMPTY
        is_mine = identity_of(entry) == identity
        if seen is None:
            altered = True
            continue
        rest = fieldset.difference(fields, seen.removed)
        if not is_mine:
            rest = fieldset.difference(rest, seen.changed)
        elif mine:
            previous = rest
            continue
        altered = altered or rest is not fields
        if rest:
            kept.append(entry if rest is fields else {**entry, "fieldsV1": rest})
    if mine:
        fields = fieldset.union(previous, mine)
        kept.append(Managed(identity, writer.api_version, fields, writer.time).entry())
    elif not altered:
        return entries
    return _capped(kept)


def _capped(entries: list[Object]) -> list[Object]:
    """The entries in order, the oldest updates of the same apiVersion merged where there are too many."""
    if len(entries) > MAX_UPDATE_MANAGERS:
        return encode(cap(stored_managers(entries)))
    entries.sort(key=_entry_order)
    return entries


def _entry_order(entry: Object) -> tuple[str, ...]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def cap(managers: Managers) -> Managers:
    """At most :data:`MAX_UPDATE_MANAGERS` updates, the oldest of one apiVersion merged into ``ancient-changes``."""
    updates = sorted((m for m in managers.values() if not m.applied), key=lambda m: (m.time, m.identity))
    count = len(updates)
    if count <= MAX_UPDATE_MANAGERS:
        return managers
    capped = dict(managers)
    first: dict[str, Identity] = {}
    for managed in updates:
        if count <= MAX_UPDATE_MANAGERS:
            break
        version = managed.api_version
        if version not in first:
            first[version] = managed.identity
            continue
        bucket = Identity(ANCIENT, UPDATE, version)
        if bucket not in capped:
            capped[bucket] = replace(capped.pop(first[version]), identity=bucket)
        # The younger time is kept, as it is the more telling one.
        merged = fieldset.union(capped[bucket].fields, managed.fields)
        if managed.identity != bucket:
            del capped[managed.identity]
        capped[bucket] = Managed(bucket, version, merged, managed.time)
        count -= 1
    return capped
