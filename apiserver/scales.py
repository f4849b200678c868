"""Which fields of a kind its ``scale`` subresource stands for, and the ``autoscaling/v1 Scale`` made of them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.api.meta import Object, metadata
from minikube_py.api.resources import REPLICATION_CONTROLLERS, Resource
from minikube_py.api.selectors import LabelSelector

Path = tuple[str, ...]
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


@dataclass(frozen=True, slots=True)
class ScaleFields:
    """Paths of the wanted number, the present number and the selector in a kind's objects.

    The selector may be a LabelSelector, a map of labels (ReplicationController) or a text that is sent as it is.
    """

    spec_replicas: Path = ("spec", "replicas")
    status_replicas: Path = ("status", "replicas")
    selector: Path = ("spec", "selector")
    selector_is_map: bool = False


_USUAL = ScaleFields()
_FIELDS: Mapping[Resource, ScaleFields] = {REPLICATION_CONTROLLERS: ScaleFields(selector_is_map=True)}


def scale_fields(resource: Resource) -> ScaleFields:
    """The fields of a kind that has a ``scale`` subresource."""
    return _FIELDS.get(resource, _USUAL)


def scale_of(resource: Resource, obj: Object) -> Object:
    """The ``Scale`` of an object."""
    fields = scale_fields(resource)
    replicas = _at(obj, fields.spec_replicas)
    status: Object = {"replicas": _at(obj, fields.status_replicas) or 0}
    selector = _selector_text(_at(obj, fields.selector), is_map=fields.selector_is_map)
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata(obj)[key] for key in _METADATA if key in metadata(obj)},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def scaled(resource: Resource, obj: Object, replicas: int) -> Object:
    """``obj`` with that wanted number; the argument is not changed."""
    return _with(obj, scale_fields(resource).spec_replicas, replicas)


def _selector_text(selector: Any, *, is_map: bool) -> str:
    if isinstance(selector, str):
        return selector
    return str(LabelSelector.from_object({"matchLabels": selector} if is_map and selector else selector))


def _at(obj: Any, path: Path) -> Any:
    for name in path:
        obj = (obj or {}).get(name)
    return obj


def _with(obj: Object | None, path: Path, value: Any) -> Object:
    name, *rest = path
    return {**(obj or {}), name: _with((obj or {}).get(name), tuple(rest), value) if rest else value}
