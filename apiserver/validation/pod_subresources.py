"""Validation of what changes a running pod: ephemeral containers that are added, resources that are resized."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.difference import difference
from apiserver.validation.meta import object_meta_update
from apiserver.validation.pods import metadata_and_spec
from minikube_py.api.errors import FieldError, field_forbidden, field_invalid
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.pods import is_sidecar, qos_class
from minikube_py.api.quantity import Quantity

_MIRROR = "kubernetes.io/config.mirror"
_RESIZABLE = ("cpu", "memory")
_ONLY = "only cpu and memory resources are mutable"
_ONLY_SIDECARS = "only cpu and memory resources for sidecar containers are mutable"
_NOT_INIT = "resources for non-sidecar init containers are immutable"


def ephemeral_containers_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A pod that differs in its ephemeral containers only: some may be added, none changed or removed."""
    if _MIRROR in annotations_of(old):
        yield field_forbidden("[]", "static pods do not support ephemeral containers")
        return
    yield from object_meta_update(new, old)
    yield from metadata_and_spec(new)
    path = "spec.ephemeralContainers"
    present = {container.get("name"): container for container in _list(new, "ephemeralContainers")}
    for container in _list(old, "ephemeralContainers"):
        name = container.get("name")
        if name not in present:
            yield field_forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n')
        elif present[name] != container:
            detail = (
                f'existing ephemeral containers "{name}" may not be changed\n{difference(present[name], container)}'
            )
            yield field_forbidden(path, detail)


def resize_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A pod that differs in its containers' resources and resize policies only: cpu and memory may change."""
    refusal = _unresizable(new, old)
    if refusal:
        yield field_forbidden("[]", refusal)
        return
    yield from object_meta_update(new, old)
    yield from metadata_and_spec(new)
    if ((old.get("status") or {}).get("qosClass") or qos_class(old)) != qos_class(new):
        shown = (new.get("status") or {}).get("qosClass") or ""
        yield field_invalid("spec", shown, "Pod QOS Class may not change as a result of resizing")
    if not _is_supported(old):
        yield field_forbidden("spec", "Pod running on node without support for resize")
    for key in ("initContainers", "containers"):
        for index, (after, before) in enumerate(zip(_list(new, key), _list(old, key), strict=True)):
            if key == "containers" or is_sidecar(before):
                yield from _container(f"spec.{key}[{index}].resources", after, before)
    for key in ("containers", "initContainers"):
        for after, before in zip(_list(new, key), _list(old, key), strict=True):
            yield from _nothing_else(after, before, is_init=key == "initContainers")


def _list(pod: Object, key: str) -> list[Object]:
    return list((pod.get("spec") or {}).get(key) or [])


def _unresizable(new: Object, old: Object) -> str:
    if any((pod.get("spec") or {}).get("resources") for pod in (new, old)):
        return "pods with pod-level resources cannot be resized"
    if _MIRROR in annotations_of(old):
        return "static pods cannot be resized"
    if ((old.get("spec") or {}).get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    return ""


def _is_supported(pod: Object) -> bool:
    """Whether the node's kubelet says what its running containers were given; true where none runs yet."""
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _amounts(container: Object, which: str) -> Object:
    return (container.get("resources") or {}).get(which) or {}


def _container(path: str, new: Object, old: Object) -> Iterator[FieldError]:
    for which in ("requests", "limits"):
        if _amounts(old, which).keys() - _amounts(new, which).keys():
            yield field_forbidden(f"{path}.{which}", f"resource {which} cannot be removed")
    policies = {item.get("resourceName"): item.get("restartPolicy") for item in new.get("resizePolicy") or []}
    if policies.get("memory") not in (None, "", "NotRequired"):
        return
    limit, before = _amounts(new, "limits").get("memory"), _amounts(old, "limits").get("memory")
    if limit is None or (before is not None and not Quantity.parse(limit) < Quantity.parse(before)):
        return
    change = "added" if before is None else "decreased"
    detail = f"memory limits cannot be {change} unless resizePolicy is RestartContainer"
    yield field_forbidden(f"{path}.limits[memory]", detail)


def _nothing_else(new: Object, old: Object, *, is_init: bool) -> Iterator[FieldError]:
    if is_init and not is_sidecar(old):
        if new != old:
            yield field_forbidden("spec", _NOT_INIT)
    elif _without_resizable(new) != _without_resizable(old):
        yield field_forbidden("spec", _ONLY_SIDECARS if is_init else _ONLY)


def _without_resizable(container: Object) -> Object:
    resources = {
        which: {name: amount for name, amount in _amounts(container, which).items() if name not in _RESIZABLE}
        for which in ("limits", "requests")
    }
    rest = {key: value for key, value in (container.get("resources") or {}).items() if key not in resources}
    return {**container, "resources": {**resources, **rest}}
