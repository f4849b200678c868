"""Validation of APIService."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import object_meta, object_meta_update
from apiserver.validation.names import dns_subdomain, each_message, path_segment, port_number
from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object

_CONDITION_STATUSES = ("True", "False", "Unknown")


def api_service(obj: Object) -> Iterator[FieldError]:
    """An APIService about to be stored, whose name is its version and group."""
    spec = obj.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    expected = f"{version}.{group}"

    def name_messages(name: str) -> list[str]:
        found = path_segment(name)
        if not found and name != expected:
            found = [f'must be `spec.version+"."+spec.group`: "{expected}"']
        return found

    yield from object_meta(obj, namespaced=False, name=name_messages)
    if not group and version != "v1":
        yield field_required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    if group:
        yield from dns_subdomain("spec.group", group)
    yield from each_message("spec.version", version, names.dns1035_label(version))
    for key, limit in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(key) or 0
        if not 0 < value <= limit:
            yield field_invalid(f"spec.{key}", value, f"must be positive and less than {limit}")
    yield from _service(spec)


def api_service_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed APIService."""
    yield from object_meta_update(new, old)
    yield from api_service(new)


def api_service_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status."""
    yield from object_meta_update(new, old)
    for index, condition in enumerate((new.get("status") or {}).get("conditions") or []):
        if condition.get("status") not in _CONDITION_STATUSES:
            here = f"status.conditions[{index}].status"
            yield field_not_supported(here, condition.get("status") or "", _CONDITION_STATUSES)


def _service(spec: Object) -> Iterator[FieldError]:
    service, bundle = spec.get("service"), spec.get("caBundle") or ""
    insecure = bool(spec.get("insecureSkipTLSVerify"))
    if service is None:
        if bundle:
            shown = f"{len(bundle) * 3 // 4 - bundle[-2:].count('=')} bytes"
            yield field_invalid("spec.caBundle", shown, "local APIServices may not have a caBundle")
        if insecure:
            detail = "local APIServices may not have insecureSkipTLSVerify"
            yield field_invalid("spec.insecureSkipTLSVerify", True, detail)
        return
    for key in ("namespace", "name"):
        if not service.get(key):
            yield field_required(f"spec.service.{key}")
    port = service.get("port") or 0
    if list(port_number("", port)):
        detail = "port is not valid: must be between 1 and 65535, inclusive"
        yield field_invalid("spec.service.port", port, detail)
    if insecure and bundle:
        yield field_invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present")
