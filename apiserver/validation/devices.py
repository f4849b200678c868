"""Validation of the kinds of resource.k8s.io: claims, templates, classes and slices of devices.

A CEL expression is looked at for its length only; nothing here evaluates one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.meta import immutable, object_meta, object_meta_update, template_meta
from apiserver.validation.names import NOT_POSITIVE, dns_label, dns_subdomain
from apiserver.validation.topology import node_selector
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
    field_too_many,
)
from minikube_py.api.meta import Object, is_deleting

MAX_ENTRIES = 32
"""The most requests, selectors, constraints or configurations of a claim, and attributes of a device."""
MAX_ALTERNATIVES = 8
MAX_CONSUMERS = 256
MAX_DEVICES = 128
MAX_EXPRESSION = 10 * 1024
_MODES = ("All", "ExactCount")
_C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_ONE_FORM = "exactly one of `exactly` or `firstAvailable` is required"
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def resource_claim(obj: Object) -> Iterator[FieldError]:
    """A ResourceClaim about to be stored."""
    yield from object_meta(obj, namespaced=True)
    yield from _claim_spec("spec", obj.get("spec") or {})


def resource_claim_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ResourceClaim, whose spec stays."""
    yield from object_meta_update(new, old)
    yield from immutable("spec", new.get("spec"), old.get("spec"))
    yield from _claim_spec("spec", new.get("spec") or {})


def resource_claim_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: what was allocated stays, and only what is allocated is reserved."""
    yield from object_meta_update(new, old)
    status, before = new.get("status") or {}, old.get("status") or {}
    consumers, allocation = status.get("reservedFor") or [], status.get("allocation")
    seen: set[str] = set()
    for index, consumer in enumerate(consumers):
        here = f"status.reservedFor[{index}]"
        for key in ("resource", "name", "uid"):
            if not consumer.get(key):
                yield field_required(f"{here}.{key}")
        if consumer.get("uid") in seen:
            yield field_duplicate(f"{here}.uid", consumer.get("uid"))
        seen.add(consumer.get("uid") or "")
    if len(consumers) > MAX_CONSUMERS:
        yield field_too_many("status.reservedFor", len(consumers), MAX_CONSUMERS)
    if consumers and allocation is None:
        yield field_forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    elif is_deleting(new) and any(consumer not in (before.get("reservedFor") or []) for consumer in consumers):
        detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        yield field_forbidden("status.reservedFor", detail)
    if allocation is not None and before.get("allocation") is not None:
        yield from immutable("status.allocation", allocation, before["allocation"])
    elif allocation is not None:
        yield from _allocation("status.allocation", allocation, _request_names(new.get("spec") or {}))


def resource_claim_template(obj: Object) -> Iterator[FieldError]:
    """A ResourceClaimTemplate about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    yield from template_meta("spec.metadata", spec.get("metadata") or {})
    yield from _claim_spec("spec.spec", spec.get("spec") or {})


def resource_claim_template_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ResourceClaimTemplate, whose spec stays."""
    yield from object_meta_update(new, old)
    yield from immutable("spec", new.get("spec"), old.get("spec"))
    yield from resource_claim_template(new)


def device_class(obj: Object) -> Iterator[FieldError]:
    """A DeviceClass about to be stored."""
    yield from object_meta(obj, namespaced=False)
    spec = obj.get("spec") or {}
    yield from _selectors("spec.selectors", spec.get("selectors") or [])
    yield from _configurations("spec.config", spec.get("config") or [], None)


def device_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed DeviceClass."""
    yield from object_meta_update(new, old)
    yield from device_class(new)


def resource_slice(obj: Object) -> Iterator[FieldError]:
    """A ResourceSlice: devices of one driver's pool, and where they are."""
    yield from object_meta(obj, namespaced=False)
    spec = obj.get("spec") or {}
    yield from _driver("spec.driver", spec.get("driver") or "")
    yield from _pool("spec.pool", spec.get("pool") or {})
    yield from _place("spec", spec)
    devices = spec.get("devices") or []
    for index, device in enumerate(devices):
        yield from _device(f"spec.devices[{index}]", device)
    yield from _unique_names("spec.devices", devices)
    if len(devices) > MAX_DEVICES:
        yield field_too_many("spec.devices", len(devices), MAX_DEVICES)


def resource_slice_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ResourceSlice: pool, driver and node stay."""
    yield from object_meta_update(new, old)
    yield from resource_slice(new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    pools = ((spec.get("pool") or {}).get("name") for spec in (after, before))
    yield from immutable("spec.pool.name", *pools)
    for key in ("driver", "nodeName"):
        yield from immutable(f"spec.{key}", after.get(key), before.get(key))


def _request_names(spec: Object) -> set[str]:
    found: set[str] = set()
    for request in (spec.get("devices") or {}).get("requests") or []:
        name = request.get("name") or ""
        found.add(name)
        found |= {f"{name}/{item.get('name') or ''}" for item in request.get("firstAvailable") or []}
    return found


def _unique_names(path: str, items: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.get("name") or ""
        if name in seen:
            yield field_duplicate(f"{path}[{index}].name", name)
        seen.add(name)


def _claim_spec(path: str, spec: Object) -> Iterator[FieldError]:
    devices, known = spec.get("devices") or {}, _request_names(spec)
    requests, constraints = devices.get("requests") or [], devices.get("constraints") or []
    here = f"{path}.devices"
    for index, request in enumerate(requests):
        yield from _request(f"{here}.requests[{index}]", request)
    yield from _unique_names(f"{here}.requests", requests)
    for index, constraint in enumerate(constraints):
        there = f"{here}.constraints[{index}]"
        yield from _references(f"{there}.requests", constraint.get("requests") or [], known)
        if constraint.get("matchAttribute") is None and constraint.get("distinctAttribute") is None:
            yield field_required(f"{there}.matchAttribute")
        elif constraint.get("matchAttribute") is not None:
            yield from _fully_qualified(f"{there}.matchAttribute", constraint["matchAttribute"])
    for key, items in (("requests", requests), ("constraints", constraints)):
        if len(items) > MAX_ENTRIES:
            yield field_too_many(f"{here}.{key}", len(items), MAX_ENTRIES)
    yield from _configurations(f"{here}.config", devices.get("config") or [], known)


def _request(path: str, request: Object) -> Iterator[FieldError]:
    yield from _request_name(f"{path}.name", request.get("name") or "")
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable") or []
    if exactly is None and not alternatives:
        yield field_required(path, _ONE_FORM)
    elif exactly is not None and alternatives:
        yield field_invalid(path, None, f"{_ONE_FORM}, but multiple fields are set")
    if exactly is not None:
        yield from _exact_request(f"{path}.exactly", exactly)
    for index, alternative in enumerate(alternatives):
        here = f"{path}.firstAvailable[{index}]"
        yield from _request_name(f"{here}.name", alternative.get("name") or "")
        yield from _exact_request(here, alternative)
    if len(alternatives) > MAX_ALTERNATIVES:
        yield field_too_many(f"{path}.firstAvailable", len(alternatives), MAX_ALTERNATIVES)


def _exact_request(path: str, request: Object) -> Iterator[FieldError]:
    name = request.get("deviceClassName") or ""
    if not name:
        yield field_required(f"{path}.deviceClassName")
    else:
        yield from dns_subdomain(f"{path}.deviceClassName", name)
    yield from _selectors(f"{path}.selectors", request.get("selectors") or [])
    mode, count = request.get("allocationMode") or "", request.get("count") or 0
    if mode == "All":
        if count:
            detail = f"must not be specified when allocationMode is '{mode}'"
            yield field_invalid(f"{path}.count", count, detail)
    elif mode == "ExactCount":
        if count <= 0:
            yield field_invalid(f"{path}.count", count, NOT_POSITIVE)
    else:
        yield field_not_supported(f"{path}.allocationMode", mode, _MODES)


def _request_name(path: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path)
    else:
        yield from dns_label(path, name)


def _references(path: str, references: list[str], known: set[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, name in enumerate(references):
        here = f"{path}[{index}]"
        for part in name.split("/"):
            yield from _request_name(here, part)
        if name not in known:
            yield field_invalid(here, name, "must be the name of a request in the claim")
        if name in seen:
            yield field_duplicate(here, name)
        seen.add(name)
    if len(references) > MAX_ENTRIES:
        yield field_too_many(path, len(references), MAX_ENTRIES)


def _selectors(path: str, selectors: list[Object]) -> Iterator[FieldError]:
    for index, selector in enumerate(selectors):
        cel = selector.get("cel")
        if cel is None:
            yield field_required(f"{path}[{index}].cel")
        elif len((cel.get("expression") or "").encode()) > MAX_EXPRESSION:
            yield field_too_long(f"{path}[{index}].cel.expression", MAX_EXPRESSION)
    if len(selectors) > MAX_ENTRIES:
        yield field_too_many(path, len(selectors), MAX_ENTRIES)


def _configurations(path: str, items: list[Object], known: set[str] | None) -> Iterator[FieldError]:
    for index, item in enumerate(items):
        here, opaque = f"{path}[{index}]", item.get("opaque")
        if known is not None:
            yield from _references(f"{here}.requests", item.get("requests") or [], known)
        if opaque is None:
            yield field_required(f"{here}.opaque")
            continue
        yield from _driver(f"{here}.opaque.driver", opaque.get("driver") or "")
        if opaque.get("parameters") is None:
            yield field_required(f"{here}.opaque.parameters")
    if len(items) > MAX_ENTRIES:
        yield field_too_many(path, len(items), MAX_ENTRIES)


def _allocation(path: str, allocation: Object, known: set[str]) -> Iterator[FieldError]:
    devices = allocation.get("devices") or {}
    for index, result in enumerate(devices.get("results") or []):
        here = f"{path}.devices.results[{index}]"
        name = result.get("request") or ""
        if name not in known:
            yield field_invalid(f"{here}.request", name, "must be the name of a request in the claim")
        yield from _driver(f"{here}.driver", result.get("driver") or "")
        yield from _pool_name(f"{here}.pool", result.get("pool") or "")
        yield from _request_name(f"{here}.device", result.get("device") or "")
    if allocation.get("nodeSelector") is not None:
        yield from node_selector(f"{path}.nodeSelector", allocation["nodeSelector"])


def _driver(path: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path)
        return
    if len(name) > 63:
        yield field_too_long(path, 63)
    yield from dns_subdomain(path, name)


def _pool_name(path: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path)
        return
    if len(name) > 253:
        yield field_too_long(path, 253)
    for part in name.split("/"):
        yield from dns_subdomain(path, part)


def _pool(path: str, pool: Object) -> Iterator[FieldError]:
    yield from _pool_name(f"{path}.name", pool.get("name") or "")
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if count <= 0:
        yield field_invalid(f"{path}.resourceSliceCount", count, NOT_POSITIVE)
    if generation < 0:
        yield field_invalid(f"{path}.generation", generation, "must be greater than or equal to zero")


def _place(path: str, spec: Object) -> Iterator[FieldError]:
    keys = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
    chosen = [f"`{key}`" for key in keys if spec.get(key)]
    if spec.get("nodeName"):
        yield from dns_subdomain(f"{path}.nodeName", spec["nodeName"])
    selector = spec.get("nodeSelector")
    if selector:
        yield from node_selector(f"{path}.nodeSelector", selector)
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            here = f"{path}.nodeSelector.nodeSelectorTerms"
            yield field_invalid(here, terms, "must have exactly one node selector term")
    if not chosen:
        yield field_required(path, _ONE_PLACE)
    elif len(chosen) > 1:
        detail = f"{_ONE_PLACE}, but multiple fields are set"
        yield field_invalid(path, f"{{{', '.join(chosen)}}}", detail)


def _device(path: str, device: Object) -> Iterator[FieldError]:
    yield from _request_name(f"{path}.name", device.get("name") or "")
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    for name, value in attributes.items():
        yield from _qualified(f"{path}.attributes[{name}]", name)
        yield from _attribute(f"{path}.attributes[{name}]", value)
    for name in capacity:
        yield from _qualified(f"{path}.capacity[{name}]", name)
    total = len(attributes) + len(capacity)
    if total > MAX_ENTRIES:
        detail = f"the total number of attributes and capacities must not exceed {MAX_ENTRIES}"
        yield field_invalid(path, total, detail)


def _attribute(path: str, attribute: Object) -> Iterator[FieldError]:
    for key in ("string", "version"):
        if len((attribute.get(key) or "").encode()) > 64:
            yield field_too_long(f"{path}.{key}", 64)
    version = attribute.get("version")
    if version is not None and len(version) <= 64 and not _VERSION.fullmatch(version):
        yield field_invalid(f"{path}.version", version, "must be a string compatible with semver.org spec 2.0.0")
    count = sum(attribute.get(key) is not None for key in ("bool", "int", "string", "version"))
    if count == 0:
        yield field_required(path, "exactly one value must be specified")
    elif count > 1:
        yield field_invalid(path, attribute, "exactly one value must be specified")


def _fully_qualified(path: str, name: str) -> Iterator[FieldError]:
    yield from _qualified(path, name)
    if name and "/" not in name:
        yield field_invalid(path, name, "must include a domain")


def _qualified(path: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path, "name required")
        return
    domain, slash, identifier = name.rpartition("/")
    if slash and not domain:
        yield field_required(path, "the domain must not be empty")
    elif slash:
        yield from _driver(path, domain)
    if not identifier:
        yield field_required(path, "the name must not be empty")
        return
    if len(identifier) > 32:
        yield field_too_long(path, 32)
    if not _C_IDENTIFIER.fullmatch(identifier):
        detail = (
            "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
            "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
            "'[A-Za-z_][A-Za-z0-9_]*')"
        )
        yield FieldError(path, "FieldValueTypeInvalid", f'Invalid value: "{identifier}": {detail}')
