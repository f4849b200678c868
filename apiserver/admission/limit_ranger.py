"""LimitRanger: containers get the default requests and limits of their namespace, and stay within its bounds.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/limitranger``. What bounds are is in
:mod:`apiserver.admission.limits`.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.limits import Limits, claim_violations, pod_violations, with_defaults
from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import CREATE_OR_UPDATE, Action, Attributes, Plugin
from minikube_py.api.errors import forbidden
from minikube_py.api.meta import is_deleting
from minikube_py.api.resources import LIMIT_RANGES

_NOTHING: list[Limits] = []


class LimitRanger(Plugin):
    """Looks at pods that are created or resized, and at claims; free in a namespace without a LimitRange."""

    name = "LimitRanger"
    mutates = True
    validates = True
    kinds = frozenset({("", "pods"), ("", "persistentvolumeclaims")})
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    def __init__(self) -> None:
        self._limits: Derived[Limits] = Derived(LIMIT_RANGES, Limits.read)

    async def mutate(self, attributes: Attributes) -> None:
        """Gives containers of a new pod the defaults that they lack."""
        pod = attributes.obj
        if pod is None or attributes.action != "CREATE" or not attributes.is_for("pods"):
            return
        for limits in self._limits_for(attributes):
            pod = with_defaults(pod, limits)
        attributes.obj = pod

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden, with every bound of one LimitRange that is not kept."""
        operation, obj = attributes.operation, attributes.obj
        if obj is None:
            return
        violations = pod_violations if operation.resource.plural == "pods" else claim_violations
        for limits in self._limits_for(attributes):
            found = list(dict.fromkeys(violations(obj, limits)))
            if found:
                cause = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
                raise forbidden("", operation.resource.plural, operation.name, cause)

    def _limits_for(self, attributes: Attributes) -> list[Limits]:
        """The LimitRanges that such a write is held against."""
        operation = attributes.operation
        if attributes.action == "UPDATE" and attributes.old is not None and is_deleting(attributes.old):
            return _NOTHING
        if operation.resource.plural == "pods":
            # Of a pod that exists, nothing else than its resources can change.
            if operation.subresource != ("" if attributes.action == "CREATE" else "resize"):
                return _NOTHING
        elif operation.subresource:
            return _NOTHING
        return self._limits.list(operation.core, operation.namespace)
