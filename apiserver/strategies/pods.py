"""The strategy of Pod."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.strategies.defaults import pods as defaults
from apiserver.validation import pods as validation
from apiserver.validation import warnings
from minikube_py.api import pods
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata

_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


class PodStrategy(Strategy):
    """A pod starts Pending with its QoS class; its spec hardly changes; it is deleted gracefully."""

    returns_deleted_object: ClassVar[bool] = True

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """A fresh status, whatever the client sent."""
        prepared = super().prepare_for_create(obj, ctx)
        spec = defaults.synchronize_service_account(obj.get("spec") or {})
        status: Object = {"phase": "Pending", "qosClass": pods.qos_class(prepared)}
        if spec.get("schedulingGates"):
            status["conditions"] = [dict(_GATED)]
        return {**prepared, "spec": spec, "status": status}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Labels and annotations may come with a status; owners and the QoS class may not."""
        meta = dict(metadata(new))
        meta.pop("ownerReferences", None)
        if metadata(old).get("ownerReferences"):
            meta["ownerReferences"] = metadata(old)["ownerReferences"]
        prepared = super().prepare_status_update(new, old, ctx)
        status = prepared.get("status") or {}
        qos_class = (old.get("status") or {}).get("qosClass")
        if qos_class and not status.get("qosClass"):
            status = {**status, "qosClass": qos_class}
        return {**prepared, "metadata": meta, "status": status}

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new pod."""
        return list(validation.pod(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a pod."""
        return list(validation.pod_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.pod_status_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """Deprecated names, and definitions that hide each other."""
        return list(warnings.pod(obj))

    def deletion_grace_period(self, obj: Object, requested: int | None) -> int:
        """The pod's own period unless asked otherwise; none where no kubelet has it or it is finished."""
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        if not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
            return 0
        period = requested if requested is not None else spec.get("terminationGracePeriodSeconds") or 0
        return 1 if period < 0 else int(period)
