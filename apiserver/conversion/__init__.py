"""Several presentations of one stored object: a kind that is served in two versions is stored in one of them.

Pure. One file per kind enters here, each giving a :class:`~apiserver.conversion.converter.Converter`; rows of the table
of kinds that name another ``apiVersion`` in ``stored_as`` have one. Writes are converted once decoded, so that
defaults, admission and validation know the stored form only; reads are converted when they are rendered.
"""

from __future__ import annotations

from apiserver.conversion import events, horizontal_pod_autoscalers
from apiserver.conversion.converter import Converter
from minikube_py.api.meta import Object
from minikube_py.api.resources import EVENTS_V1, HORIZONTAL_POD_AUTOSCALERS_V1, Resource

_CONVERTERS: dict[Resource, Converter] = {
    EVENTS_V1: events.CONVERTER,
    HORIZONTAL_POD_AUTOSCALERS_V1: horizontal_pod_autoscalers.CONVERTER,
}


def to_stored(resource: Resource, obj: Object) -> Object:
    """An object of the presentation ``resource`` in its stored form; the same object where they are one."""
    return _CONVERTERS[resource].to_stored(obj) if resource.stored_as else obj


def to_presented(resource: Resource, obj: Object) -> Object:
    """A stored object as ``resource`` presents it; the same object where they are one."""
    return _CONVERTERS[resource].to_presented(obj) if resource.stored_as else obj


__all__ = ["Converter", "to_presented", "to_stored"]
