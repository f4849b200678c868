"""``metadata.managedFields``: the one place where the handlers ask who manages what.

Upstream tracks a write as the client sent it, with defaults, before admission and the strategy have their say: what
those add belongs to nobody. A write through a subresource is tracked by what it comes to change.
"""

from __future__ import annotations

from typing import Any

from apiserver.context import RequestContext
from apiserver.core import Operation
from minikube_py.api.apply.fieldset import InvalidFields
from minikube_py.api.apply.managers import (
    SYSTEM_METADATA,
    Writer,
    after_update,
    encode_created,
    identity_of,
    is_reset,
    parse_entries,
)
from minikube_py.api.apply.shapes import Shape, shapes_of
from minikube_py.api.apply.walk import Difference, created, difference
from minikube_py.api.errors import FieldError, field_forbidden, field_invalid, field_required, invalid
from minikube_py.api.meta import Object, metadata
from minikube_py.api.times import format_time

MAX_MANAGER_LENGTH = 128


def field_manager(ctx: RequestContext, options_kind: str) -> str:
    """Who writes: the ``fieldManager`` parameter, else the name in ``User-Agent``. Raises Invalid.

    ``options_kind`` names the parameters in the message: ``CreateOptions``, ``UpdateOptions``.
    """
    manager = ctx.query.get("fieldManager")
    if manager:
        errors = manager_errors(manager)
        if errors:
            raise invalid("meta.k8s.io", options_kind, "", errors)
        return manager
    return _from_user_agent(ctx.header("user-agent"))


def apply_manager(ctx: RequestContext) -> str:
    """Who applies: the ``fieldManager`` parameter, which an apply must have. Raises Invalid."""
    manager = ctx.query.get("fieldManager")
    errors = manager_errors(manager) if manager else [field_required("fieldManager", "is required for apply patch")]
    if errors:
        raise invalid("meta.k8s.io", "PatchOptions", "", errors)
    return manager


def patch_manager(ctx: RequestContext) -> str:
    """Who patches otherwise than by applying; ``force`` is for an apply only. Raises Invalid."""
    errors = []
    if ctx.query.optional_flag("force") is not None:
        errors.append(field_forbidden("force", "may not be specified for non-apply patch"))
    errors += manager_errors(ctx.query.get("fieldManager"))
    if errors:
        raise invalid("meta.k8s.io", "PatchOptions", "", errors)
    return ctx.query.get("fieldManager") or _from_user_agent(ctx.header("user-agent"))


def manager_errors(manager: str) -> list[FieldError]:
    """What is wrong with a ``fieldManager``."""
    errors = []
    if len(manager.encode()) > MAX_MANAGER_LENGTH:
        detail = f"Too long: may not be more than {MAX_MANAGER_LENGTH} bytes"
        errors.append(FieldError("fieldManager", "FieldValueTooLong", detail))
    if not manager.isprintable():
        errors.append(field_invalid("fieldManager", manager, "should only contain printable characters"))
    return errors


def _from_user_agent(user_agent: str) -> str:
    name = user_agent.partition("/")[0]
    if len(name) > MAX_MANAGER_LENGTH or not name.isascii() or not name.isprintable():
        printable = "".join(character for character in name if character.isprintable())
        return printable.encode()[:MAX_MANAGER_LENGTH].decode(errors="ignore")
    return name


def on_create(operation: Operation, obj: Object) -> list[Object]:
    """The entries of ``obj``, defaulted, that the operation is about to create."""
    shape = _shape(operation)
    if shape is None:
        return []
    fields = created(_tracked(operation, obj), shape)
    entries = _sent(metadata(obj).get("managedFields"), [])
    if entries:
        return after_update(entries, Difference(fields, {}), writer(operation))
    return encode_created(fields, writer(operation))


def on_update(operation: Operation, new: Object, old: Object, sent: Any = None) -> list[Object]:
    """The entries after ``new`` takes the place of ``old``; the stored ones themselves where nothing changes.

    ``sent`` is what the client gave as ``managedFields``, which it may set; entries that are none are not looked at,
    and an object without entries stays without them.
    """
    live: list[Object] = metadata(old).get("managedFields") or []
    entries = live if operation.subresource else _sent(sent, live)
    shape = _shape(operation)
    if not entries or shape is None:
        return entries
    what = difference(_tracked(operation, old), _tracked(operation, new), shape)
    return after_update(
        entries, what, writer(operation), difference_in=lambda version: what if is_served(operation, version) else None
    )


def is_served(operation: Operation, api_version: str) -> bool:
    """Whether the operation's kind is served in that apiVersion: who manages fields of one that is not is forgotten.

    The versions of one kind name their fields alike, but for a few that then nobody else manages.
    """
    return operation.core.table.by_kind(api_version, operation.resource.kind) is not None


def writer(operation: Operation) -> Writer:
    """Who writes, through what, when."""
    now = format_time(operation.core.clock.now())
    return Writer(operation.field_manager, operation.resource.api_version, operation.subresource, now)


def with_entries(obj: Object, entries: list[Object]) -> Object:
    """``obj`` with these entries in place of those it has."""
    meta = metadata(obj)
    if entries:
        return obj if meta.get("managedFields") is entries else {**obj, "metadata": {**meta, "managedFields": entries}}
    if "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}


def settled(obj: Object, old: Object, entries: list[Object]) -> Object:
    """``obj`` with these entries, or with the stored ones where it is ``old`` again and but a time would change."""
    live: list[Object] = metadata(old).get("managedFields") or []
    if entries is not live and len(entries) == len(live):
        before = {identity_of(entry): entry for entry in live}
        if all(_same_fields(entry, before.get(identity_of(entry))) for entry in entries) and _same_object(obj, old):
            return with_entries(obj, live)
    return with_entries(obj, entries)


def _same_fields(entry: Object, other: Object | None) -> bool:
    return other is not None and all(entry[key] == other.get(key) for key in ("apiVersion", "fieldsV1"))


def _same_object(obj: Object, old: Object) -> bool:
    for key in obj.keys() | old.keys():
        if key != "metadata" and obj.get(key) != old.get(key):
            return False
    meta, before = metadata(obj), metadata(old)
    passing = ("managedFields", "resourceVersion")
    return all(meta.get(key) == before.get(key) for key in meta.keys() | before.keys() if key not in passing)


def _sent(sent: Any, live: list[Object]) -> list[Object]:
    """The entries to start from: the client's where they are entries, else the stored ones."""
    if sent is None or sent is live or sent == live:
        return live
    if is_reset(sent):
        return []
    try:
        return parse_entries(sent) or live
    except InvalidFields:
        return live


def _shape(operation: Operation) -> Shape | None:
    resource = operation.resource
    return shapes_of(operation.core.schemas).of_kind(resource.api_version, resource.kind)


def _tracked(operation: Operation, obj: Object) -> Object:
    """What of an object is tracked: not what the system owns, nor a status that the write does not reach."""
    meta = {key: value for key, value in metadata(obj).items() if key not in SYSTEM_METADATA}
    tracked = {**obj, "metadata": meta}
    if not operation.subresource and operation.strategy.has_status:
        tracked.pop("status", None)
    return tracked
