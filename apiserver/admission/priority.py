"""Priority: the number behind a pod's ``priorityClassName``. Only the two system classes exist here."""

from __future__ import annotations

from apiserver.admission.plugin import Attributes, Plugin
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object

SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


class Priority(Plugin):
    """Sets ``priority`` and ``preemptionPolicy`` of pods that are created."""

    name = "Priority"
    mutates = True

    async def mutate(self, attributes: Attributes) -> None:
        """Changes pods that are created. Raises Forbidden for a class that does not exist."""
        if attributes.is_for("pods") and attributes.action == "CREATE" and attributes.obj is not None:
            attributes.obj = with_priority(attributes.obj, attributes.operation.name)


def with_priority(pod: Object, name: str) -> Object:
    """The pod with its priority. Raises Forbidden. Pure."""
    spec = pod.get("spec") or {}
    class_name = spec.get("priorityClassName") or ""
    if class_name and class_name not in SYSTEM_CLASSES:
        raise _forbidden(name, f"no PriorityClass with name {class_name} was found")
    value = SYSTEM_CLASSES.get(class_name, 0)
    if spec.get("priority") is not None and spec["priority"] != value:
        raise _forbidden(
            name,
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name",
        )
    policy = spec.get("preemptionPolicy") or "PreemptLowerPriority"
    if policy != "PreemptLowerPriority":
        raise _forbidden(
            name,
            f"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; "
            "priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
        )
    return {**pod, "spec": {**spec, "priority": value, "preemptionPolicy": policy}}


def _forbidden(name: str, cause: str) -> Forbidden:
    return forbidden("", "pods", name, cause)
