"""Validation of environment variables and of the selectors of fields and resources they may draw on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.names import config_key, dns_subdomain, environment_name, qualified_name
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object
from minikube_py.api.quantity import Quantity

_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_RESOURCES = (
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
)
_HUGE_PAGES = ("requests.hugepages-", "limits.hugepages-")
_KNOWN_FIELDS = re.compile(
    r"metadata\.(annotations|labels|name|namespace|uid)|spec\.(nodeName|restartPolicy|serviceAccountName|schedulerName"
    r"|hostNetwork)|status\.(phase|hostIP|hostIPs|podIP|podIPs)"
)
_SUBSCRIPT = re.compile(r"(.*)\['(.*)'\]")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")


def environment(path: str, variables: list[Object]) -> Iterator[FieldError]:
    """The ``env`` of a container."""
    for index, variable in enumerate(variables):
        here = f"{path}[{index}]"
        if not variable.get("name"):
            yield field_required(f"{here}.name")
        else:
            yield from environment_name(f"{here}.name", variable["name"])
        if variable.get("valueFrom") is not None:
            yield from _value_from(f"{here}.valueFrom", variable)


def environment_from(path: str, sources: list[Object]) -> Iterator[FieldError]:
    """The ``envFrom`` of a container."""
    for index, source in enumerate(sources):
        here = f"{path}[{index}]"
        if source.get("prefix"):
            yield from environment_name(f"{here}.prefix", source["prefix"])
        present = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in present:
            name = source[key].get("name")
            if name:
                yield from dns_subdomain(f"{here}.{key}.name", name)
            else:
                yield field_required(f"{here}.{key}.name")
        if not present:
            yield field_invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(present) > 1:
            yield field_invalid(path, "", "may not have more than one field specified at a time")


def object_field_selector(path: str, selector: Object, allowed: tuple[str, ...]) -> Iterator[FieldError]:
    """A ``fieldRef``: one of the fields ``allowed``, or one label or annotation by subscript."""
    if not selector.get("apiVersion"):
        yield field_required(f"{path}.apiVersion")
        return
    field_path = selector.get("fieldPath") or ""
    if not field_path:
        yield field_required(f"{path}.fieldPath")
        return
    subscripted = _SUBSCRIPT.fullmatch(field_path)
    name = subscripted[1] if subscripted else field_path
    if selector["apiVersion"] != "v1":
        detail = f"error converting fieldPath: unsupported pod version: {selector['apiVersion']}"
        yield field_invalid(f"{path}.fieldPath", field_path, detail)
    elif not _KNOWN_FIELDS.fullmatch(name):
        detail = f"error converting fieldPath: field label not supported: {field_path}"
        yield field_invalid(f"{path}.fieldPath", field_path, detail)
    elif subscripted and name in ("metadata.annotations", "metadata.labels"):
        key = subscripted[2].lower() if name == "metadata.annotations" else subscripted[2]
        yield from qualified_name(path, key)
    elif subscripted:
        yield field_invalid(path, name, "does not support subscript")
    elif name not in allowed:
        yield field_not_supported(f"{path}.fieldPath", name, allowed)


def resource_field_selector(path: str, selector: Object, *, in_volume: bool) -> Iterator[FieldError]:
    """A ``resourceFieldRef``; in a volume it has to name its container."""
    resource = selector.get("resource") or ""
    if in_volume and not selector.get("containerName"):
        yield field_required(f"{path}.containerName")
    elif not resource:
        yield field_required(f"{path}.resource")
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        yield field_not_supported(f"{path}.resource", resource, _RESOURCES)
    yield from _divisor(f"{path}.divisor", resource, str(selector.get("divisor") or "0"))


def _divisor(path: str, resource: str, divisor: str) -> Iterator[FieldError]:
    try:
        canonical = str(Quantity.parse(divisor))
    except ValueError:
        canonical = divisor
    if canonical == "0":
        return
    if resource.endswith(".cpu"):
        if canonical not in ("1m", "1"):
            detail = "only divisor's values 1m and 1 are supported with the cpu resource"
            yield field_invalid(path, resource, detail)
    elif canonical not in _BYTE_DIVISORS:
        shown = "local ephemeral storage" if resource.endswith("ephemeral-storage") else "memory"
        shown = "hugepages" if resource.startswith(_HUGE_PAGES) else shown
        detail = f"only divisor's values {', '.join(_BYTE_DIVISORS)} are supported with the {shown} resource"
        yield field_invalid(path, resource, detail)


def _value_from(path: str, variable: Object) -> Iterator[FieldError]:
    source = variable["valueFrom"]
    present = [key for key in _SOURCES if source.get(key) is not None]
    for key in present:
        here, selector = f"{path}.{key}", source[key]
        if key == "fieldRef":
            yield from object_field_selector(here, selector, _ENV_FIELDS)
        elif key == "resourceFieldRef":
            yield from resource_field_selector(here, selector, in_volume=False)
        else:
            yield from _key_selector(here, selector)
    if not present:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield field_invalid(path, "", detail)
    elif variable.get("value"):
        yield field_invalid(path, "", "may not be specified when `value` is not empty")
    elif len(present) > 1:
        yield field_invalid(path, "", "may not have more than one field specified at a time")


def _key_selector(path: str, selector: Object) -> Iterator[FieldError]:
    yield from dns_subdomain(f"{path}.name", selector.get("name") or "")
    if not selector.get("key"):
        yield field_required(f"{path}.key")
    else:
        yield from config_key(f"{path}.key", selector["key"])
