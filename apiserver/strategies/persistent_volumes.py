"""The strategies of PersistentVolume and PersistentVolumeClaim."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults import persistent_volumes as defaults
from apiserver.strategies.ruled import Rules, StatusWithMetadata
from apiserver.validation import persistent_volumes as validation
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

_TRANSITION = "lastPhaseTransitionTime"
_KEPT_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


class PersistentVolumeStrategy(StatusWithMetadata):
    """A volume starts Pending, and remembers when its phase last changed."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(
        validation.persistent_volume, validation.persistent_volume_update, default=defaults.default_persistent_volume
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Pending since now."""
        status = {"phase": "Pending", _TRANSITION: format_time(ctx.now)}
        return {**super().prepare_for_create(obj, ctx), "status": status}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """The time of a change of phase, unless the client says another."""
        prepared = super().prepare_status_update(new, old, ctx)
        status, before = dict(prepared.get("status") or {}), old.get("status") or {}
        given, known = status.get(_TRANSITION), before.get(_TRANSITION)
        if status.get("phase") != before.get("phase") and given in (None, known):
            status[_TRANSITION] = format_time(ctx.now)
        elif given is None and known is not None:
            status[_TRANSITION] = known
        return {**prepared, "status": status}

    def warnings(self, obj: Object) -> list[str]:
        """What is deprecated."""
        return list(warnings.persistent_volume(obj))


class PersistentVolumeClaimStrategy(StatusWithMetadata):
    """A claim starts Pending; what fills it is said in two fields that agree."""

    returns_deleted_object: ClassVar[bool] = True
    initial_status: ClassVar[Object | None] = {"phase": "Pending"}
    rules: ClassVar[Rules] = Rules(
        validation.persistent_volume_claim,
        validation.persistent_volume_claim_update,
        validation.persistent_volume_claim_status_update,
        default=defaults.default_persistent_volume_claim,
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Drops a ``dataSource`` that is neither a claim nor a snapshot, and makes the two fields agree."""
        prepared = super().prepare_for_create(obj, ctx)
        return {**prepared, "spec": _agreed(_supported(obj.get("spec") or {}))}

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Makes the two fields agree, also for clients that know only one of them."""
        prepared = super().prepare_for_update(new, old, ctx)
        spec, before = new.get("spec") or {}, old.get("spec") or {}
        if before.get("dataSource") is None and before.get("dataSourceRef") is None:
            spec = _supported(spec)
        return {**prepared, "spec": _agreed(spec)}


def _supported(spec: Object) -> Object:
    source = spec.get("dataSource")
    if source is None or (source.get("apiGroup") or "", source.get("kind")) in _KEPT_SOURCES:
        return spec
    return {key: value for key, value in spec.items() if key != "dataSource"}


def _agreed(spec: Object) -> Object:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        return {**spec, "dataSourceRef": source}
    if reference is not None and source is None and not reference.get("namespace"):
        return {**spec, "dataSource": reference}
    return spec
