"""Priority: the number and the preemption policy behind a pod's ``priorityClassName``; one default class at most.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/priority``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import CREATE_OR_UPDATE, Action, Attributes, Plugin
from apiserver.core import Core
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object, name_of
from minikube_py.api.resources import PRIORITY_CLASSES

PREEMPT = "PreemptLowerPriority"


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """What a PriorityClass says; the name is empty where there is no class."""

    name: str
    value: int
    preemption_policy: str
    is_default: bool = False


NO_CLASS = PriorityClass("", 0, PREEMPT)
"""What a pod gets that names no class where no class is the default."""
SYSTEM_CLASSES = {
    "system-cluster-critical": PriorityClass("system-cluster-critical", 2_000_000_000, PREEMPT),
    "system-node-critical": PriorityClass("system-node-critical", 2_000_001_000, PREEMPT),
}
"""The classes that are always there; the server creates them as objects when it starts."""


def read(obj: Object) -> PriorityClass:
    """What a PriorityClass object says."""
    policy = obj.get("preemptionPolicy") or PREEMPT
    return PriorityClass(name_of(obj), int(obj.get("value") or 0), policy, bool(obj.get("globalDefault")))


class Priority(Plugin):
    """Sets ``priority`` and ``preemptionPolicy`` of pods; refuses a second default class."""

    name = "Priority"
    mutates = True
    validates = True
    kinds = frozenset({("", "pods"), ("scheduling.k8s.io", "priorityclasses")})
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    def __init__(self) -> None:
        self._classes: Derived[PriorityClass] = Derived(PRIORITY_CLASSES, read)

    async def mutate(self, attributes: Attributes) -> None:
        """Changes pods. Raises Forbidden for a class that does not exist, or a number that is not the class's."""
        pod, old = attributes.obj, attributes.old
        if not attributes.is_for("pods") or pod is None:
            return
        if attributes.action == "UPDATE":
            attributes.obj = kept(pod, old or {})
            return
        operation = attributes.operation
        class_name = (pod.get("spec") or {}).get("priorityClassName") or ""
        chosen = await self._class(operation.core, class_name)
        if chosen is None:
            raise _forbidden(operation.name, f"no PriorityClass with name {class_name} was found")
        attributes.obj = with_priority(pod, chosen, operation.name)

    async def validate(self, attributes: Attributes) -> None:
        """Looks at classes. Raises Forbidden for a second default."""
        operation, obj = attributes.operation, attributes.obj
        if not attributes.is_for("priorityclasses", "scheduling.k8s.io") or not (obj or {}).get("globalDefault"):
            return
        present = default_class(self._classes.list(operation.core))
        if present.name and (attributes.action == "CREATE" or present.name != operation.name):
            cause = f"PriorityClass {present.name} is already marked as default. Only one default can exist"
            raise forbidden("scheduling.k8s.io", "priorityclasses", operation.name, cause)

    async def _class(self, core: Core, name: str) -> PriorityClass | None:
        if name:
            return await self._classes.get(core, "", name) or SYSTEM_CLASSES.get(name)
        return default_class(self._classes.list(core))


def default_class(classes: list[PriorityClass]) -> PriorityClass:
    """The default class, the lowest where two came to be at once, or :data:`NO_CLASS`. Pure."""
    return min((item for item in classes if item.is_default), key=lambda item: item.value, default=NO_CLASS)


def with_priority(pod: Object, chosen: PriorityClass, name: str) -> Object:
    """The pod with the priority of its class. Raises Forbidden. Pure."""
    spec = pod.get("spec") or {}
    value, policy = chosen.value, chosen.preemption_policy
    if spec.get("priority") is not None and spec["priority"] != value:
        raise _forbidden(
            name,
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name",
        )
    own = spec.get("preemptionPolicy")
    if own and own != policy:
        raise _forbidden(
            name,
            f"the string value of PreemptionPolicy ({own}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name",
        )
    changed = {"priority": value, "preemptionPolicy": policy}
    if chosen.name:
        changed["priorityClassName"] = chosen.name
    return {**pod, "spec": {**spec, **changed}}


def kept(pod: Object, old: Object) -> Object:
    """The pod with the priority that it was given when it was created, where an update leaves it out. Pure."""
    spec, before = pod.get("spec") or {}, old.get("spec") or {}
    missing = {
        field: before[field]
        for field in ("priority", "preemptionPolicy")
        if spec.get(field) is None and before.get(field) is not None
    }
    return {**pod, "spec": {**spec, **missing}} if missing else pod


def _forbidden(name: str, cause: str) -> Forbidden:
    return forbidden("", "pods", name, cause)
