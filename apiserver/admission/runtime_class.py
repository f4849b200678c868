"""RuntimeClass: a pod's overhead and scheduling constraints come from its runtime class, and from nowhere else.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/runtimeclass``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from apiserver.admission.lookup import Derived, whole
from apiserver.admission.plugin import CREATE, PODS_ONLY, Action, Attributes, Plugin
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object
from minikube_py.api.quota_amounts import parse
from minikube_py.api.resources import RUNTIME_CLASSES

_MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"


class RuntimeClass(Plugin):
    """Changes pods that are created, and looks at them again when everybody else has changed them."""

    name = "RuntimeClass"
    mutates = True
    validates = True
    kinds = PODS_ONLY
    actions: ClassVar[frozenset[Action]] = CREATE

    def __init__(self) -> None:
        self._classes: Derived[Object] = Derived(RUNTIME_CLASSES, whole)

    async def mutate(self, attributes: Attributes) -> None:
        """Sets overhead, node selector and tolerations. Raises Forbidden."""
        pod = attributes.obj
        if attributes.operation.subresource or pod is None or not _class_name(pod):
            return
        runtime_class = await self._class(attributes, pod)
        pod = with_overhead(pod, runtime_class, attributes.operation.name)
        attributes.obj = with_scheduling(pod, runtime_class, attributes.operation.name)

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for an overhead that is not the class's."""
        pod = attributes.obj
        if attributes.operation.subresource or pod is None:
            return
        overhead = (pod.get("spec") or {}).get("overhead")
        if overhead is None and not _class_name(pod):
            return
        defined = _overhead_of(await self._class(attributes, pod)) if _class_name(pod) else None
        if defined is None:
            if overhead is not None:
                cause = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
                raise _forbidden(attributes.operation.name, cause)
        elif parse(overhead) != parse(defined):
            raise _forbidden(attributes.operation.name, _MISMATCH)

    async def _class(self, attributes: Attributes, pod: Object) -> Object:
        found = await self._classes.get(attributes.operation.core, "", _class_name(pod))
        if found is None:
            raise _forbidden(attributes.operation.name, f'pod rejected: RuntimeClass "{_class_name(pod)}" not found')
        return found


def _class_name(pod: Object) -> str:
    return (pod.get("spec") or {}).get("runtimeClassName") or ""


def _overhead_of(runtime_class: Object) -> dict[str, Any] | None:
    overhead = runtime_class.get("overhead")
    return None if overhead is None else overhead.get("podFixed") or {}


def with_overhead(pod: Object, runtime_class: Object, name: str) -> Object:
    """The pod with its class's overhead. Raises Forbidden where it has another. Pure."""
    defined, spec = _overhead_of(runtime_class), pod.get("spec") or {}
    if defined is None:
        return pod
    if spec.get("overhead") is not None and parse(spec["overhead"]) != parse(defined):
        raise _forbidden(name, _MISMATCH)
    return {**pod, "spec": {**spec, "overhead": defined}}


def with_scheduling(pod: Object, runtime_class: Object, name: str) -> Object:
    """The pod with its class's node selector and tolerations. Raises Forbidden where selectors conflict. Pure."""
    scheduling = runtime_class.get("scheduling")
    if scheduling is None:
        return pod
    spec = dict(pod.get("spec") or {})
    selector = dict(spec.get("nodeSelector") or {})
    for key, value in sorted((scheduling.get("nodeSelector") or {}).items()):
        if selector.setdefault(key, value) != value:
            raise _forbidden(
                name,
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {selector[key]}",
            )
    if selector:
        spec["nodeSelector"] = selector
    tolerations = list(spec.get("tolerations") or ())
    tolerations += [item for item in scheduling.get("tolerations") or () if item not in tolerations]
    if tolerations:
        spec["tolerations"] = tolerations
    return {**pod, "spec": spec}


def _forbidden(name: str, cause: str) -> Forbidden:
    return forbidden("", "pods", name, cause)
