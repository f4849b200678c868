"""The slices of one owner and one address type, brought to what is desired; pure.

Shared with the mirroring controller, whose owners are Endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers.actions import Create, Delete, Update, delete
from controllers.endpoint_slice.endpoints import Ports, ports_key
from controllers.endpoint_slice.packing import pack
from controllers.service_pods import LAST_CHANGE_TRIGGER_TIME
from minikube_py.api.meta import (
    Object,
    annotations_of,
    controller_reference,
    is_controlled_by,
    is_deleting,
    labels_of,
    metadata,
    name_of,
    namespace_of,
)
from minikube_py.api.resources import ENDPOINT_SLICES

LONGEST_BASE = 57
"""Characters of the owner's name in a slice's name, so that what follows does not make it too long."""

Action = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class SliceTemplate:
    """What all slices of an owner have in common; ``annotations`` are those the owner wants on them."""

    owner: Object
    labels: Mapping[str, str]
    trigger_time: str
    maximum: int
    placeholder: bool
    """Whether a slice without endpoints stands for an owner that has none."""
    annotations: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Content:
    ports: Ports
    endpoints: Sequence[Object]


def plan_slices(
    template: SliceTemplate, slices: Sequence[Object], desired: Mapping[Ports, Sequence[Object]], address_type: str
) -> list[Action]:
    """The writes; slices that are another's by their owner reference are deleted, those being deleted not looked at."""
    living = [present for present in slices if not is_deleting(present)]
    owned = [present for present in living if is_controlled_by(present, template.owner)]
    foreign = [present for present in living if not is_controlled_by(present, template.owner)]
    by_ports: dict[Ports, list[Object]] = {}
    for present in owned:
        by_ports.setdefault(ports_key(present), []).append(present)
    keep: list[tuple[Object, _Content]] = []
    create: list[_Content] = []
    surplus: list[Object] = []
    for ports in sorted({*by_ports, *desired}, key=repr):
        packing = pack(by_ports.get(ports, []), desired.get(ports, []), template.maximum)
        keep += ((present, _Content(ports, present["endpoints"])) for present in packing.unchanged)
        keep += ((present, _Content(ports, endpoints)) for present, endpoints in packing.update)
        create += (_Content(ports, endpoints) for endpoints in packing.create)
        surplus += packing.empty
    if template.placeholder and not keep and not create:
        create.append(_Content((), ()))
    # A slice that is to go and one that is to come make one write.
    reused = min(len(surplus), len(create))
    keep += zip(surplus[:reused], create[:reused], strict=True)
    actions: list[Action] = [
        Update(ENDPOINT_SLICES, wanted)
        for present, content in keep
        if (wanted := _with_content(template, present, content)) is not None
    ]
    actions += (Create(ENDPOINT_SLICES, _new_slice(template, address_type, content)) for content in create[reused:])
    actions += (delete(ENDPOINT_SLICES, present) for present in [*surplus[reused:], *foreign])
    return actions


def _with_content(template: SliceTemplate, present: Object, content: _Content) -> Object | None:
    """The slice as it is to be, or None where it is so already (the trigger time apart)."""
    annotations = _annotations(template, annotations_of(present))
    before = {k: v for k, v in annotations_of(present).items() if k != LAST_CHANGE_TRIGGER_TIME}
    after = {k: v for k, v in annotations.items() if k != LAST_CHANGE_TRIGGER_TIME}
    if (
        (present.get("endpoints") or []) == list(content.endpoints)
        and ports_key(present) == content.ports
        and labels_of(present) == template.labels
        and before == after
    ):
        return None
    meta = {**metadata(present), "labels": dict(template.labels), "annotations": annotations}
    return {**present, "metadata": meta, **_body(content)}


def _new_slice(template: SliceTemplate, address_type: str, content: _Content) -> Object:
    meta: Object = {
        "generateName": f"{name_of(template.owner)[:LONGEST_BASE]}-",
        "namespace": namespace_of(template.owner),
        "labels": dict(template.labels),
        "ownerReferences": [controller_reference(template.owner)],
    }
    annotations = _annotations(template, {})
    if annotations:
        meta["annotations"] = annotations
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": meta,
        "addressType": address_type,
        **_body(content),
    }


def _body(content: _Content) -> Object:
    return {"endpoints": list(content.endpoints), "ports": [dict(port) for port in content.ports]}


def _annotations(template: SliceTemplate, present: Mapping[str, str]) -> dict[str, str]:
    kept = present if template.annotations is None else template.annotations
    annotations = {name: value for name, value in kept.items() if name != LAST_CHANGE_TRIGGER_TIME}
    return annotations | ({LAST_CHANGE_TRIGGER_TIME: template.trigger_time} if template.trigger_time else {})
