"""Validation of ``metadata`` and of label selectors, which every kind shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apiserver.validation.names import Check, each_message, label_value, non_negative, qualified_name
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object, is_deleting, metadata

ANNOTATIONS_LIMIT_BYTES = 256 * 1024
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def object_meta(obj: Object, *, namespaced: bool, name: Check = names.dns1123_subdomain) -> Iterator[FieldError]:
    """Every error of ``metadata``; ``name`` is the check of the kind's names."""
    meta, path = metadata(obj), "metadata"
    if meta.get("generateName"):
        prefix = meta["generateName"]
        yield from each_message(f"{path}.generateName", prefix, name(_without_trailing_hyphens(prefix)))
    if not meta.get("name"):
        yield field_required(f"{path}.name", "name or generateName is required")
    else:
        yield from each_message(f"{path}.name", meta["name"], name(meta["name"]))
    if namespaced:
        if not meta.get("namespace"):
            yield field_required(f"{path}.namespace")
        else:
            messages = names.dns1123_label(meta["namespace"])
            yield from each_message(f"{path}.namespace", meta["namespace"], messages)
    elif meta.get("namespace"):
        yield field_forbidden(f"{path}.namespace", "not allowed on this type")
    yield from non_negative(f"{path}.generation", meta.get("generation"))
    yield from labels(f"{path}.labels", meta.get("labels"))
    yield from annotation_values(f"{path}.annotations", meta.get("annotations"))
    yield from owner_references(f"{path}.ownerReferences", meta.get("ownerReferences") or [])
    yield from finalizers(f"{path}.finalizers", meta.get("finalizers") or [])


def object_meta_update(new: Object, old: Object) -> Iterator[FieldError]:
    """Errors of a change of ``metadata``: identity is immutable, a deleted object gets no new finalizers."""
    new_meta, old_meta, path = metadata(new), metadata(old), "metadata"
    if is_deleting(old):
        known = set(old_meta.get("finalizers") or [])
        added = sorted(item for item in new_meta.get("finalizers") or [] if item not in known)
        if added:
            listed = ", ".join(f'"{item}"' for item in added)
            detail = (
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{listed}}}"
            )
            yield field_forbidden(f"{path}.finalizers", detail)
    for key in ("name", "namespace", "uid"):
        if key in old_meta and new_meta.get(key) not in (None, "", old_meta[key]):
            yield field_invalid(f"{path}.{key}", new_meta[key], "field is immutable")
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        yield from immutable(f"{path}.{key}", new_meta.get(key), old_meta.get(key))
    yield from labels(f"{path}.labels", new_meta.get("labels"))
    yield from annotation_values(f"{path}.annotations", new_meta.get("annotations"))
    yield from owner_references(f"{path}.ownerReferences", new_meta.get("ownerReferences") or [])


def template_meta(path: str, meta: Object) -> Iterator[FieldError]:
    """The metadata of a template of a claim, which has labels and annotations only."""
    yield from annotation_values(f"{path}.annotations", meta.get("annotations"))
    yield from labels(f"{path}.labels", meta.get("labels"))
    for key in sorted(meta.keys() - {"labels", "annotations", "creationTimestamp"}):
        yield field_forbidden(f"{path}.{key}", "cannot be set")


def _without_trailing_hyphens(prefix: str) -> str:
    """A prefix that may end in hyphens as something that a name's check takes, as upstream masks it."""
    return prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def labels(path: str, values: Mapping[str, str] | None) -> Iterator[FieldError]:
    """Label keys are qualified names, values are label values."""
    for key, value in sorted((values or {}).items()):
        yield from qualified_name(path, key)
        yield from label_value(path, value)


def annotation_values(path: str, values: Mapping[str, str] | None) -> Iterator[FieldError]:
    """Annotation keys are qualified names in any case; all together fit into 256 KiB."""
    total = 0
    for key, value in sorted((values or {}).items()):
        yield from each_message(path, key, names.qualified_name(key.lower()))
        total += len(key.encode()) + len(value.encode())
    if total > ANNOTATIONS_LIMIT_BYTES:
        yield field_too_long(path, ANNOTATIONS_LIMIT_BYTES)


def owner_references(path: str, references: list[Object]) -> Iterator[FieldError]:
    """Each names its owner wholly, none is an Event, and at most one is the controller."""
    controller, told = "", False
    for reference in references:
        api_version, kind = reference.get("apiVersion") or "", reference.get("kind") or ""
        if not api_version.rpartition("/")[2] or api_version.count("/") > 1:
            yield field_invalid(f"{path}.apiVersion", api_version, "version must not be empty")
        for key in ("kind", "name", "uid"):
            if not reference.get(key):
                yield field_invalid(f"{path}.{key}", reference.get(key) or "", "must not be empty")
        if (api_version, kind) == ("v1", "Event"):
            yield field_invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner")
        if reference.get("controller"):
            this = f"{kind}/{reference.get('name') or ''}"
            # Each error shows the whole list, so that one has to do.
            if controller and not told:
                told = True
                detail = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {this}"
                )
                yield field_invalid(path, references, detail)
            controller = controller or this


def finalizers(path: str, values: list[str]) -> Iterator[FieldError]:
    """The finalizers of any object: qualified names, and at most one of the garbage collector's two."""
    for value in values:
        yield from each_message(path, value, names.qualified_name(value))
    if {"orphan", "foregroundDeletion"} <= set(values):
        yield field_invalid(path, values, "finalizer orphan and foregroundDeletion cannot be both set")
    for index, value in enumerate(values):
        yield from standard_or_qualified(f"{path}[{index}]", value)


def standard_or_qualified(path: str, finalizer: str) -> Iterator[FieldError]:
    """A finalizer has a domain, or is one of the standard ones."""
    if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        detail = "name is neither a standard finalizer name nor is it fully qualified"
        yield field_invalid(path, finalizer, detail)


def label_selector(path: str, selector: Object | None) -> Iterator[FieldError]:
    """The matchLabels and matchExpressions of a selector; None has no error."""
    if selector is None:
        return
    yield from labels(f"{path}.matchLabels", selector.get("matchLabels"))
    for index, expression in enumerate(selector.get("matchExpressions") or []):
        here = f"{path}.matchExpressions[{index}]"
        yield from selector_requirement(here, expression, operators=("In", "NotIn", "Exists", "DoesNotExist"))


def selector_requirement(path: str, requirement: Object, *, operators: tuple[str, ...]) -> Iterator[FieldError]:
    """One ``key operator values`` triple, whose operator is one of ``operators``."""
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    if operator not in operators:
        yield field_invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif operator in ("In", "NotIn") and not values:
        yield field_required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        yield field_forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt") and len(values) != 1:
        yield field_required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    yield from qualified_name(f"{path}.key", requirement.get("key") or "")
    for index, value in enumerate(values):
        yield from label_value(f"{path}.values[{index}]", value)


def immutable(path: str, new: Any, old: Any) -> Iterator[FieldError]:
    """``field is immutable`` where the value changed."""
    if new != old:
        yield field_invalid(path, new, "field is immutable")
