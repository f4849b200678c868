"""The strategies of ``pods/ephemeralcontainers`` and ``pods/resize``: each takes its part of a pod."""

from __future__ import annotations

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.pods import PodStrategy
from apiserver.validation import pod_subresources as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, generation_of, metadata

_RESIZED = ("resources", "resizePolicy")


class EphemeralContainersStrategy(PodStrategy):
    """``pods/ephemeralcontainers``: containers are added to a pod that runs."""

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """The stored pod with the new one's ephemeral containers."""
        spec = dict(old.get("spec") or {})
        spec.pop("ephemeralContainers", None)
        added = (new.get("spec") or {}).get("ephemeralContainers")
        if added:
            spec["ephemeralContainers"] = added
        return _with_spec(old, spec, new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Additions only."""
        return list(validation.ephemeral_containers_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """None: the pod is known already."""
        return []


class ResizeStrategy(PodStrategy):
    """``pods/resize``: the cpu and memory of a running pod's containers change."""

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """The stored pod with the new one's resources and resize policies, container by container."""
        spec, sent = dict(old.get("spec") or {}), new.get("spec") or {}
        for key in ("containers", "initContainers"):
            by_name = {container.get("name"): container for container in sent.get(key) or []}
            if spec.get(key):
                spec[key] = [_resized(container, by_name.get(container.get("name"))) for container in spec[key]]
        return _with_spec(old, spec, new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may be resized."""
        return list(validation.resize_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """None: the pod is known already."""
        return []


def _resized(container: Object, sent: Object | None) -> Object:
    if sent is None:
        return container
    kept = {key: value for key, value in container.items() if key not in _RESIZED}
    return {**kept, **{key: sent[key] for key in _RESIZED if key in sent}}


def _with_spec(old: Object, spec: Object, new: Object) -> Object:
    """The stored pod with another spec, and one generation more where pods have generations."""
    meta = dict(metadata(old))
    if "managedFields" in metadata(new):
        meta["managedFields"] = metadata(new)["managedFields"]
    if "generation" in meta and spec != old.get("spec"):
        meta["generation"] = generation_of(old) + 1
    return {**old, "metadata": meta, "spec": spec}
