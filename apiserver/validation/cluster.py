"""Validation of Namespace, Node and Lease."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import object_meta, object_meta_update, standard_or_qualified
from apiserver.validation.names import cidr, label_value, non_negative, qualified_name
from apiserver.validation.resources import quantity
from apiserver.validation.scheduling import TAINT_EFFECTS
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, is_deleting

_MUTABLE_NODE_SPEC = frozenset({"taints", "unschedulable", "podCIDR", "podCIDRs", "providerID", "configSource"})


def namespace(obj: Object) -> Iterator[FieldError]:
    """A Namespace about to be stored."""
    yield from object_meta(obj, namespaced=False, name=names.dns1123_label)
    yield from _spec_finalizers(obj)


def namespace_finalize_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A Namespace with finalizers taken away."""
    yield from object_meta_update(new, old)
    yield from _spec_finalizers(new)


def namespace_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Namespace, finalization included."""
    yield from object_meta_update(new, old)
    yield from namespace(new)


def namespace_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: the phase follows deletion."""
    yield from object_meta_update(new, old)
    phase = (new.get("status") or {}).get("phase")
    expected = "Terminating" if is_deleting(new) else "Active"
    if phase != expected:
        state = "not empty" if is_deleting(new) else "empty"
        detail = f"may only be '{expected}' if `deletionTimestamp` is {state}"
        yield field_invalid("status.Phase", phase, detail)


def node(obj: Object) -> Iterator[FieldError]:
    """A Node about to be stored."""
    yield from object_meta(obj, namespaced=False)
    spec = obj.get("spec") or {}
    yield from _taints("spec.taints", spec.get("taints") or [])
    yield from _resources(obj)
    for index, value in enumerate(spec.get("podCIDRs") or []):
        yield from cidr(f"spec.podCIDRs[{index}]", value)
        if value in spec["podCIDRs"][:index]:
            yield field_duplicate(f"spec.podCIDRs[{index}]", value)
    yield from _pod_cidr_families(spec.get("podCIDRs") or [])


def node_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Node: once given, its pod CIDR and provider ID stay."""
    yield from object_meta_update(new, old)
    yield from node(new)
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    if old_spec.get("podCIDRs") and new_spec.get("podCIDRs") != old_spec["podCIDRs"]:
        detail = 'node updates may not change podCIDR except from "" to valid'
        yield field_forbidden("spec.podCIDRs", detail)
    if old_spec.get("providerID") and new_spec.get("providerID") != old_spec["providerID"]:
        detail = 'node updates may not change providerID except from "" to valid'
        yield field_forbidden("spec.providerID", detail)
    changed = {key for key in {*new_spec, *old_spec} if new_spec.get(key) != old_spec.get(key)}
    if changed - _MUTABLE_NODE_SPEC:
        yield field_forbidden("[]", "node updates may only change labels, taints, or capacity")
    yield from _addresses(new)


def node_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: sound quantities, and each address once."""
    yield from object_meta_update(new, old)
    yield from _resources(new)
    yield from _addresses(new)


def lease(obj: Object) -> Iterator[FieldError]:
    """A Lease about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield field_invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    yield from non_negative("spec.leaseTransitions", spec.get("leaseTransitions"))
    if spec.get("holderIdentity") == "":
        yield field_invalid("spec.holderIdentity", "", "must not be empty")


def lease_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Lease."""
    yield from object_meta_update(new, old)
    yield from lease(new)


def _spec_finalizers(obj: Object) -> Iterator[FieldError]:
    for value in (obj.get("spec") or {}).get("finalizers") or []:
        yield from qualified_name("spec.finalizers", value)
        yield from standard_or_qualified("spec.finalizers", value)


def _taints(path: str, taints: list[Object]) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here = f"{path}[{index}]"
        key, effect = taint.get("key") or "", taint.get("effect") or ""
        yield from qualified_name(f"{here}.key", key)
        yield from label_value(f"{here}.value", taint.get("value") or "")
        if not effect:
            yield field_required(f"{here}.effect")
        elif effect not in TAINT_EFFECTS:
            yield field_not_supported(f"{here}.effect", effect, TAINT_EFFECTS)
        if (key, effect) in seen:
            yield field_duplicate(here, taint)
        seen.add((key, effect))


def _pod_cidr_families(cidrs: list[str]) -> Iterator[FieldError]:
    families = ["IPv6" if ":" in value else "IPv4" for value in cidrs]
    if len(families) != len(set(families)):
        yield field_invalid("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family")


def _addresses(obj: Object) -> Iterator[FieldError]:
    addresses = (obj.get("status") or {}).get("addresses") or []
    seen: set[tuple[str, str]] = set()
    for index, address in enumerate(addresses):
        key = (address.get("type") or "", address.get("address") or "")
        if key in seen:
            yield field_duplicate(f"status.addresses[{index}]", address)
        seen.add(key)


def _resources(obj: Object) -> Iterator[FieldError]:
    status = obj.get("status") or {}
    for key in ("capacity", "allocatable"):
        for name, value in (status.get(key) or {}).items():
            yield from quantity(f"status.{key}.{name}", value)
